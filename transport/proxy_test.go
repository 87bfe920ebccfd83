package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// proxying is a CONNECT proxy. It tells what it was asked and leads every tunnel
// to target. It answers with refuse if that is not empty.
func proxying(t testing.TB, target, refuse string) (addr string, asked chan *http.Request) {
	t.Helper()
	asked = make(chan *http.Request, 16)
	return scripted(t, func(nc net.Conn) {
		br := bufio.NewReader(nc)
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		asked <- r
		if refuse != "" {
			_, _ = io.WriteString(nc, refuse)
			return
		}
		out, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		defer out.Close()
		_, _ = io.WriteString(nc, "HTTP/1.1 200 Connection established\r\nX-Proxy: a\r\n\r\n")
		back := make(chan struct{})
		go func() {
			defer close(back)
			_, _ = io.Copy(nc, out)
			_ = nc.Close()
		}()
		_, _ = io.Copy(out, br)
		_ = out.Close()
		<-back
	}), asked
}

func proxyAt(addr string) func(*url.URL) (*url.URL, error) {
	return func(*url.URL) (*url.URL, error) { return &url.URL{Scheme: "http", Host: addr}, nil }
}

func secureProxyAt(addr string) func(*url.URL) (*url.URL, error) {
	return func(*url.URL) (*url.URL, error) { return &url.URL{Scheme: "https", Host: addr}, nil }
}

func TestDialGoesThroughAProxy(t *testing.T) {
	server, client := certificate(t)
	client.ServerName = "example.com"
	for _, scheme := range []string{"ws", "wss"} {
		config := server
		if scheme == "ws" {
			config = nil
		}
		proxy, asked := proxying(t, upgrading(t, &Upgrader{}, config), "")
		d := &Dialer{
			TLSConfig: client,
			Header:    http.Header{"Authorization": {"Bearer for the server"}},
			Proxy: func(u *url.URL) (*url.URL, error) {
				if u.Scheme != scheme || u.Hostname() != "far.example" {
					t.Errorf("asked for %v", u)
				}
				return &url.URL{Scheme: "http", Host: proxy, User: url.UserPassword("alice", "hunter2")}, nil
			},
		}
		dialEcho(t, d, scheme+"://far.example/x?token=1")
		r := wait(t, asked)
		want := map[string]string{"ws": "far.example:80", "wss": "far.example:443"}[scheme]
		if r.Method != "CONNECT" || r.RequestURI != want || r.Host != want {
			t.Errorf("%s: %s %s, Host %s", scheme, r.Method, r.RequestURI, r.Host)
		}
		if got := r.Header.Get("Proxy-Authorization"); got != "Basic "+base64.StdEncoding.EncodeToString([]byte("alice:hunter2")) {
			t.Errorf("credentials %q", got)
		}
		if r.Header["Authorization"] != nil {
			t.Error("the proxy sees what is for the server")
		}
	}
}

func TestDialGoesThroughAProxyThatSpeaksTLS(t *testing.T) {
	server, client := certificate(t)
	client.ServerName = "example.com" // of the server, not of the proxy
	inner, _ := proxying(t, upgrading(t, &Upgrader{}, server), "")
	names := make(chan string, 1)
	outer := scripted(t, func(nc net.Conn) {
		secure := tls.Server(nc, server)
		_ = secure.Handshake()
		names <- secure.ConnectionState().ServerName
		out, err := net.Dial("tcp", inner)
		if err != nil {
			return
		}
		defer out.Close()
		back := make(chan struct{})
		go func() {
			defer close(back)
			_, _ = io.Copy(secure, out)
			_ = nc.Close()
		}()
		_, _ = io.Copy(out, secure)
		_ = out.Close()
		<-back
	})
	d := &Dialer{TLSConfig: client, Proxy: secureProxyAt(outer)}
	dialEcho(t, d, "wss://far.example")
	if name := wait(t, names); name != "" {
		t.Errorf("the proxy, an address, was asked for as %q", name)
	}
}

