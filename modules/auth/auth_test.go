package auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

// room is a server that echoes what its middleware lets pass, and the clients of it.
type room struct {
	t        *testing.T
	system   *actor.ActorSystem
	listener *transporttest.Listener
	server   *actors.Server
}

func inRoom(t *testing.T, o Options, tokens map[string]actors.Principal, f func(r *room)) {
	synctest.Test(t, func(t *testing.T) {
		gate, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		r := &room{t: t, system: actorstest.System(t), listener: transporttest.NewListener()}
		so := actors.ServerOptions{
			Middleware: []actors.Middleware{gate},
			Modules: []actors.Module{{Name: "echo", New: func() actors.Handler {
				return actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) { _, _ = ctx.Echo(m) })
			}}},
		}
		if tokens != nil {
			so.Authenticate = Tokens(tokens, nil)
		}
		if r.server, err = actors.NewServer(r.system, so); err != nil {
			t.Fatal(err)
		}
		go func() { _ = r.server.Serve(r.listener) }()
		f(r)
		if err := r.server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// visitor is one client of a room.
type visitor struct {
	client *actors.Client
	mu     sync.Mutex
	came   []string
}

func (r *room) visit(token string) *visitor {
	v := &visitor{}
	h := http.Header{}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	c, err := actors.NewClient(r.system, "ws://hawser.test/", actors.ClientOptions{
		NetDial: r.listener.Dial, Header: h, Restart: supervisor.Temporary,
		Modules: []actors.Module{{Name: "sink", New: func() actors.Handler {
			return actors.HandlerFunc(func(_ *actors.Context, m transport.Message) {
				v.mu.Lock()
				defer v.mu.Unlock()
				v.came = append(v.came, string(m.Payload))
			})
		}}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	v.client = c
	return v
}

func (v *visitor) connect(r *room) error {
	_ = v.client.Connect(r.t.Context())
	return v.client.WaitReady(r.t.Context())
}

func (v *visitor) say(texts ...string) {
	for _, text := range texts {
		_, _ = v.client.SendText(text)
	}
	time.Sleep(time.Second)
}

func (v *visitor) heard() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.came)
}

var staff = map[string]actors.Principal{
	"t-ann": NewUser("ann", "write", "read"),
	"t-bob": NewUser("bob", "read"),
}

func TestWhatIsPermittedPassesAndNothingElse(t *testing.T) {
	policy := ByType(nil, map[string]string{"post": "write", "get": "read", "hello": ""})
	const post, get, hello, other, bad = `{"type":"post"}`, `{"type":"get"}`, `{"type":"hello"}`, `{"type":"drop"}`, `{`
	inRoom(t, Options{Inbound: policy}, staff, func(r *room) {
		for token, want := range map[string][]string{"t-ann": {post, get, hello}, "t-bob": {get, hello}} {
			v := r.visit(token)
			if err := v.connect(r); err != nil {
				t.Fatal(err)
			}
			v.say(post, get, hello, other, bad)
			if got := v.heard(); !slices.Equal(got, want) {
				t.Errorf("%s: %q passed; want %q", token, got, want)
			}
			if err := v.client.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestWhoHasNoTokenGets401(t *testing.T) {
	inRoom(t, Options{Inbound: Known}, staff, func(r *room) {
		for _, token := range []string{"", "t-eve", "t-an"} {
			v := r.visit(token)
			err := v.connect(r)
			var refused *transport.HandshakeError
			if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized || refused.Header.Get("Www-Authenticate") == "" {
				t.Errorf("token %q: %v", token, err)
			}
			_ = v.client.Close(context.Background())
		}
	})
}

func TestEverythingFailsClosed(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy Policy
	}{
		{"nobody is known", Known},
		{"nobody is known by type", ByType(nil, map[string]string{"hello": ""})},
		{"a policy that panics", func(actors.Principal, *actors.Conn, transport.Message) error { panic("boom") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inRoom(t, Options{Inbound: c.policy}, nil, func(r *room) {
				v := r.visit("")
				if err := v.connect(r); err != nil {
					t.Fatal(err)
				}
				v.say(`{"type":"hello"}`)
				if got := v.heard(); len(got) > 0 {
					t.Errorf("%q passed", got)
				}
				if s := v.client.Stats(); !s.Ready {
					t.Error("the connection has not stayed")
				}
				_ = v.client.Close(context.Background())
			})
		})
	}
}

func TestARefusalMayBeAnsweredOrEndTheConnection(t *testing.T) {
	deny := func(_ actors.Principal, _ *actors.Conn, m transport.Message) error {
		if string(m.Payload) == "no" {
			return ErrDenied
		}
		return nil
	}
	answer := func(*actors.Conn, transport.Message, error) (transport.Message, bool) {
		return transport.Message{Kind: transport.Text, Payload: []byte("denied")}, true
	}
	inRoom(t, Options{Inbound: deny, Answer: answer}, nil, func(r *room) {
		v := r.visit("")
		_ = v.connect(r)
		v.say("yes")
		v.say("no")
		v.say("yes")
		if got, want := v.heard(), []string{"yes", "denied", "yes"}; !slices.Equal(got, want) {
			t.Errorf("%q came; want %q", got, want)
		}
		_ = v.client.Close(context.Background())
	})
	inRoom(t, Options{Inbound: deny, Close: true}, nil, func(r *room) {
		v := r.visit("")
		_ = v.connect(r)
		v.say("yes", "no", "yes")
		if got := v.heard(); len(got) != 1 {
			t.Errorf("%q came behind the refusal", got)
		}
		var end *transport.CloseError
		if err := v.client.WaitStopped(r.t.Context()); !errors.As(err, &end) || end.Code != transport.PolicyViolation {
			t.Errorf("the client ended with %v", err)
		}
		_ = v.client.Close(context.Background())
	})
}

func TestOutboundIsAskedToo(t *testing.T) {
	secret := func(_ actors.Principal, _ *actors.Conn, m transport.Message) error {
		if string(m.Payload) == "secret" {
			return ErrDenied
		}
		return nil
	}
	inRoom(t, Options{Outbound: secret}, nil, func(r *room) {
		v := r.visit("")
		_ = v.connect(r)
		v.say("secret", "public")
		if got := v.heard(); !slices.Equal(got, []string{"public"}) {
			t.Errorf("%q came", got)
		}
		_ = v.client.Close(context.Background())
		if b := r.server.Books(); b.Dropped[actors.Rejected] != 1 || !b.Balanced() {
			t.Errorf("books: %v", b)
		}
	})
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, o := range []Options{{}, {Inbound: Known, Close: true, Answer: func(*actors.Conn, transport.Message, error) (transport.Message, bool) {
		return transport.Message{}, false
	}}} {
		var bad *actors.OptionError
		if _, err := New(o); !errors.As(err, &bad) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestTokensAreFoundWhereTheyAre(t *testing.T) {
	for _, c := range []struct{ header, value, bearer, cookie string }{
		{"Authorization", "Bearer abc", "abc", ""},
		{"Authorization", "bearer  abc ", "abc", ""},
		{"Authorization", "Basic abc", "", ""},
		{"Authorization", "abc", "", ""},
		{"Cookie", "a=1; session=xyz; b=2", "", "xyz"},
		{"Cookie", "asession=xyz", "", ""},
		{"Cookie", ";;;", "", ""},
	} {
		r := &transport.Request{Header: http.Header{c.header: {c.value}}}
		if got := Bearer(r); got != c.bearer {
			t.Errorf("%s: bearer %q", c.value, got)
		}
		if got := Cookie("session")(r); got != c.cookie {
			t.Errorf("%s: cookie %q", c.value, got)
		}
	}
}

func ExampleByType() {
	gate, err := New(Options{Inbound: ByType(modules.Codecs{}, map[string]string{
		"read": "", "write": "editor",
	})})
	if err != nil {
		panic(err)
	}
	_ = actors.ServerOptions{
		Authenticate: Tokens(map[string]actors.Principal{"s3cret": NewUser("ann", "editor")}, nil),
		Middleware:   []actors.Middleware{gate},
	}
	// Output:
}
