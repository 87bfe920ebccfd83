package transport

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// scripted serves each connection with f and returns its address. It ends with
// the test.
func scripted(t testing.TB, f func(nc net.Conn)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer nc.Close()
				_ = nc.SetDeadline(time.Now().Add(patience))
				f(nc)
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		all.Wait()
	})
	return ln.Addr().String()
}

// upgrading serves each connection with u and what it gets with an echo. TLS if
// config is given.
func upgrading(t testing.TB, u *Upgrader, config *tls.Config) (addr string) {
	t.Helper()
	return scripted(t, func(nc net.Conn) {
		if config != nil {
			nc = tls.Server(nc, config)
		}
		c, _, err := u.Upgrade(nc)
		if err != nil {
			return
		}
		gone := make(chan struct{})
		e := &echoOnce{gone: gone}
		c.Start(e)
		<-gone
		_ = c.Close()
		<-c.Done()
	})
}

// echoOnce sends small messages back until the end.
type echoOnce struct {
	gone chan struct{}
	once sync.Once
}

func (e *echoOnce) Writable(*Conn) {}

func (e *echoOnce) Readable(c *Conn) {
	b, err := c.Read()
	if err != nil {
		e.once.Do(func() { close(e.gone) })
		return
	}
	if b == nil {
		return
	}
	defer b.Release()
	for _, m := range b.Messages {
		_, _ = c.Write(serverFrame(byte(m.Kind), string(m.Payload)))
	}
}

// dialEcho dials with d, checks with an echo that the connection works, and returns
// the Response.
func dialEcho(t *testing.T, d *Dialer, url string) *Response {
	t.Helper()
	c, resp, err := d.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(t, c)
	in := newInbox()
	c.Start(in)
	if _, err := c.Write(clientFrame(opText, "hello")); err != nil {
		t.Error(err)
	}
	if m := wait(t, in.messages); m != "hello" {
		t.Errorf("got %q", m)
	}
	return resp
}

// certificate returns a server's TLS configuration and a client's that trusts it
// for example.com and 127.0.0.1.
func certificate(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: pool}
}

// accepting answers the request on nc with a good 101, with extra lines, and
// returns the request.
func accepting(nc net.Conn, extra string) *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(nc))
	if err != nil {
		return nil
	}
	_, _ = io.WriteString(nc, goodAnswer(r.Header.Get("Sec-WebSocket-Key"))+extra+"\r\n")
	return r
}

// goodAnswer lacks the empty line.
func goodAnswer(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n"
}

func TestDialReachesAnUpgrader(t *testing.T) {
	server, client := certificate(t)
	for _, k := range kinds {
		for _, secure := range []bool{false, true} {
			d, u := &Dialer{TLSConfig: client}, &Upgrader{}
			if k.polled {
				d.Poller, u.Poller = newTestPoller(t, PollerOptions{}), newTestPoller(t, PollerOptions{})
			}
			config, scheme := server, "wss://"
			if !secure {
				config, scheme = nil, "ws://"
			}
			u.Authorize = func(r *Request) error {
				if (r.TLS != nil) != secure {
					t.Errorf("TLS state %v", r.TLS)
				}
				return nil
			}
			dialEcho(t, d, scheme+upgrading(t, u, config)+"/?x")
		}
	}
}

func TestDialSendsWhatItIsToldTo(t *testing.T) {
	got := make(chan *http.Request, 1)
	addr := scripted(t, func(nc net.Conn) { got <- accepting(nc, "X-Answer: yes\r\n") })
	d := &Dialer{
		Header: http.Header{"Authorization": {"Bearer hunter2"}, "Origin": {"http://page"}},
		Host:   "virtual.example:99",
	}
	c, resp, err := d.Dial(t.Context(), "ws://"+addr+"/a%2Fb?c=d")
	if err != nil {
		t.Fatal(err)
	}
	closeConn(t, c)
	if resp.Status != 101 || resp.Header.Get("X-Answer") != "yes" || resp.Subprotocol != "" {
		t.Errorf("response %+v", resp)
	}
	r := wait(t, got)
	if r.RequestURI != "/a%2Fb?c=d" || r.Host != "virtual.example:99" || r.Header.Get("Authorization") != "Bearer hunter2" ||
		r.Header.Get("Origin") != "http://page" || r.Header["Sec-Websocket-Extensions"] != nil || r.Header["Sec-Websocket-Protocol"] != nil {
		t.Errorf("request %s to %s: %v", r.RequestURI, r.Host, r.Header)
	}
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	if len(key) != 16 || err != nil {
		t.Errorf("key %q", key)
	}
}

