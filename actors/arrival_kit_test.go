package actors

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// counter is an http.ResponseWriter that gives its connection away: one end of a link.
type counter struct {
	*httptest.ResponseRecorder
	link  *transporttest.Link
	taken bool
}

// Hijack implements http.Hijacker.
func (c *counter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c.taken = true
	nc := c.link.Server()
	return nc, bufio.NewReadWriter(bufio.NewReader(nc), bufio.NewWriter(nc)), nil
}

// handshake is a request for a connection.
func handshake(from, path string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = from
	r.Header = http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	for _, f := range change {
		f(r)
	}
	return r
}

// called says who one is.
func called(name string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("X-Name", name) }
}

// knock has a client from an address ask net/http for a connection, in memory. It
// returns the answer, and with 101 the client.
func (w *world) knock(from, path string, change ...func(*http.Request)) (*http.Response, *peer) {
	w.t.Helper()
	c := &counter{ResponseRecorder: httptest.NewRecorder(), link: transporttest.NewLink()}
	w.t.Cleanup(c.link.Close)
	over := make(chan struct{})
	go func() {
		defer close(over) // a Goexit ends it too
		w.server.ServeHTTP(c, handshake(from, path, change...))
	}()
	<-over
	if !c.taken {
		return c.Result(), nil
	}
	in := bufio.NewReader(c.link.Client())
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return &http.Response{}, nil
	}
	return answer, &peer{t: w.t, nc: c.link.Client(), in: in, client: true}
}

// refused fails the test unless a client gets this answer.
func (w *world) refused(want int, from string, change ...func(*http.Request)) *http.Response {
	w.t.Helper()
	answer, p := w.knock(from, "/", change...)
	if answer.StatusCode != want || p != nil {
		w.t.Errorf("%s: answered with %d, want %d", from, answer.StatusCode, want)
	}
	return answer
}

// comes fails the test unless a client gets a connection.
func (w *world) comes(from string, change ...func(*http.Request)) *peer {
	w.t.Helper()
	answer, p := w.knock(from, "/", change...)
	if p == nil {
		w.t.Fatalf("%s: refused with %d", from, answer.StatusCode)
	}
	return p
}

// guestbook is a module that echoes, and knows the connections that there have been.
type guestbook struct {
	mu    sync.Mutex
	conns []*Conn
}

func (g *guestbook) module() Module {
	return Module{Name: "guests", New: func() Handler { return g }}
}

func (g *guestbook) OnConnect(c *Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns = append(g.conns, c.Conn())
	return nil
}

func (g *guestbook) OnMessage(c *Context, m transport.Message) { _, _ = c.Echo(m) }

func (g *guestbook) all() []*Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.conns)
}

// partsWith reads what must come, of which the last is a close frame, and answers it.
func (p *peer) partsWith(want ...string) {
	p.t.Helper()
	if p.expect(want...) {
		p.write(piece{head: bye, body: closeBody(1000, "")})
		p.expect("EOF")
	}
}

// byName says who a client is by what he says.
func byName(_ context.Context, r *transport.Request) (Principal, error) {
	switch name := r.Header.Get("X-Name"); name {
	case "":
		return nil, nil //nolint:nilnil // anonymous
	case "nobody":
		return nil, errors.New("nobody")
	default:
		return named(name), nil
	}
}
