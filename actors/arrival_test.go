package actors

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

func TestFiveThousandOfOneAddressAreAHundredConnections(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Heartbeat: Heartbeat{Interval: -1}, Admission: Admission{PerKey: 100}})
		var peers []*peer
		for i := range 5000 {
			answer, p := w.knock([]string{"9.9.9.9:1", "[::ffff:9.9.9.9]:2"}[i%2], "/")
			if p != nil {
				peers = append(peers, p)
			} else if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
				t.Errorf("refused with %d and Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
			}
		}
		w.connections(100)
		peers = append(peers, w.comes("9.9.9.8:1"))
		if st := w.server.Stats(); st.Refused[429] != 4900 || st.Total != 101 {
			t.Errorf("%d refused of %d", st.Refused[429], st.Total)
		}
		for _, p := range peers {
			p.leave()
		}
		w.connections(0)
		w.server.s.admission.vacant(t)
		w.end()
	})
}

// Each of these is a way for a handshake, or a connection, to come to nothing.
func TestAPlaceIsGivenBackOnEveryWay(t *testing.T) {
	boom := func(*transport.Request) any { panic(errKilled) }
	exit := func(*transport.Request) any { runtime.Goexit(); return nil }
	for name, c := range map[string]struct {
		options ServerOptions
		status  int // 0: none
	}{
		"Authenticate refuses":       {ServerOptions{Authenticate: func(context.Context, *transport.Request) (Principal, error) { return nil, errKilled }}, 401},
		"Authenticate panics":        {ServerOptions{Authenticate: func(context.Context, *transport.Request) (Principal, error) { panic(errKilled) }}, 500},
		"Authenticate exits":         {ServerOptions{Authenticate: func(_ context.Context, r *transport.Request) (Principal, error) { exit(r); return nil, nil }}, 0},
		"Key panics":                 {ServerOptions{Admission: Admission{Key: func(r *transport.Request, _ Principal) string { boom(r); return "" }}}, 500},
		"Key exits":                  {ServerOptions{Admission: Admission{Key: func(r *transport.Request, _ Principal) string { exit(r); return "" }}}, 0},
		"Authorize refuses":          {ServerOptions{Authorize: func(*transport.Request) error { return errKilled }}, 403},
		"Authorize panics":           {ServerOptions{Authorize: func(r *transport.Request) error { boom(r); return nil }}, 500},
		"Authorize exits":            {ServerOptions{Authorize: func(r *transport.Request) error { exit(r); return nil }}, 0},
		"Metadata panics":            {ServerOptions{Metadata: boom}, 101},
		"Metadata exits":             {ServerOptions{Metadata: exit}, 101},
		"OnConnect refuses":          {ServerOptions{Modules: []Module{(&diary{}).module("m", func(h string) error { return map[string]error{"OnConnect": errKilled}[h] })}}, 101},
		"the client resets":          {ServerOptions{}, 101},
		"the connection is killed":   {ServerOptions{}, 101},
		"the actor panics":           {ServerOptions{}, 101},
		"the shard panics":           {ServerOptions{}, 101},
		"the server is drained":      {ServerOptions{}, 101},
		"the server is killed":       {ServerOptions{}, 101},
		"the server is closed, late": {ServerOptions{}, 101},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				o := c.options
				o.Admission.PerKey, o.Admission.MaxConnections = 3, 3
				g := &guestbook{}
				if o.Modules == nil {
					o.Modules = []Module{g.module()}
				}
				w.serve(o)
				clients := []net.Conn{w.meets("net/http", c.status), w.meets("Serve", c.status)}
				w.ends(name, g)
				if name == "the client resets" {
					for _, nc := range clients {
						_ = nc.(interface{ SetLinger(int) error }).SetLinger(0)
						_ = nc.Close()
					}
				}
				synctest.Wait()
				time.Sleep(10 * time.Second)
				w.server.s.admission.vacant(t)
				if n := w.server.Connections(); n != 0 {
					t.Errorf("%d connections", n)
				}
				w.end()
			})
		})
	}
}

