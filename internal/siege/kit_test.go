//go:build linux

package siege

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
)

// patience bounds every wait that no promise bounds: it is long, because the
// machine may be busy, and a test that needs it fails.
const patience = 20 * time.Second

// stranger is where the first visitor comes from, so that what is counted by
// address starts at zero for everybody else, who is 127.0.0.1.
const stranger = "127.0.0.99"

// scale returns how many of n are done in this run: all in a plain one.
func scale(n int) int {
	switch {
	case raceEnabled:
		return max(1, n/20)
	case testing.Short():
		return max(1, n/50)
	}
	return n
}

// million is how many small things a flood has: ten times as many in a long run.
func million() int {
	n := scale(1_000_000)
	if os.Getenv("HAWSER_NIGHT") == "1" {
		n *= 10
	}
	return n
}

// slack widens a promise of time or memory under the race detector, which the
// promise does not speak of. In a plain run it is the promise.
func slack[T ~int | ~int64 | ~uint64](promise T) T {
	if raceEnabled {
		return 8 * promise
	}
	return promise
}

// fort is a server that is attacked: on its own listener, and behind net/http.
type fort struct {
	*actors.Server
	t      testing.TB
	system *actor.ActorSystem
	log    *logbook
	lean   string // address of Serve
	web    string // address of the http.Handler
	served chan error
	serves int    // how many results served gets
	home   string // where join and control come from; "": 127.0.0.1
}

// ways are the two ways in, by name.
func (f *fort) ways() map[string]string {
	return map[string]string{"Serve": f.lean, "net/http": f.web}
}

// start starts a server, and closes it when the test ends: that must leave no
// actor and no message without an outcome. Without modules it echoes. What it logs
// from warnings on is in f.log, unless o has a Logger. One visitor has come and gone
// when start returns, so that what is made once is there.
func start(t testing.TB, o actors.ServerOptions) *fort {
	t.Helper()
	grown()
	f := &fort{t: t, system: actorstest.System(t, actorstest.AllowErrors()), log: newLogbook(), served: make(chan error)}
	if o.Logger == nil {
		o.Logger = f.log.logger()
	}
	if o.Modules == nil {
		o.Modules = []actors.Module{echo("")}
	}
	var err error
	if f.Server, err = actors.NewServer(f.system, o); err != nil {
		t.Fatal(err)
	}
	lean, web := listen(t), listen(t)
	f.lean, f.web = lean.Addr().String(), web.Addr().String()
	header := o.HandshakeTimeout
	if header == 0 {
		header = 5 * time.Second // what Serve takes
	}
	h := &http.Server{ // as docs/security.md tells users to set it
		Handler: f.Server, ReadHeaderTimeout: header, MaxHeaderBytes: 8 << 10, ErrorLog: log.New(io.Discard, "", 0),
	}
	f.serve(func() error { return f.Serve(lean) })
	f.serve(func() error { return h.Serve(web) })
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close net/http: %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := f.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		for range f.serves {
			if err := <-f.served; !errors.Is(err, actors.ErrServerClosed) && !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("serve returned %v", err)
			}
		}
		if b := f.Books(); !b.Balanced() || b.InFlight != 0 {
			t.Errorf("books: %v", b)
		}
	})
	f.visit()
	return f
}

// serve runs what returns when the server is closed.
func (f *fort) serve(run func() error) {
	f.serves++
	go func() { f.served <- run() }()
}

// narrow opens one more way in, of which the server's sockets take little before they
// are full. It returns the address.
func (f *fort) narrow() string {
	ln := listen(f.t)
	f.serve(func() error { return f.Serve(narrowListener{ln}) })
	return ln.Addr().String()
}

type narrowListener struct{ net.Listener }

func (l narrowListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err == nil {
		_ = nc.(*net.TCPConn).SetWriteBuffer(16 << 10) // fails only for a socket that is gone
	}
	return nc, err
}

// grown makes the runtime keep as many goroutines as any test has at a time: it never
// gives back the 450 bytes that it has for each, which is no leak of anybody's.
var grown = sync.OnceFunc(func() {
	var all sync.WaitGroup
	stay := make(chan struct{})
	for range scale(10_000) {
		all.Go(func() { <-stay })
	}
	close(stay)
	all.Wait()
})

// visit comes and goes once on each way, as somebody else.
func (f *fort) visit() {
	f.t.Helper()
	for _, addr := range f.ways() {
		nc, err := dialFrom(stranger, addr)
		if err != nil {
			f.t.Fatal(err)
		}
		if p, r := shake(nc, "/"); r.err == nil && r.status == http.StatusSwitchingProtocols {
			_ = p.write(appendFrame(nil, fin|opText, []byte("hello")))
			_, _ = p.next()
		}
		_ = nc.Close()
	}
	f.await("the first visitors leave", func() bool { return f.Connections() == 0 })
}

// await polls until ok, and fails the test when patience is over.
func (f *fort) await(what string, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(patience); !ok(); pause(5 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// pause lets time pass. It is for attackers that are slow, and for polling what
// the kernel does not tell; it never stands for something that can be waited for.
func pause(d time.Duration) { <-time.After(d) }

// echo is a module that sends back what comes.
func echo(path string) actors.Module {
	return handle("echo", path, func(ctx *actors.Context, m transport.Message) { _, _ = ctx.Echo(m) })
}

// handle is a module of one function.
func handle(name, path string, f actors.HandlerFunc) actors.Module {
	return actors.Module{Name: name, Path: path, New: func() actors.Handler { return f }}
}

// listen opens a listener on a free port.
func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := transport.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}
