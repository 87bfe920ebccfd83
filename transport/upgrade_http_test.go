package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// upgradeViaHTTP sends raw to a net/http server. The error is errNotAsked if
// net/http has answered itself.
func upgradeViaHTTP(t *testing.T, u *Upgrader, raw string) (*http.Response, string, error) {
	t.Helper()
	done := make(chan upgraded, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, req, err := u.UpgradeHTTP(w, r)
		done <- upgraded{c, req, err}
	}))
	defer s.Close()
	client, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	resp, rest := exchange(t, client, raw)
	select {
	case got := <-done:
		closeConn(t, got.c)
		if got.r == nil {
			t.Error("no Request")
		}
		return resp, rest, got.err
	default:
		if resp.StatusCode == 101 {
			got := wait(t, done)
			closeConn(t, got.c)
			return resp, rest, got.err
		}
		return resp, rest, errNotAsked
	}
}

var errNotAsked = errors.New("net/http has answered itself")

func TestUpgradeHTTPAnswersAsUpgradeDoes(t *testing.T) {
	for _, c := range badHandshakes() {
		if c.viaHTTP < 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			resp, body, err := upgradeViaHTTP(t, &Upgrader{}, c.raw)
			want := c.status
			if c.viaHTTP != 0 {
				want = c.viaHTTP
			}
			if resp.StatusCode != want {
				t.Fatalf("answered %s, want %d", resp.Status, want)
			}
			if want >= 400 && !errors.Is(err, errNotAsked) {
				checkRefusal(t, resp, body, err, want)
			}
		})
	}
}

func TestUpgradeHTTPRefusesAWriterThatCannotBeTakenOver(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = "example.com"
	r.Header = http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {sampleKey},
	}
	w := httptest.NewRecorder()
	_, _, err := new(Upgrader).UpgradeHTTP(w, r)
	var h *HandshakeError
	if w.Code != 500 || !errors.As(err, &h) || !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("%d, %v", w.Code, err)
	}
}

func TestUpgradeHTTPRefusesHTTP2(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	w := httptest.NewRecorder()
	if _, _, err := new(Upgrader).UpgradeHTTP(w, r); w.Code != 505 || err == nil {
		t.Errorf("%d, %v", w.Code, err)
	}
}

func TestUpgradeHTTPKeepsFramesBehindTheRequest(t *testing.T) {
	in := newInbox()
	conns := make(chan *Conn, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, req, err := new(Upgrader).UpgradeHTTP(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		if _, ok := req.RemoteAddr.(*net.TCPAddr); !ok {
			t.Errorf("address %T", req.RemoteAddr)
		}
		if req.Context.Value(http.LocalAddrContextKey) == nil {
			t.Error("not the request's context")
		}
		c.Start(in)
		conns <- c
	}))
	defer s.Close()
	client, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := io.WriteString(client, goodRequest+"\r\n"+string(clientFrame(opText, "early"))); err != nil {
		t.Fatal(err)
	}
	if m := wait(t, in.messages); m != "early" {
		t.Errorf("got %q", m)
	}
	closeConn(t, wait(t, conns))
}

func TestUpgradeHTTPWorksBehindWrappersAndMuxes(t *testing.T) {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, req, err := new(Upgrader).UpgradeHTTP(wrappedWriter{w}, r)
		if err != nil {
			t.Error(err)
			return
		}
		if req.Path != "/feed" || req.URI != "/api/feed?x" {
			t.Errorf("path %q of %q", req.Path, req.URI)
		}
		closeConn(t, c)
	})
	s := httptest.NewServer(http.StripPrefix("/api", inner))
	defer s.Close()
	c, _, err := new(Dialer).Dial(context.Background(), "ws"+strings.TrimPrefix(s.URL, "http")+"/api/feed?x")
	if err != nil {
		t.Fatal(err)
	}
	closeConn(t, c)
}

type wrappedWriter struct{ http.ResponseWriter }

func (w wrappedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
