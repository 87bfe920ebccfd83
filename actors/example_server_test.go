package actors_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/modules/auth"
	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// A server stands behind the router and the middleware that are there already.
func ExampleServer_ServeHTTP() {
	server, err := actors.NewServer(quietSystem(), actors.ServerOptions{
		Authenticate: func(ctx context.Context, _ *transport.Request) (actors.Principal, error) {
			if user, ok := ctx.Value(userKey{}).(*auth.User); ok {
				return user, nil
			}
			return nil, errors.New("nobody is signed in") // 401
		},
		Metadata: func(r *transport.Request) any { return r.Header.Get("Accept-Language") },
		Modules: []actors.Module{{Name: "rooms", Path: "/rooms/{name}", New: func() actors.Handler {
			return actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) {
				c := ctx.Conn()
				who, room, language := c.Principal().Identity(), c.PathValue("name"), c.Metadata().(string)
				_, _ = ctx.Reply(transport.Text, fmt.Appendf(nil, "%s in %s (%s): %s", who, room, language, m.Payload))
			})
		}}},
	})
	check(err)
	mux := http.NewServeMux()
	mux.Handle("GET /rooms/{name}", signedIn(server)) // signedIn puts the user into the request's context
	web := httptest.NewServer(mux)

	fmt.Println(converse(web.Listener.Addr(), "/rooms/lobby", http.Header{"X-Session": {"7"}, "Accept-Language": {"eo"}}, "ahoy"))
	fmt.Println(converse(web.Listener.Addr(), "/rooms/lobby", nil, "ahoy"))
	check(server.Close(context.Background())) // http.Server.Shutdown does not wait for WebSockets
	web.Close()
	// Output:
	// ann in lobby (eo): ahoy
	// 401
}

// userKey is the key of a context value.
type userKey struct{}

// signedIn is the middleware that a web application has for its pages.
func signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Session") == "7" {
			r = r.WithContext(context.WithValue(r.Context(), userKey{}, auth.NewUser("ann")))
		}
		next.ServeHTTP(w, r)
	})
}

// Several endpoints, who may use which, and bounds for the open internet.
func ExampleStrict() {
	var revoked atomic.Bool
	gate, err := auth.New(auth.Options{
		Inbound: auth.ByType(modules.Codecs{}, map[string]string{"say": "", "drop": "admin"}),
		Answer: func(*actors.Conn, transport.Message, error) (transport.Message, bool) {
			return transport.Message{Kind: transport.Text, Payload: []byte(`{"type":"denied"}`)}, true
		},
	})
	check(err)
	echo := actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) { _, _ = ctx.Echo(m) })
	server, err := actors.NewServer(quietSystem(), actors.Strict(actors.ServerOptions{
		Authenticate: auth.Tokens(map[string]actors.Principal{
			"t-ann": auth.NewUser("ann", "admin"), "t-bob": auth.NewUser("bob"),
		}, nil),
		Revalidate: func(_ context.Context, _ actors.Principal) error {
			if revoked.Load() {
				return errors.New("the session was revoked") // 1008; the text goes to no peer
			}
			return nil
		},
		RevalidateEvery: time.Minute,
		Middleware:      []actors.Middleware{gate}, // asked about every message
		Modules: []actors.Module{
			{Name: "chat", Path: "/chat", New: func() actors.Handler { return echo }},
			{Name: "files", Path: "/files/{path...}", New: func() actors.Handler { return echo }},
		},
		Admission:   actors.Admission{MaxConnections: 50_000, PerKey: -1}, // what is set stays; negative: no limit
		IdleTimeout: -1,
	}))
	check(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go server.Serve(ln)

	ann, bob := http.Header{"Authorization": {"Bearer t-ann"}}, http.Header{"Authorization": {"Bearer t-bob"}}
	fmt.Println(converse(ln.Addr(), "/chat", ann, `{"type":"drop"}`))
	fmt.Println(converse(ln.Addr(), "/files/a/b", bob, `{"type":"drop"}`))
	fmt.Println(converse(ln.Addr(), "/chat", nil, `{"type":"say"}`))
	fmt.Println(converse(ln.Addr(), "/elsewhere", bob, `{"type":"say"}`))
	check(server.Close(context.Background()))
	// Output:
	// {"type":"drop"}
	// {"type":"denied"}
	// 401
	// 404
}

// A session that is revoked ends soon, though its connection was let in long ago.
func ExampleServerOptions_revalidate() {
	var revoked atomic.Bool
	server, err := actors.NewServer(quietSystem(), actors.ServerOptions{
		Authenticate: auth.Tokens(map[string]actors.Principal{"t-ann": auth.NewUser("ann")}, nil),
		Revalidate: func(_ context.Context, p actors.Principal) error {
			if revoked.Load() {
				return fmt.Errorf("the session of %s was revoked", p.Identity())
			}
			return nil
		},
		RevalidateEvery: 20 * time.Millisecond,
		Modules: []actors.Module{{Name: "quiet", New: func() actors.Handler {
			return actors.HandlerFunc(func(*actors.Context, transport.Message) {})
		}}},
	})
	check(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go server.Serve(ln)

	client, err := actors.Dial(context.Background(), quietSystem(), "ws://"+ln.Addr().String(), actors.ClientOptions{
		Header: http.Header{"Authorization": {"Bearer t-ann"}}, Restart: supervisor.Temporary,
	})
	check(err)
	check(client.WaitReady(context.Background()))
	revoked.Store(true)
	fmt.Println(client.WaitStopped(context.Background()))
	check(client.Close(context.Background()))
	check(server.Close(context.Background()))
	// Output: transport: closed by peer with 1008 (policy violation)
}

// Behind a proxy all connections come from its address, unless something says better.
func ExampleAdmission() {
	server, err := actors.NewServer(quietSystem(), actors.ServerOptions{
		Admission: actors.Admission{Rate: 0.01, Burst: 1}, // of one address, or one network of IPv6
		Modules: []actors.Module{{Name: "echo", New: func() actors.Handler {
			return actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) { _, _ = ctx.Echo(m) })
		}}},
	})
	check(err)
	web := httptest.NewServer(trustProxy(server))
	for _, address := range []string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"} {
		fmt.Println(address, converse(web.Listener.Addr(), "/", http.Header{"X-Real-Ip": {address}}, "ahoy"))
	}
	check(server.Close(context.Background()))
	web.Close()
	// Output:
	// 192.0.2.1 ahoy
	// 192.0.2.2 ahoy
	// 2001:db8::1 ahoy
	// 2001:db8::2 429
}

