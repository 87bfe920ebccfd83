package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate writes a certificate for 127.0.0.1 and its key, and returns their files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret)
}

func TestServeSpeaksTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	for _, asJSON := range []string{"--json", "--json=false"} {
		p := start(t, "serve", "--addr=127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, asJSON)
		if !strings.HasPrefix(p.url(), "wss://127.0.0.1:") {
			t.Fatal(p.url())
		}
		status, stdout, stderr := call(t, "hello\n", "connect", "--ca", cert, p.url()+"/echo")
		if status != 0 || stdout != "hello\n" {
			t.Errorf("status %d, stdout %q, stderr %s", status, stdout, stderr)
		}
		p.signal()
		if status := p.wait(); status != 0 {
			t.Errorf("status %d, stderr %s", status, p.stderr())
		}
	}
}

func TestCertificatesThatCannotBeUsedAreAUsageError(t *testing.T) {
	cert, key := certificate(t)
	_, other := certificate(t)
	for _, c := range []struct{ cert, key, want string }{
		{"/nonexistent.pem", key, "--tls-cert: open /nonexistent.pem"},
		{cert, "/nonexistent.pem", "--tls-key: open /nonexistent.pem"},
		{key, cert, "--tls-cert and --tls-key: "},
		{cert, other, "--tls-cert and --tls-key: tls: private key does not match"},
		{"main_test.go", key, "--tls-cert and --tls-key: "},
		{cert, "main_test.go", "--tls-cert and --tls-key: "},
		{t.TempDir(), key, "--tls-cert: read "},
	} {
		status, stdout, stderr := call(t, "", "serve", "--addr=127.0.0.1:0", "--tls-cert", c.cert, "--tls-key", c.key)
		if status != 2 || stdout != "" || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "BEGIN") {
			t.Errorf("%+v: status %d, stdout %q, stderr %q", c, status, stdout, stderr)
		}
	}
}