// meets has a client come this way, who gets that status.
func (w *world) meets(way string, want int) net.Conn {
	w.t.Helper()
	if way == "net/http" {
		answer, p := w.knock("1.2.3.4:5", "/")
		if got := answer.StatusCode; got != want && want != 0 {
			w.t.Errorf("%s: status %d, want %d", way, got, want)
		}
		if p != nil {
			return p.nc
		}
		return nil
	}
	nc, err := w.listener.Dial(w.t.Context(), "", "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = nc.Close() })
	_ = handshake("", "/").Write(nc)
	_ = nc.SetReadDeadline(time.Now().Add(time.Second))
	answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if want > 0 && (err != nil || answer.StatusCode != want) {
		w.t.Errorf("%s: %v %v, want %d", way, answer, err, want)
	}
	return nc
}

// ends has the connections end in the way of that name, if it is one of theirs.
func (w *world) ends(how string, g *guestbook) {
	synctest.Wait()
	if how == "the shard panics" {
		for _, name := range below(w.system, w.server.pid.Id) {
			id := strings.TrimPrefix(name, "actor ")
			if at := strings.TrimPrefix(id, w.server.pid.Id+"/"); at[0] == 's' && !strings.Contains(at, "/") {
				w.system.Root.Send(actor.NewPID(w.system.Address(), id), (*joined)(nil))
			}
		}
	}
	for _, c := range g.all() {
		switch how {
		case "the connection is killed":
			w.system.Root.Stop(c.PID())
		case "the actor panics":
			c.connection.PostUserMessage(&revalidated{epoch: c.epoch, err: bad{}})
		}
	}
	dead, cancel := context.WithCancel(context.Background())
	cancel()
	switch how {
	case "the server is drained":
		_ = w.server.Drain(context.Background(), DrainOptions{})
	case "the server is killed":
		w.system.Root.Stop(w.server.pid)
	case "the server is closed, late":
		_ = w.server.Close(dead)
	}
}

// bad is an error that panics when it is read.
type bad struct{}

func (bad) Error() string { panic(errKilled) }
func (bad) As(any) bool   { panic(errKilled) }

func TestAHandshakeOfWhichTheAnswerCannotBeWrittenGivesItsPlaceBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Admission: Admission{PerKey: 1}})
		w.server.ServeHTTP(httptest.NewRecorder(), handshake("1.2.3.4:5", "/")) // no http.Hijacker
		gone := &counter{ResponseRecorder: httptest.NewRecorder(), link: transporttest.NewLink()}
		gone.link.Reset()
		w.server.ServeHTTP(gone, handshake("1.2.3.4:5", "/"))
		if st := w.server.Stats(); st.Refused[500] != 1 || st.Refused[0] != 1 {
			t.Errorf("refused: %v", st.Refused)
		}
		w.comes("1.2.3.4:5").leave()
		synctest.Wait()
		w.server.s.admission.vacant(t)
		w.end()
	})
}

func TestAJoinBehindTheEndOfItsServerGivesItsPlaceBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		release := make(chan struct{})
		w.serve(ServerOptions{Admission: Admission{PerKey: 1}, Metadata: func(*transport.Request) any { <-release; return nil }})
		var client sync.WaitGroup
		client.Go(func() {
			if _, p := w.knock("1.2.3.4:5", "/"); p != nil {
				if got := p.next(); got != "reset" && got != "EOF" {
					t.Errorf("got %q", got)
				}
			}
		})
		synctest.Wait()
		if err := w.server.Close(context.Background()); err != nil {
			t.Error(err) // net/http's goroutine is not ours
		}
		close(release)
		client.Wait()
		w.server.s.admission.vacant(t)
		w.end()
	})
}

func TestWhoIsRefusedTakesNoPlaceWhileHeReadsWhy(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Admission: Admission{MaxConnections: 1}, Authorize: func(r *transport.Request) error {
			if r.Path == "/forbidden" {
				return errKilled
			}
			return nil
		}})
		nc, _ := w.listener.Dial(t.Context(), "", "")
		defer func() { _ = nc.Close() }()
		_ = handshake("", "/forbidden").Write(nc) // and it stays, half a second
		synctest.Wait()
		w.comes("1.2.3.4:5").leave()
		w.end()
	})
}

