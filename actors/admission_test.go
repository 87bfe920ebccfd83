package actors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-go/hawser/transport"
)

// turnstile is an admission with a clock of the test.
type turnstile struct {
	*admission
	t     testing.TB
	clock atomic.Int64
}

func newTurnstile(t testing.TB, o Admission, r Rates) *turnstile {
	g := &turnstile{admission: newAdmission(o, r), t: t}
	g.clock.Store(1e18)
	g.now = g.clock.Load
	return g
}

func (g *turnstile) pass(d time.Duration) { g.clock.Add(int64(d)) }

// admits fails the test unless of n handshakes of a key so many are let in. It
// returns their accounts.
func (g *turnstile) admits(key string, n, want int, status int) (in []*account) {
	g.t.Helper()
	for range n {
		acc, err := g.admit(key)
		var refused *transport.HandshakeError
		switch {
		case err == nil:
			in = append(in, acc)
		case !errors.As(err, &refused) || refused.Status != status || refused.RetryAfter < time.Second || refused.RetryAfter > 30*time.Second:
			g.t.Errorf("%s: %v", key, err)
		}
	}
	if len(in) != want {
		g.t.Errorf("%s: %d of %d let in; want %d", key, len(in), n, want)
	}
	return in
}

// vacant fails the test unless every place is free, and nothing is remembered that is
// not worth it.
func (a *admission) vacant(t testing.TB) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweep(a.now())
	if a.open != 0 || len(a.accounts) != 0 {
		t.Errorf("%d places are taken, and %d accounts are left", a.open, len(a.accounts))
	}
}

func TestTheCapOfAKeyIsExact(t *testing.T) {
	g := newTurnstile(t, Admission{PerKey: 100, MaxConnections: 150}, Rates{})
	var in, out atomic.Int32
	var all sync.WaitGroup
	places := make(chan *account, 200)
	for range 50 {
		all.Go(func() {
			for range 100 {
				if acc, err := g.admit("flood"); err == nil {
					in.Add(1)
					places <- acc
				} else if status(err) == http.StatusTooManyRequests {
					out.Add(1)
				}
			}
		})
	}
	all.Wait()
	if in.Load() != 100 || out.Load() != 4900 {
		t.Errorf("%d of 5000 let in and %d refused", in.Load(), out.Load())
	}
	others := g.admits("other", 60, 50, http.StatusServiceUnavailable)
	g.leave(others[0])
	g.leave(<-places)
	g.admits("flood", 3, 1, http.StatusTooManyRequests)
	for range 99 {
		g.leave(<-places)
	}
	if got := g.accounts["flood"].open; got != 1 {
		t.Errorf("the account counts %d", got)
	}
}

// status is what a refusal says, or 0.
func status(err error) int {
	if refused, ok := errors.AsType[*transport.HandshakeError](err); ok {
		return refused.Status
	}
	return 0
}

func TestAReconnectDoesNotGetAFreshBucket(t *testing.T) {
	g := newTurnstile(t, Admission{Rate: 1, Burst: 3}, Rates{KeyMessages: 10, KeyMessageBurst: 20})
	for range 3 {
		acc := g.admits("k", 1, 1, 0)[0]
		acc.take(g.messages, g.now(), 7) // the last of them gets 6
		g.leave(acc)
	}
	g.admits("k", 5, 0, http.StatusTooManyRequests)
	g.pass(time.Second)
	acc := g.admits("k", 2, 1, http.StatusTooManyRequests)[0]
	if got := acc.take(g.messages, g.now(), 100); got != 10 {
		t.Errorf("%d messages a second after a full burst; want 10", got)
	}
	g.leave(acc)
	if len(g.accounts) != 1 {
		t.Errorf("%d accounts; the key is remembered", len(g.accounts))
	}
	g.pass(10 * time.Second)
	g.vacant(t)
}

func TestOfAKeyThatOwesNothingNothingIsKept(t *testing.T) {
	g := newTurnstile(t, Admission{PerKey: 5}, Rates{})
	for i := range 3000 {
		for _, acc := range g.admits(fmt.Sprint(i), 2, 2, 0) {
			g.leave(acc)
		}
	}
	if len(g.accounts) != 0 {
		t.Errorf("%d accounts", len(g.accounts))
	}
}