func TestDialSendsNoZoneInHost(t *testing.T) {
	got := make(chan string, 1)
	addr := scripted(t, func(nc net.Conn) { got <- accepting(nc, "").Host })
	d := &Dialer{Proxy: NoProxy, NetDial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	c, _, err := d.Dial(t.Context(), "ws://[fe80::1%25eth0]:99/")
	if err != nil {
		t.Fatal(err)
	}
	closeConn(t, c)
	if host := wait(t, got); host != "[fe80::1]:99" {
		t.Errorf("got %q", host)
	}
}

func TestDialAgreesOnASubprotocol(t *testing.T) {
	addr := upgrading(t, &Upgrader{Subprotocols: []string{"v2", "v1"}}, nil)
	resp := dialEcho(t, &Dialer{Subprotocols: []string{"v1", "v2"}}, "ws://"+addr)
	if resp.Subprotocol != "v2" {
		t.Errorf("got %q", resp.Subprotocol)
	}
	if resp := dialEcho(t, &Dialer{Subprotocols: []string{"v3"}}, "ws://"+addr); resp.Subprotocol != "" {
		t.Errorf("got %q", resp.Subprotocol)
	}
}

func TestFramesBehindTheAnswerAreKept(t *testing.T) {
	addr := scripted(t, func(nc net.Conn) {
		r, _ := http.ReadRequest(bufio.NewReader(nc))
		early := string(serverFrame(opText, "early")) + string(serverFrame(opText, "bird"))
		_, _ = io.WriteString(nc, goodAnswer(r.Header.Get("Sec-WebSocket-Key"))+"\r\n"+early[:10])
		_, _ = io.WriteString(nc, early[10:])
		_, _ = io.Copy(io.Discard, nc)
	})
	c, _, err := new(Dialer).Dial(t.Context(), "ws://"+addr)
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(t, c)
	in := newInbox()
	c.Start(in)
	if a, b := wait(t, in.messages), wait(t, in.messages); a != "early" || b != "bird" {
		t.Errorf("got %q, %q", a, b)
	}
}

func TestDialRefusesSettingsThatBreakTheRequestBeforeItConnects(t *testing.T) {
	for name, d := range map[string]*Dialer{
		"header":      {Header: http.Header{"X": {"a\r\nhunter2"}}},
		"own header":  {Header: http.Header{"Sec-WebSocket-Extensions": {"x"}}},
		"subprotocol": {Subprotocols: []string{"a\r\nhunter2: b"}},
		"host":        {Host: "h\r\nhunter2: b"},
	} {
		d.NetDial = func(context.Context, string, string) (net.Conn, error) {
			t.Error("dialed")
			return nil, io.EOF
		}
		_, _, err := d.Dial(t.Context(), "ws://127.0.0.1:1")
		var h *HandshakeError
		var terminal interface{ Terminal() bool }
		if !errors.As(err, &h) || !errors.As(err, &terminal) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDialNamesTheStepThatFailed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := ln.Addr().String()
	_ = ln.Close()
	server, trusting := certificate(t)
	secure := upgrading(t, &Upgrader{}, server)
	plain := upgrading(t, &Upgrader{}, nil)
	deaf := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}
	for _, c := range []struct {
		name, url string
		d         *Dialer
		op, text  string
	}{
		{"url", "http://h/?hunter2", &Dialer{}, "url", "use ws://"},
		{"connect", "ws://" + closed + "/?hunter2", &Dialer{}, "connect", "refused"},
		{"resolve", "ws://name.example/?hunter2", &Dialer{Resolver: deaf, Proxy: NoProxy}, "resolve", "name.example"},
		{"unknown authority", "wss://" + secure + "/?hunter2", &Dialer{}, "tls", "certificate"},
		{"wrong name", "wss://" + secure + "/?hunter2", &Dialer{TLSConfig: &tls.Config{RootCAs: trusting.RootCAs, ServerName: "other.org"}}, "tls", "other.org"},
		{"TLS to a plain port", "wss://" + plain + "/?hunter2", &Dialer{TLSConfig: trusting}, "tls", "does not speak TLS on this port"},
		{"no connection", "ws://h/?hunter2", &Dialer{Proxy: NoProxy, NetDial: func(context.Context, string, string) (net.Conn, error) { return nil, nil }}, "connect", "no connection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := c.d.Dial(t.Context(), c.url)
			var e *DialError
			if !errors.As(err, &e) || e.Op != c.op || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("%v, want %q in step %q", err, c.text, c.op)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("secret in %v", err)
			}
		})
	}
}

func TestPlainToATLSPortSaysSo(t *testing.T) {
	server, _ := certificate(t)
	ours := upgrading(t, &Upgrader{}, server)
	netHTTP := httptest.NewUnstartedServer(http.NotFoundHandler())
	netHTTP.Config.ErrorLog = log.New(io.Discard, "", 0)
	netHTTP.StartTLS()
	defer netHTTP.Close()
	alert := scripted(t, func(nc net.Conn) {
		_, _ = nc.Read(make([]byte, 1024))
		_, _ = nc.Write([]byte{0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x16})
	})
	for name, addr := range map[string]string{"ours": ours, "net/http": netHTTP.Listener.Addr().String(), "OpenSSL": alert} {
		_, _, err := new(Dialer).Dial(t.Context(), "ws://"+addr)
		var h *HandshakeError
		if !errors.As(err, &h) || !strings.Contains(err.Error(), "use wss://") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDialRefusesHTTP2OverTLS(t *testing.T) {
	server, client := certificate(t)
	server.NextProtos, client.NextProtos = []string{"h2"}, []string{"h2"}
	addr := upgrading(t, &Upgrader{}, server)
	_, _, err := (&Dialer{TLSConfig: client}).Dial(t.Context(), "wss://"+addr)
	if err == nil || !strings.Contains(err.Error(), "HTTP/2") {
		t.Error(err)
	}
}

func TestDialUsesTheResolver(t *testing.T) {
	asked := make(chan struct{}, 16)
	r := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asked <- struct{}{}
		return nil, errors.New("no name server")
	}}
	_, _, err := (&Dialer{Resolver: r, Proxy: NoProxy}).Dial(t.Context(), "ws://name.example")
	if err == nil {
		t.Error("no error")
	}
	wait(t, asked)
}