func TestRefusalsAreCountedByWhatTheClientWasTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{
			Authenticate: byName, Admission: Admission{MaxConnections: 2, PerKey: 1, TotalRate: 100},
			Modules: []Module{module("m", "/", func(*Context, transport.Message) {})},
		})
		a, b := w.comes("1.1.1.1:1", called("a")), w.comes("1.1.1.1:1")
		w.refused(http.StatusUnauthorized, "1.1.1.1:1", called("nobody"))
		w.refused(http.StatusServiceUnavailable, "1.1.1.1:1", called("c"))
		b.leave()
		synctest.Wait()
		w.refused(http.StatusTooManyRequests, "1.1.1.1:1", called("a"))
		if answer, _ := w.knock("1.1.1.1:1", "/nowhere"); answer.StatusCode != http.StatusNotFound {
			t.Errorf("another path: %d", answer.StatusCode)
		}
		a.leave()
		st := w.server.Stats()
		for status, n := range map[int]uint64{401: 1, 503: 1, 429: 1, 404: 1} {
			if st.Refused[status] != n {
				t.Errorf("%d refused with %d, want %d", st.Refused[status], status, n)
			}
		}
		w.end()
	})
}

func TestWhatAnAddressFailsAtHarmsNoOther(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		asked := 0
		w.serve(ServerOptions{
			Admission: Admission{Rate: 1, Burst: 4},
			Authenticate: func(ctx context.Context, r *transport.Request) (Principal, error) {
				if asked++; r.Header.Get("X-Name") == "panic" {
					panic(errKilled)
				}
				return byName(ctx, r)
			},
		})
		w.refused(http.StatusInternalServerError, "6.6.6.6:1", called("panic"))
		for range 3 {
			w.refused(http.StatusUnauthorized, "6.6.6.6:1", called("nobody"))
		}
		for range 20 {
			w.refused(http.StatusTooManyRequests, "6.6.6.6:2", called("nobody"))
		}
		if asked != 4 {
			t.Errorf("Authenticate was asked %d times", asked)
		}
		good := w.comes("7.7.7.7:1", called("6.6.6.6"))
		same := w.comes("7.7.7.7:1", called("@6.6.6.6"))
		time.Sleep(time.Second)
		known := w.comes("6.6.6.6:1", called("known"))
		for _, p := range []*peer{good, same, known} {
			p.leave()
		}
		w.end()
	})
}

func TestWhoExceedsHisOwnBoundsUsesUpNobodyElses(t *testing.T) {
	for name, o := range map[string]Admission{
		"rate":        {Rate: 5, Burst: 20, TotalRate: 500},
		"connections": {PerKey: 20, TotalRate: 500},
		"by name":     {PerKey: 20, TotalRate: 500, Key: func(r *transport.Request, _ Principal) string { return r.Header.Get("X-Name") }},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.serve(ServerOptions{Admission: o, Heartbeat: Heartbeat{Interval: -1}})
			for i := range 1000 {
				if _, p := w.knock("6.6.6.6:6", "/", called("flood")); (p != nil) != (i < 20) {
					t.Fatalf("%s: %d of the flood gets in: %v", name, i, p != nil)
				}
			}
			answer, p := w.knock("7.7.7.7:7", "/", called("good"))
			if p == nil {
				t.Errorf("%s: somebody else is refused with %d", name, answer.StatusCode)
			}
			w.end()
		})
	}
}

func TestAKeyOfTheUserDecidesWhoSharesAnAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.serve(ServerOptions{Admission: Admission{PerKey: 1, Key: func(r *transport.Request, p Principal) string {
			if p != nil {
				t.Errorf("a Principal without Authenticate: %v", p)
			}
			return strings.ToLower(r.Header.Get("X-Name"))
		}}})
		a := w.comes("1.1.1.1:1", called("a"))
		w.refused(http.StatusTooManyRequests, "2.2.2.2:2", called("A"))
		b := w.comes("1.1.1.1:1", called("b"))
		a.leave()
		synctest.Wait()
		w.comes("2.2.2.2:2", called("A")).leave()
		b.leave()
		w.end()
	})
}