func TestAFailureToSayWhoOneIsCountsForTheAddressAlone(t *testing.T) {
	g := newTurnstile(t, Admission{Rate: 1, Burst: 5, PerKey: 2}, Rates{})
	for range 5 {
		if err := g.knock("@bad"); err != nil {
			t.Fatal(err)
		}
		g.failed("@bad")
	}
	if err := g.knock("@bad"); status(err) != http.StatusTooManyRequests {
		t.Errorf("the sixth: %v", err)
	}
	if err := g.knock("@good"); err != nil {
		t.Error(err)
	}
	g.admits("=bad", 2, 2, 0)
	g.pass(time.Second)
	if err := g.knock("@bad"); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

func TestThoseWhoAreRefusedComeBackOneByOne(t *testing.T) {
	g := newTurnstile(t, Admission{TotalRate: 500, TotalBurst: 1000}, Rates{})
	var seconds [32]int
	refused := 0
	for range 11_000 {
		err := g.knock("")
		if err == nil {
			continue
		}
		refused++
		e, _ := errors.AsType[*transport.HandshakeError](err)
		seconds[(e.RetryAfter+time.Second-1)/time.Second]++ // as it is sent: whole seconds
	}
	line := seconds[1:21] // 500 a second
	if peak := slices.Max(line); refused != 10_000 || peak > 2*500 || seconds[0] != 0 || slices.Max(seconds[21:]) > 2 {
		t.Errorf("%d refused; they come back %v", refused, seconds)
	}
	t.Logf("10,000 refused come back %v", line)
}

func TestALongLineIsSpreadOut(t *testing.T) {
	for name, refuse := range map[string]func(g *turnstile) error{
		"full":          func(g *turnstile) error { _, err := g.admit("k"); return err },
		"too many of a": func(g *turnstile) error { return g.knock("a") },
	} {
		g := newTurnstile(t, Admission{MaxConnections: 1, Rate: 1, Burst: 1}, Rates{})
		g.admits("a", 1, 1, 0)
		seconds := map[time.Duration]int{}
		for range 10_000 {
			e, _ := errors.AsType[*transport.HandshakeError](refuse(g))
			if e == nil || e.RetryAfter < comeBackMin || e.RetryAfter > comeBackMax {
				t.Fatalf("%s: %v", name, e)
			}
			seconds[(e.RetryAfter+time.Second-1)/time.Second]++
		}
		peak := 0
		for _, n := range seconds {
			peak = max(peak, n)
		}
		if peak > 2*10_000/9 || len(seconds) < 9 {
			t.Errorf("%s: %v", name, seconds)
		}
	}
}

func TestTheLineIsRememberedAsLongAsItIs(t *testing.T) {
	g := newTurnstile(t, Admission{Rate: 10, Burst: 1}, Rates{})
	acc := g.admits("k", 1, 1, 0)[0]
	g.admits("k", 50, 0, http.StatusTooManyRequests) // they come in the next 5 s
	g.pass(time.Second)
	g.leave(acc)
	g.admits("k", 1, 1, 0)
	_, err := g.admit("k")
	if e, _ := errors.AsType[*transport.HandshakeError](err); e == nil || e.RetryAfter < 4*time.Second {
		t.Errorf("the next is sent to the head of the line: %v", err)
	}
}

func TestThereAreAtMostAHundredThousandAccounts(t *testing.T) {
	g := newTurnstile(t, Admission{Rate: 0.1, Burst: 5}, Rates{})
	for i := range maxAccounts - 1 { // each has come once
		key := strconv.Itoa(i)
		g.accounts[key] = &account{key: key, arrivals: bucket{full: g.now() + g.each.each}}
	}
	start := time.Now()
	g.sweep(g.now())
	one := time.Since(start)
	g.leave(g.admits("the last", 1, 1, 0)[0])
	g.admits("one more", 1, 0, http.StatusServiceUnavailable)
	g.admits("7", 1, 1, 0) // who is known is not concerned
	start = time.Now()
	for i := range 300 {
		g.pass(time.Millisecond)
		g.failed(fmt.Sprint("stranger ", i))
	}
	if took := time.Since(start); took > 50*one {
		t.Errorf("300 refusals within 300 ms take %v, and a look at all accounts takes %v", took, one)
	}
	if n := len(g.accounts); n != maxAccounts {
		t.Errorf("%d accounts", n)
	}
	g.pass(10 * time.Second)
	g.admits("one more", 1, 1, 0)
	if n := len(g.accounts); n != 2 {
		t.Errorf("%d accounts; the others were as new", n)
	}
}

func TestTheAddressIsTheKeyOfWhoHasNoIdentity(t *testing.T) {
	for from, want := range map[net.Addr]string{
		&net.TCPAddr{IP: net.IPv4(1, 2, 3, 4), Port: 5}:                              "@1.2.3.4",
		&net.TCPAddr{IP: net.ParseIP("::ffff:1.2.3.4"), Port: 6}:                     "@1.2.3.4",
		&net.TCPAddr{IP: net.ParseIP("2001:db8:1:2:3:4:5:6"), Port: 5}:               "@2001:db8:1:2::/64",
		&net.TCPAddr{IP: net.ParseIP("2001:db8:1:2:ffff::"), Port: 5}:                "@2001:db8:1:2::/64",
		&net.TCPAddr{IP: net.ParseIP("2001:db8:1:3::"), Port: 5}:                     "@2001:db8:1:3::/64",
		&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 5}:              "@fe80::/64",
		&net.UnixAddr{Name: "/run/x", Net: "unix"}:                                   "@/run/x",
		&net.UDPAddr{IP: net.ParseIP("2001:db8:1:2:3:4:5:6"), Port: 5, Zone: "eth1"}: "@2001:db8:1:2::/64",
	} {
		if got := addressKey(from); got != want {
			t.Errorf("%v: %q, want %q", from, got, want)
		}
	}
	if got := addressKey(nil); got != "@" {
		t.Errorf("no address: %q", got)
	}
}

type named string

func (n named) Identity() string { return string(n) }

func TestNoIdentityIsTakenForAnAddress(t *testing.T) {
	from := &net.TCPAddr{IP: net.IPv4(1, 2, 3, 4), Port: 5}
	r := &transport.Request{RemoteAddr: from, Context: context.Background()}
	for _, ask := range []func(*transport.Request, Principal) string{nil, func(_ *transport.Request, p Principal) string { return p.Identity() }} {
		s := &service{options: ServerOptions{Admission: Admission{PerKey: 1, Key: ask}}}
		s.admission = newAdmission(s.options.Admission, Rates{})
		anonymous := (&arrival{service: &service{options: ServerOptions{}, admission: s.admission}}).key(r)
		for _, name := range []string{"@1.2.3.4", "=@1.2.3.4", "1.2.3.4", anonymous} {
			if key := (&arrival{service: s, principal: named(name)}).key(r); key == anonymous {
				t.Errorf("%q goes on the account of the address", name)
			}
		}
	}
}
