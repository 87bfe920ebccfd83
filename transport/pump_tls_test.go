package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// selfSigned returns a server's and a client's configuration that fit.
func selfSigned(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		DNSNames:     []string{"pipe.test"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return server, &tls.Config{RootCAs: roots, ServerName: "pipe.test"}
}

// secured runs f with a started server Conn under TLS and the client's end.
func secured(t *testing.T, f func(t *testing.T, c *transport.Conn, g *log, client *tls.Conn, l *transporttest.Link)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		serverConfig, clientConfig := selfSigned(t)
		l := transporttest.NewLink()
		defer l.Close()
		server, client := tls.Server(l.Server(), serverConfig), tls.Client(l.Client(), clientConfig)
		shaken := make(chan error, 1)
		go func() { shaken <- server.HandshakeContext(t.Context()) }()
		if err := errors.Join(client.HandshakeContext(t.Context()), <-shaken); err != nil {
			t.Fatal(err)
		}
		c := transport.NewConn(server, transport.ConnOptions{Server: true})
		g := &log{}
		c.Start(g)
		defer func() {
			_ = c.Close()
			<-c.Done()
		}()
		f(t, c, g, client, l)
	})
}

func TestMessagesPassUnderTLS(t *testing.T) {
	secured(t, func(t *testing.T, c *transport.Conn, g *log, client *tls.Conn, _ *transporttest.Link) {
		text := string(make([]byte, 50<<10))
		send(t, client, masked(text))
		if !slices.Equal(g.sofar().messages, []string{text}) {
			t.Fatalf("%d messages, %v", len(g.sofar().messages), g.sofar().err)
		}
		g.write(c, make([]byte, 100<<10))
		if _, err := io.ReadFull(client, make([]byte, 100<<10)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestCloseWriteUnderTLSIsACloseNotify(t *testing.T) {
	secured(t, func(t *testing.T, c *transport.Conn, g *log, client *tls.Conn, _ *transporttest.Link) {
		g.write(c, []byte("last"))
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(client); string(got) != "last" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		send(t, client, masked("still heard"))
		if !slices.Equal(g.sofar().messages, []string{"still heard"}) {
			t.Fatalf("%q", g.sofar().messages)
		}
	})
}

// tls.Conn.Close would wait five seconds for room to say goodbye.
func TestCloseUnderTLSDoesNotWaitForAStalledPeer(t *testing.T) {
	secured(t, func(t *testing.T, c *transport.Conn, _ *log, _ *tls.Conn, l *transporttest.Link) {
		l.Stall(transporttest.ToClient)
		send(t, l.Server(), make([]byte, 64<<10)) // no room for a close_notify
		start := time.Now()
		_ = c.Close()
		<-c.Done()
		if d := time.Since(start); d != 0 {
			t.Fatalf("it took %v", d)
		}
	})
}
