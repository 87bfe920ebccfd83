package metrics

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/actors"
	mw "github.com/hawser-go/hawser/internal/middlewaretest"
	"github.com/hawser-go/hawser/transport"
)

func metrics(t *testing.T, o Options) *Metrics {
	t.Helper()
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMetricsCountByDirectionAndKind(t *testing.T) {
	client, server := metrics(t, Options{}), metrics(t, Options{})
	mw.In(t, mw.Setting{Client: []actors.Middleware{client.Middleware()}, Server: []actors.Middleware{server.Middleware()}, Mute: true}, func(w *mw.World) {
		w.Send("1", "22", "333")
		if _, err := w.Client.SendBinary(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want := Kinds{Text: Count{3, 6}, Binary: Count{1, 1000}}
		if got := client.Snapshot(); got.Outbound != want || got.Inbound != (Kinds{}) {
			t.Errorf("the client counts %+v", got)
		}
		if got := server.Snapshot(); got.Inbound != want || got.Outbound != (Kinds{}) {
			t.Errorf("the server counts %+v", got)
		}
		if all := want.All(); all != (Count{4, 1006}) {
			t.Errorf("together %+v", all)
		}
	})
}

func TestMetricsCountWhatTheNextMiddlewareDrops(t *testing.T) {
	m := metrics(t, Options{})
	chain := []actors.Middleware{dropper, m.Middleware()} // outbound the last comes first
	mw.In(t, mw.Setting{Client: chain}, func(w *mw.World) {
		w.Send("1", "2")
		if got := m.Snapshot(); got.Outbound.Text.Messages != 2 {
			t.Errorf("%+v, want 2 sent", got)
		}
	})
}

var dropper = actors.Middleware{Name: "dropper", Inline: true, New: func() actors.Interceptor { return drop{} }}

type drop struct{}

func (drop) OnReceive(*actors.Conn, transport.Message) actors.Verdict { return actors.Pass() }
func (drop) OnSend(*actors.Conn, transport.Message) actors.Verdict    { return actors.Drop("test") }

func TestMetricsCountConnectionsAndAttempts(t *testing.T) {
	client, server := metrics(t, Options{}), metrics(t, Options{})
	s := mw.Setting{Client: []actors.Middleware{client.Middleware()}, Server: []actors.Middleware{server.Middleware()}, Dark: true}
	mw.In(t, s, func(w *mw.World) {
		if got, want := client.Snapshot(), (Snapshot{Attempts: 1, Failures: 1}); got != want {
			t.Errorf("refused: %+v, want %+v", got, want)
		}
		w.Listener.Refuse(false)
		w.Ready()
		if got, want := client.Snapshot(), (Snapshot{Attempts: 2, Failures: 1, Connects: 1, Active: 1}); got != want {
			t.Errorf("connected: %+v, want %+v", got, want)
		}
		w.Cut()
		if got, want := client.Snapshot(), (Snapshot{Attempts: 3, Failures: 1, Connects: 2, Disconnects: 1, Active: 1}); got != want {
			t.Errorf("reconnected: %+v, want %+v", got, want)
		}
		time.Sleep(time.Minute)
		if got, want := server.Snapshot(), (Snapshot{Connects: 2, Disconnects: 1, Active: 1}); got != want {
			t.Errorf("the server: %+v, want %+v", got, want)
		}
	})
	for _, m := range []*Metrics{client, server} {
		if got := m.Snapshot(); got.Active != 0 || got.Disconnects != 2 {
			t.Errorf("at the end: %+v", got)
		}
	}
}

func TestPrometheusText(t *testing.T) {
	m := metrics(t, Options{Prefix: "feed", Labels: map[string]string{"venue": "a\"b\\c\nd", "area": "eu"}})
	for range 3 {
		m.count(inbound, new(actors.Conn), transport.Message{Kind: transport.Text, Payload: []byte("four")})
	}
	m.count(outbound, new(actors.Conn), transport.Message{Kind: transport.Binary, Payload: make([]byte, 5)})
	m.connects.Add(3)
	m.disconnects.Add(1)
	m.attempts.Add(4)
	m.failures.Add(1)
	answer := httptest.NewRecorder()
	m.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if got := answer.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	const l = `area="eu",venue="a\"b\\c\nd"`
	want := strings.ReplaceAll(`# HELP feed_messages_total Data messages that came to the middleware.
# TYPE feed_messages_total counter
feed_messages_total{L,direction="inbound",kind="text"} 3
feed_messages_total{L,direction="inbound",kind="binary"} 0
feed_messages_total{L,direction="outbound",kind="text"} 0
feed_messages_total{L,direction="outbound",kind="binary"} 1
# HELP feed_message_bytes_total Payload bytes of the data messages.
# TYPE feed_message_bytes_total counter
feed_message_bytes_total{L,direction="inbound",kind="text"} 12
feed_message_bytes_total{L,direction="inbound",kind="binary"} 0
feed_message_bytes_total{L,direction="outbound",kind="text"} 0
feed_message_bytes_total{L,direction="outbound",kind="binary"} 5
# HELP feed_connection_attempts_total Attempts of clients to connect.
# TYPE feed_connection_attempts_total counter
feed_connection_attempts_total{L} 4
# HELP feed_connection_failures_total Attempts that came to no connection.
# TYPE feed_connection_failures_total counter
feed_connection_failures_total{L} 1
# HELP feed_connects_total Connections that came up.
# TYPE feed_connects_total counter
feed_connects_total{L} 3
# HELP feed_disconnects_total Connections that ended.
# TYPE feed_disconnects_total counter
feed_disconnects_total{L} 1
# HELP feed_connections Connections that are up.
# TYPE feed_connections gauge
feed_connections{L} 2
`, "{L", "{"+l)
	if got := answer.Body.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestAMetricWithoutLabelsHasNoBraces(t *testing.T) {
	if got := metrics(t, Options{}).text(Snapshot{Active: 7}); !strings.HasSuffix(got, "\nhawser_connections 7\n") {
		t.Errorf("got:\n%s", got)
	}
}

func TestSnapshotsAreJSON(t *testing.T) {
	got, err := json.Marshal(Snapshot{Inbound: Kinds{Text: Count{1, 2}}, Active: 3})
	const want = `{"inbound":{"text":{"messages":1,"bytes":2},"binary":{"messages":0,"bytes":0}},` +
		`"outbound":{"text":{"messages":0,"bytes":0},"binary":{"messages":0,"bytes":0}},` +
		`"attempts":0,"failures":0,"connects":0,"disconnects":0,"active":3}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

func TestBadNamesAreRefused(t *testing.T) {
	for _, o := range []Options{
		{Prefix: "my-feed"},
		{Prefix: "1st"},
		{Prefix: "ü"},
		{Labels: map[string]string{"a-b": ""}},
		{Labels: map[string]string{"": ""}},
		{Labels: map[string]string{"kind": "x"}},
		{Labels: map[string]string{"direction": "x"}},
	} {
		if _, err := New(o); !errors.As(err, new(*actors.OptionError)) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestMetricsConform(t *testing.T) {
	var m *Metrics
	mw.Conforms(t, mw.Subject{
		New: func(t *testing.T) actors.Middleware {
			m = metrics(t, Options{})
			return m.Middleware()
		},
		Left: func() int { return int(m.Snapshot().Active) },
	})
}
