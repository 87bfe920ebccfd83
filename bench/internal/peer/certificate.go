package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"time"
)

// TLSConfig returns what a server that was started with the word tls speaks, and nil for
// all others. All callers share one certificate; do not change the configuration.
func TLSConfig() *tls.Config {
	if !Variant(TLS) {
		return nil
	}
	return configuration()
}

var configuration = sync.OnceValue(func() *tls.Config {
	certificate, err := selfSigned(time.Now())
	if err != nil {
		Fail(err)
	}
	// Without the protocol net/http's servers would offer HTTP/2, over which none of the
	// peers upgrades.
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"},
	}
})

// selfSigned makes a certificate for 127.0.0.1 that is good for a day, with a key on
// P-256: what most of the web has, and the quickest in crypto/tls.
func selfSigned(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