func TestAProxysRefusalSaysWhy(t *testing.T) {
	for _, c := range []struct {
		answer, text string
		status       int
		retry        time.Duration
	}{
		{"HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", "407", 407, 0},
		{"HTTP/1.1 503 x\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy", "503", 503, 7 * time.Second},
		{"HTTP/1.1 204 x\r\n\r\n", "204", 204, 0},
		{"HTTP/1.1 101 x\r\n\r\n", "101", 101, 0},
		{"HTTP/1.1 200 OK\r\n\r\nearly bytes", "behind the proxy's answer", 0, 0},
		{"SOCKS? hunter2", "not HTTP", 0, 0},
		{"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: hunter2\r\n", 1000), "malformed answer", 0, 0},
		{"HTTP/1.1 20", "ends in its header", 0, 0},
	} {
		proxy, _ := proxying(t, "", c.answer)
		d := &Dialer{Proxy: func(*url.URL) (*url.URL, error) {
			return &url.URL{Scheme: "http", Host: proxy, User: url.UserPassword("alice", "hunter2")}, nil
		}}
		_, _, err := d.Dial(t.Context(), "ws://far.example/?hunter2")
		var e *DialError
		if !errors.As(err, &e) || e.Op != "proxy" || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", c.answer, err)
			continue
		}
		var h *HandshakeError
		if errors.As(err, &h) && (h.Status != c.status || h.RetryAfter != c.retry) || h == nil && c.status != 0 {
			t.Errorf("%q: %+v", c.answer, h)
		}
	}
}

func TestDialSaysWhichProxyItCannotUse(t *testing.T) {
	leaky := errors.New("bad proxy http://alice:hunter2@h")
	for name, c := range map[string]struct {
		proxy *url.URL
		err   error
		text  string
	}{
		"error":      {nil, leaky, "not usable"},
		"scheme":     {&url.URL{Scheme: "socks5", Host: "h", User: url.User("hunter2")}, nil, "only http"},
		"no host":    {&url.URL{Scheme: "http", User: url.User("hunter2")}, nil, "no host"},
		"bad host":   {&url.URL{Scheme: "http", Host: "h hunter2"}, nil, "character"},
		"no address": {&url.URL{Scheme: "http", Host: "127.0.0.1:1"}, nil, "proxy 127.0.0.1:1"},
	} {
		_, _, err := (&Dialer{Proxy: func(*url.URL) (*url.URL, error) { return c.proxy, c.err }}).Dial(t.Context(), "ws://h")
		var e *DialError
		if !errors.As(err, &e) || e.Op != "proxy" || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
		if c.err != nil && !errors.Is(err, leaky) {
			t.Errorf("%s: the cause is lost", name)
		}
	}
}

// net/http reads the environment once in a process, so the test dials in
// another one.
func TestDialTakesTheProxyFromTheEnvironment(t *testing.T) {
	const child = "HAWSER_TEST_DIAL"
	if u := os.Getenv(child); u != "" {
		c, _, err := new(Dialer).Dial(context.Background(), u)
		if err != nil && !strings.HasPrefix(u, "wss") { // there is no TLS behind it
			t.Fatal(err)
		}
		closeConn(t, c)
		return
	}
	target := upgrading(t, &Upgrader{}, nil)
	proxy, asked := proxying(t, target, "")
	for _, c := range []struct {
		name, url string
		env       []string
		want      string
	}{
		{"ws is http", "ws://far.example/", []string{"HTTP_PROXY=http://alice:pw@" + proxy}, "far.example:80"},
		{"wss is https", "wss://far.example/", []string{"HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://alice:pw@" + proxy}, "far.example:443"},
		{"loopback is never proxied", "ws://" + target + "/", []string{"HTTP_PROXY=http://" + proxy}, ""},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDialTakesTheProxyFromTheEnvironment$")
		cmd.Env = append([]string{child + "=" + c.url}, c.env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, out)
		}
		select {
		case r := <-asked:
			if r.RequestURI != c.want || r.Header.Get("Proxy-Authorization") == "" {
				t.Errorf("%s: asked %s", c.name, r.RequestURI)
			}
		default:
			if c.want != "" {
				t.Errorf("%s: not asked", c.name)
			}
		}
	}
}