// TestDialEndsAtItsTimeout drips the answer of each step, so that only an
// absolute deadline ends it.
func TestDialEndsAtItsTimeout(t *testing.T) {
	for _, c := range []struct {
		name, url string
		proxy     bool
		timeout   time.Duration
		want      time.Duration
		ctx       time.Duration
	}{
		{name: "handshake", url: "ws://h", want: defaultDialTimeout},
		{name: "TLS", url: "wss://h", want: defaultDialTimeout},
		{name: "proxy", url: "ws://h", proxy: true, want: defaultDialTimeout},
		{name: "given", url: "ws://h", timeout: time.Second, want: time.Second},
		{name: "context is shorter", url: "ws://h", ctx: time.Second, want: time.Second},
		{name: "only the context", url: "ws://h", timeout: -1, ctx: time.Hour, want: time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := "HTTP/1.1 101 x\r\n"
				if c.name == "TLS" {
					first = "\x16\x03\x03\x40\x00"
				}
				d := &Dialer{Timeout: c.timeout, Proxy: NoProxy, NetDial: dripping(t, first)}
				if c.proxy {
					d.Proxy = proxyAt("proxy:1")
				}
				ctx := t.Context()
				if c.ctx > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.ctx)
					defer cancel()
				}
				start := time.Now()
				_, _, err := d.Dial(ctx, c.url)
				if took := time.Since(start); took != c.want || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}

// dripping is a server that answers with first and then a byte a second, and
// never comes to an end.
func dripping(t *testing.T, first string) func(context.Context, string, string) (net.Conn, error) {
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		all.Go(func() { _, _ = io.Copy(io.Discard, server) })
		all.Go(func() {
			defer server.Close()
			_, err := io.WriteString(server, first)
			for err == nil {
				time.Sleep(time.Second)
				_, err = io.WriteString(server, "x")
			}
		})
		return client, nil
	}
}

func TestDialEndsWithItsContextAtEachStep(t *testing.T) {
	mute := scripted(t, func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) })
	halfAnswer := scripted(t, func(nc net.Conn) {
		_, _ = io.WriteString(nc, "HTTP/1.1 101 Switching Protocols\r\nUpg")
		_, _ = io.Copy(io.Discard, nc)
	})
	halfBody := scripted(t, func(nc net.Conn) {
		_, _ = io.WriteString(nc, "HTTP/1.1 503 x\r\nContent-Length: 10\r\n\r\nhalf")
		_, _ = io.Copy(io.Discard, nc)
	})
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, errors.New("operation was canceled")
	}
	deaf := &net.Resolver{PreferGo: true, Dial: hang}
	for _, c := range []struct {
		name, url string
		d         *Dialer
	}{
		{"resolve", "ws://name.example", &Dialer{Resolver: deaf, Proxy: NoProxy}},
		{"connect", "ws://h", &Dialer{NetDial: hang, Proxy: NoProxy}},
		{"proxy", "ws://h", &Dialer{Proxy: proxyAt(mute)}},
		{"TLS of the proxy", "ws://h", &Dialer{Proxy: secureProxyAt(mute)}},
		{"TLS", "wss://" + mute, &Dialer{}},
		{"handshake", "ws://" + mute, &Dialer{}},
		{"answer", "ws://" + halfAnswer, &Dialer{}},
		{"body", "ws://" + halfBody, &Dialer{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			why := errors.New("changed my mind")
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := time.AfterFunc(50*time.Millisecond, func() { cancel(why) })
			defer stop.Stop()
			start := time.Now()
			conn, _, err := c.d.Dial(ctx, c.url)
			if conn != nil || !errors.Is(err, why) {
				t.Errorf("%v, %v", conn, err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestDialWithAnEndedContextLeavesNothing(t *testing.T) {
	addr := upgrading(t, &Upgrader{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := new(Dialer).Dial(ctx, "ws://"+addr); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestEndingTheContextAfterDialHarmsNothing(t *testing.T) {
	addr := upgrading(t, &Upgrader{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	c, _, err := new(Dialer).Dial(ctx, "ws://"+addr)
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(t, c)
	cancel()
	in := newInbox()
	c.Start(in)
	_, _ = c.Write(clientFrame(opText, "still there"))
	if m := wait(t, in.messages); m != "still there" {
		t.Errorf("got %q", m)
	}
}
