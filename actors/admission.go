package actors

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/hawser-go/hawser/transport"
)

const (
	// maxAccounts bounds the memory for keys.
	maxAccounts = 100_000
	// Who finds no free place comes back after comeBackMin to comeBackMax; who was
	// refused for a rate when there is a turn for him, in line with the others, but
	// not later than comeBackMax.
	comeBackMin = time.Second
	comeBackMax = 30 * time.Second
)

// admission decides who may connect. It is safe for concurrent use.
type admission struct {
	limits   Admission
	keyed    bool // something is counted by key
	each     quota
	total    quota
	messages quota // of Rates: by key
	now      func() int64
	rand     func() float64

	mu       sync.Mutex
	open     int
	arrivals bucket
	line     bucket // of those who were refused for the total rate
	accounts map[string]*account
	swept    int   // how many accounts were left by the last sweep
	sweptAt  int64 // when that was, ns
}

// account is what is known of one key.
type account struct {
	key      string
	open     int    // connections; guarded by the admission, as are the next two
	arrivals bucket // handshakes
	line     bucket // of those who were refused

	mu       sync.Mutex
	messages bucket
}

func newAdmission(o Admission, r Rates) *admission {
	return &admission{
		limits: o, keyed: o.accounts(&r),
		each: newQuota(o.Rate, o.Burst), total: newQuota(o.TotalRate, o.TotalBurst),
		messages: newQuota(r.KeyMessages, r.KeyMessageBurst),
		now:      func() int64 { return nanos() }, rand: rand.Float64,
		accounts: map[string]*account{},
	}
}

// knock is the first check, before anybody is asked who it is: the rate of all, and
// with an address also whether that one has failed too often.
func (a *admission) knock(address string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if acc := a.accounts[address]; address != "" && acc != nil && a.each.each > 0 {
		if wait := acc.arrivals.wait(a.each, now); wait > 0 {
			return a.later(http.StatusTooManyRequests, "too many handshakes from this address", a.place(&acc.line, a.each, now, wait))
		}
	}
	if a.arrivals.take(a.total, now, 1) == 0 {
		wait := a.arrivals.wait(a.total, now)
		return a.later(http.StatusServiceUnavailable, "too many handshakes", a.place(&a.line, a.total, now, wait))
	}
	return nil
}

// failed counts a handshake of somebody who could not say who he is.
func (a *admission) failed(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.each.each == 0 || address == "" {
		return
	}
	now := a.now()
	if acc := a.account(address, now); acc != nil {
		acc.arrivals.take(a.each, now, 1)
	}
}

// admit takes a place for one more connection of a key. The account, which is nil if
// nothing is counted by key, goes back with leave.
func (a *admission) admit(key string) (acc *account, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	defer func() {
		if err != nil { // who exceeds his own bounds takes nobody else's turn
			a.arrivals.full -= a.total.each
		}
	}()
	if m := a.limits.MaxConnections; m > 0 && a.open >= m {
		return nil, a.later(http.StatusServiceUnavailable, "the server is full", 0)
	}
	if !a.keyed {
		a.open++
		return nil, nil
	}
	switch acc = a.account(key, now); {
	case acc == nil:
		return nil, a.later(http.StatusServiceUnavailable, "too many different clients", 0)
	case acc.arrivals.take(a.each, now, 1) == 0:
		wait := acc.arrivals.wait(a.each, now)
		return nil, a.later(http.StatusTooManyRequests, "too many handshakes", a.place(&acc.line, a.each, now, wait))
	case a.limits.PerKey > 0 && acc.open >= a.limits.PerKey:
		return nil, a.later(http.StatusTooManyRequests, "too many connections", 0)
	}
	a.open++
	acc.open++
	return acc, nil
}

// leave gives the place of a connection back.
func (a *admission) leave(acc *account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
	if acc == nil {
		return
	}
	if acc.open--; acc.idle(a.now()) {
		delete(a.accounts, acc.key)
	}
}

// account returns the account of a key, made if there is none, or nil if there are
// too many; a is locked.
func (a *admission) account(key string, now int64) *account {
	if acc := a.accounts[key]; acc != nil {
		return acc
	}
	switch n := len(a.accounts); {
	case n < maxAccounts && n < 2*max(a.swept, 512):
	case n >= maxAccounts && now-a.sweptAt < int64(time.Second): // it costs milliseconds
	default:
		a.sweep(now)
	}
	if len(a.accounts) >= maxAccounts {
		return nil
	}
	acc := &account{key: key}
	a.accounts[key] = acc
	return acc
}

// sweep forgets the keys of which there is nothing to remember; a is locked. It is
// done when their number has doubled, so each costs little.
func (a *admission) sweep(now int64) {
	for key, acc := range a.accounts {
		if acc.idle(now) {
			delete(a.accounts, key)
		}
	}
	a.swept, a.sweptAt = len(a.accounts), now
}

// idle reports whether a new account would be the same.
func (acc *account) idle(now int64) bool {
	acc.mu.Lock()
	defer acc.mu.Unlock()
	return acc.open == 0 && !acc.arrivals.spent(now) && !acc.line.spent(now) && !acc.messages.spent(now)
}

// take takes up to n messages for a key, and returns how many it may have.
func (acc *account) take(q quota, now int64, n int) int {
	acc.mu.Lock()
	defer acc.mu.Unlock()
	return acc.messages.take(q, now, n)
}

// place gives somebody who was refused for a rate a turn behind the others who were.
func (a *admission) place(line *bucket, q quota, now int64, wait time.Duration) time.Duration {
	line.full = max(line.full, now+int64(wait)) + q.each
	if d := time.Duration(line.full - now); d <= comeBackMax {
		return max(d, comeBackMin)
	}
	line.full -= q.each // the line is full: anywhere in its second half
	return comeBackMax/2 + time.Duration(a.rand()*float64(comeBackMax/2))
}

// later refuses somebody who may come back after that long; 0: at random.
func (a *admission) later(status int, why string, after time.Duration) error {
	if after == 0 {
		after = comeBackMin + time.Duration(a.rand()*float64(comeBackMax/3-comeBackMin))
	}
	return &transport.HandshakeError{Status: status, RetryAfter: after, Detail: why, Body: []byte(why + "\n")}
}