// trustProxy takes the client's address from our own proxy, which sets that header
// whatever the client has sent. Without such a proxy anybody could be anybody.
func trustProxy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = net.JoinHostPort(r.Header.Get("X-Real-Ip"), "0")
		next.ServeHTTP(w, r)
	})
}

// Whoever has much to send waits for those who read slowly, in a goroutine of its own.
func ExampleConn_WaitDrained() {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	server, err := actors.NewServer(quietSystem(), actors.ServerOptions{
		Outbox: actors.OutboxLimits{Bytes: 64 << 10}, // more than that at once would be too slow: 1013
		Modules: []actors.Module{{Name: "export", New: func() actors.Handler {
			return actors.HandlerFunc(func(c *actors.Context, _ transport.Message) { go export(ctx, c.Conn(), 1000) })
		}}},
	})
	check(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go server.Serve(ln)

	rows := make(chan int, 1000)
	client, err := actors.Dial(ctx, quietSystem(), "ws://"+ln.Addr().String(), actors.ClientOptions{
		Modules: []actors.Module{{Name: "rows", New: func() actors.Handler {
			return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) { rows <- len(m.Payload) })
		}}},
	})
	check(err)
	_, err = client.SendText("everything, please")
	check(err)
	n := 0
	for n < 1000<<10 && ctx.Err() == nil {
		select {
		case row := <-rows:
			n += row
		case <-ctx.Done():
		}
	}
	fmt.Println(n, "bytes")
	check(client.Close(context.Background()))
	check(server.Close(context.Background()))
	// Output: 1024000 bytes
}

// export sends many rows, and never more than the connection has room for.
func export(ctx context.Context, c *actors.Conn, rows int) {
	row := make([]byte, 1024)
	for range rows {
		if err := c.WaitDrained(ctx); err != nil {
			return // the connection has ended, or we have
		}
		if _, err := c.Send(transport.Binary, row); err != nil {
			return
		}
	}
}

// SIGTERM lets the clients go, spread over ten seconds; a second one ends the process
// at once.
func ExampleServer_Drain() {
	server, ln := greeter()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from the first signal on the next one does what it always does
	go server.Serve(ln)
	stop() // stands for the signal

	<-ctx.Done()
	within, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	err := server.Drain(within, actors.DrainOptions{Over: 10 * time.Second}) // each gets 1012, behind what it was sent
	fmt.Println(err, server.Connections())
	// Output: <nil> 0
}

// Stats says what a server has let in and refused, and how its connections ended.
func ExampleServer_Stats() {
	server, ln := greeter()
	go server.Serve(ln)
	converse(ln.Addr(), "/hello", nil, "ann")
	converse(ln.Addr(), "/nowhere", nil, "ann")
	check(server.Close(context.Background()))

	s := server.Stats()
	fmt.Println("connections:", s.Total, "refused:", s.Refused, "ended:", s.Ended)
	fmt.Println("messages:", s.MessagesReceived, "in,", s.MessagesSent, "out; books balance:", s.Books.Balanced())
	// Output:
	// connections: 1 refused: map[404:1] ended: map[normal closure:1]
	// messages: 1 in, 1 out; books balance: true
}

// greeter is a server with one endpoint.
func greeter() (*actors.Server, net.Listener) {
	server, err := actors.NewServer(quietSystem(), actors.ServerOptions{
		Modules: []actors.Module{{Name: "hello", Path: "/hello", New: func() actors.Handler {
			return actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) {
				_, _ = ctx.Reply(transport.Text, append([]byte("hello "), m.Payload...))
			})
		}}},
	})
	check(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	return server, ln
}

// converse sends one text and returns the first answer, or the status of a refusal.
func converse(addr net.Addr, path string, header http.Header, text string) string {
	answers := make(chan string, 1)
	client, err := actors.NewClient(quietSystem(), "ws://"+addr.String()+path, actors.ClientOptions{
		Header: header, Restart: supervisor.Temporary,
		Modules: []actors.Module{{Name: "answers", New: func() actors.Handler {
			return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) {
				select {
				case answers <- string(m.Payload):
				default:
				}
			})
		}}},
	})
	check(err)
	_, err = client.SendText(text) // it waits until the client is ready
	check(err)
	_ = client.Connect(context.Background())
	var refused *transport.HandshakeError
	answer := ""
	if errors.As(client.WaitReady(context.Background()), &refused) {
		answer = fmt.Sprint(refused.Status)
	} else {
		answer = <-answers
	}
	check(client.Close(context.Background()))
	return answer
}
