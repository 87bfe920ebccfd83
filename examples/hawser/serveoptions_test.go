package main

import (
	"flag"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// parsed is what serve makes of flags that are right.
func parsed(t *testing.T, args ...string) serveOptions {
	t.Helper()
	o, err := parseServe(args)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return o
}

// numbersOf are the options that are a number or a duration.
func numbersOf(o serveOptions) map[string]int64 {
	s := o.server
	return map[string]int64{
		"--max-message": int64(s.Limits.MaxMessage), "--max-fragments": int64(s.Limits.MaxFragments),
		"--max-inflated": int64(s.Limits.MaxInflated), "--queue-bytes": int64(s.Outbox.Bytes),
		"--per-ip": int64(s.Admission.PerKey), "--rate": int64(s.Rates.Messages), "--handshake-rate": int64(s.Admission.Rate),
		"--handshake-timeout": int64(s.HandshakeTimeout), "--idle": int64(s.IdleTimeout),
		"--ping": int64(s.Heartbeat.Interval), "--pong": int64(s.Heartbeat.Timeout),
		"--write-timeout": int64(s.WriteTimeout), "--drain": int64(o.drain),
	}
}

// isSpan reports whether a flag is a duration.
func isSpan(name string) bool {
	return slices.Contains([]string{"--handshake-timeout", "--idle", "--ping", "--pong", "--write-timeout", "--drain"}, name)
}

// What is not said is left to package actors, apart from what serve has its own mind
// about.
func TestServeHasDefaults(t *testing.T) {
	got := numbersOf(parsed(t))
	for name, want := range map[string]int64{
		"--per-ip": 1000, "--rate": 50_000, "--handshake-rate": 1000, "--queue-bytes": 16 << 20, "--drain": int64(10 * time.Second),
	} {
		if got[name] != want {
			t.Errorf("%s is %d, want %d", name, got[name], want)
		}
		delete(got, name)
	}
	for name, n := range got {
		if n != 0 {
			t.Errorf("%s is %d, want what is the default elsewhere", name, n)
		}
	}
	o := parsed(t)
	if o.addr != "127.0.0.1:8080" || !slices.Equal(o.modules, []string{"echo", "rooms"}) || o.json || o.latest ||
		o.server.Compression.Enabled || o.server.CheckOrigin != nil || o.server.TLSConfig != nil || o.server.Outbox.Overflow != actors.CloseSlow {
		t.Errorf("%+v", o)
	}
}

func TestEachFlagOfServeSetsItsOption(t *testing.T) {
	for name := range numbersOf(serveOptions{}) {
		value, want := "7", int64(7)
		if isSpan(name) {
			value, want = "7s", int64(7*time.Second)
		}
		got, unset := numbersOf(parsed(t, name, value)), numbersOf(parsed(t))
		for other, n := range got {
			if other == name && n != want || other != name && n != unset[other] {
				t.Errorf("%s %s: %s is %d", name, value, other, n)
			}
		}
	}
	for _, c := range []struct {
		args []string
		ok   func(serveOptions) bool
	}{
		{[]string{"--addr", "h:1"}, func(o serveOptions) bool { return o.addr == "h:1" }},
		{[]string{"--json"}, func(o serveOptions) bool { return o.json }},
		{[]string{"--deflate"}, func(o serveOptions) bool { return o.server.Compression.Enabled }},
		{[]string{"--modules", "slow, panic,pubsub"}, func(o serveOptions) bool { return o.has("slow") && o.has("panic") && !o.has("echo") }},
		{[]string{"--overflow", "drop-oldest"}, func(o serveOptions) bool { return o.server.Outbox.Overflow == actors.DropOldest && !o.latest }},
		{[]string{"--overflow", "drop-newest"}, func(o serveOptions) bool { return o.server.Outbox.Overflow == actors.DropNewest && !o.latest }},
		{[]string{"--overflow", "keep-latest"}, func(o serveOptions) bool { return o.server.Outbox.Overflow == actors.CloseSlow && o.latest }},
		{[]string{"--rate", "0.5"}, func(o serveOptions) bool { return o.server.Rates.Messages == 0.5 }},
	} {
		if o := parsed(t, c.args...); !c.ok(o) {
			t.Errorf("%q: %+v", c.args, o)
		}
	}
}

func TestZeroLiftsEachLimitOfServe(t *testing.T) {
	for name := range numbersOf(serveOptions{}) {
		values := []string{"0", "00"}
		if isSpan(name) {
			values = []string{"0", "0s"}
		}
		for _, value := range values {
			if got := numbersOf(parsed(t, name, value))[name]; got != -1 {
				t.Errorf("%s %s: %d, want -1", name, value, got)
			}
		}
	}
	if o := parsed(t, "--queue-bytes", "0"); o.server.Outbox.Messages != -1 {
		t.Error("without a limit of bytes there is one of messages")
	}
}

func TestTheOutboxHoldsTheLongestMessages(t *testing.T) {
	for _, c := range []struct {
		args string
		want int
	}{
		{"--max-message 8388608", 32 << 20},
		{"--max-message 8388608 --queue-bytes 1000", 1000},
		{"--max-message 0", -1},
		{"--max-message 0 --queue-bytes 1000", 1000},
		{"--max-message 9223372036854775807", -1},
		{"--max-message 1048576 --deflate", 40 << 20},
		{"--max-message 1048576 --max-inflated 8388608", 16 << 20}, // nothing is inflated
		{"--max-message 1048576 --max-inflated 8388608 --deflate", 32 << 20},
		{"--max-message 8388608 --max-inflated 10 --deflate", 32 << 20},
		{"--max-inflated 0 --deflate", -1},
		{"--max-message 9223372036854775807 --deflate", -1},
	} {
		if got := parsed(t, strings.Fields(c.args)...).server.Outbox.Bytes; got != c.want {
			t.Errorf("%s: %d, want %d", c.args, got, c.want)
		}
	}
}

func TestServeRefusesWhatItDoesNotUnderstand(t *testing.T) {
	const secret = "hunter2secret"
	cases := map[string][]string{
		"--origin must be": {
			"--origin=" + secret, "--origin=https://", "--origin=ftp://h", "--origin=https://h/path", "--origin=", "--origin=*.*.h",
		},
		"--overflow must be close-slow, drop-oldest, drop-newest or keep-latest": {"--overflow=" + secret, "--overflow=", "--overflow=block"},
		"--modules must be some of echo,pubsub,rooms,slow,panic":                 {"--modules=" + secret, "--modules=", "--modules=echo,,rooms"},
		"--modules names echo twice":                                             {"--modules=echo,rooms,echo"},
		"--json takes no value":                                                  {"--json=" + secret},
		"--deflate takes no value":                                               {"--deflate=9"},
		"--tls-key needs --tls-cert":                                             {"--tls-key=x.pem"},
		"--tls-cert needs --tls-key":                                             {"--tls-cert=x.pem"},
	}
	for name := range numbersOf(serveOptions{}) {
		if isSpan(name) {
			cases[name+" must be a duration"] = []string{name + "=5", name + "=-1s", name + "=" + secret, name + "="}
			continue
		}
		cases[name+" must be a"] = []string{name + "=-1", name + "=NaN", name + "=" + secret, name + "=", name + "=99999999999999999999", name + "=1MiB"}
	}
	for want, all := range cases {
		for _, arg := range all {
			status, stdout, stderr := call(t, "", "serve", arg)
			if status != 2 || stdout != "" || !strings.Contains(stderr, want) || strings.Contains(stderr, secret) {
				t.Errorf("%s: status %d, stdout %q, stderr %q, want %q", arg, status, stdout, stderr, want)
			}
		}
	}
}

func TestTheUsageOfServeNamesEveryFlagOnce(t *testing.T) {
	shown := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^  --([a-z-]+) `).FindAllStringSubmatch(serveUsage, -1) {
		shown[m[1]]++
	}
	var o serveOptions
	o.flags(&serveWords{}).set.VisitAll(func(f *flag.Flag) {
		if shown[f.Name] != 1 {
			t.Errorf("--%s stands there %d times", f.Name, shown[f.Name])
		}
		delete(shown, f.Name)
	})
	if len(shown) > 0 {
		t.Errorf("there are no %v", shown)
	}
}

func TestAnyOriginThatIsNamedMayConnect(t *testing.T) {
	for _, c := range []struct {
		flags  []string
		origin string
		want   bool
	}{
		{[]string{"*"}, "https://evil.example", true},
		{[]string{"*"}, "null", true},
		{[]string{"https://a.example"}, "https://a.example", true},
		{[]string{"https://a.example"}, "http://h", false}, // same-host is not implied
		{[]string{"https://a.example"}, "https://b.example", false},
		{[]string{"*.a.example", "http://localhost:3000"}, "https://x.a.example", true},
		{[]string{"*.a.example", "http://localhost:3000"}, "http://localhost:3000", true},
		{[]string{"*.a.example", "http://localhost:3000"}, "http://localhost:3001", false},
		{[]string{"https://a.example", "same-host"}, "http://h", true},
		{[]string{"same-host"}, "http://other", false},
	} {
		allowed, err := originPolicy(c.flags)
		if err != nil {
			t.Fatalf("%q: %v", c.flags, err)
		}
		r := &transport.Request{Host: "h", Origin: c.origin, Header: map[string][]string{"Origin": {c.origin}}}
		if got := allowed(r); got != c.want {
			t.Errorf("%q, %s: %v", c.flags, c.origin, got)
		}
	}
}
