package main

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output takes what a run writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	some chan struct{} // closed at the first byte
}

func newOutput() *output { return &output{some: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() == 0 {
		close(o.some)
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func TestABadDayEndsWell(t *testing.T) {
	for _, seed := range []string{"1", "2", "3"} {
		t.Run("seed "+seed, func(t *testing.T) {
			t.Parallel()
			out, errs := newOutput(), newOutput()
			if status := run(t.Context(), []string{"--seconds", "2", "--seed", seed}, out, errs); status != 0 || errs.String() != "" {
				t.Fatalf("status %d, stderr %q, stdout\n%s", status, errs, out)
			}
			for _, want := range []string{
				`(?m)^ +\d\.\d{3}s  #1    ready +logged in at the primary`, `(?m)  #1    subscribed    5 symbols$`,
				`lost .*reset by peer; next attempt in`, `lost .*closed by peer with 1012`, `answered 503 `, `denied .*the token has expired`,
				`lost .*peer silent for 500ms`, `(?m)subscribed    6 symbols(, \d+ prices? missed: .*)?$`, `lost .*closed by peer with 1013`,
				`(?m)answered 429 Too Many Requests; next attempt in [12](\.\d+)?s$`, `asked again +\w+-\d+ (buy|sell) \d+ [A-Z]{6}: it`,
				`prices +EURUSD 1\.\d{4} [▲▼=]  GBPUSD`, `orders +\d+ placed: \d+ filled, \d+ rejected`,
				`(?m)^BTCUSD +6\d{4} `, `(?m)^all( +\d+){9}$`, `(?m)^limit +keep-latest( +\d+){6}$`, `client "feed": ready`, `(?m)^PASS: all 9 checks hold$`,
			} {
				if !regexp.MustCompile(want).MatchString(out.String()) {
					t.Errorf("no %s in\n%s", want, out)
				}
			}
			if strings.Contains(out.String(), "\x1b") {
				t.Error("terminal tricks, but no terminal")
			}
		})
	}
}

func TestJSONIsOneObjectPerLine(t *testing.T) {
	t.Parallel()
	out := newOutput()
	if status := run(t.Context(), []string{"--json", "--seconds=2", "--seed=4"}, out, newOutput()); status != 0 {
		t.Fatalf("status %d\n%s", status, out)
	}
	count := map[string]int{}
	var last struct {
		Event   string
		Symbols []quote
		Orders  orderCount
		Checks  []check
		Pass    bool
	}
	for line := range strings.Lines(out.String()) {
		var e note
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		count[e.Event]++
		_ = json.Unmarshal([]byte(line), &last) // of the last line nothing is left of those before
	}
	if count["start"] != 1 || count["end"] != 1 || count["lost"] < 4 || count["refused"] < 2 || count["denied"] < 1 || count["status"] < 1 || count["asked_again"] < 1 {
		t.Errorf("%v", count)
	}
	if last.Event != "end" || !last.Pass || len(last.Symbols) != 6 || len(last.Checks) != 9 || last.Orders.Filled == 0 {
		t.Errorf("%+v", last)
	}
}

func TestASignalEndsItWithItsReport(t *testing.T) {
	for name, after := range map[string]time.Duration{"at once": 0, "soon": 10 * time.Millisecond, "while it trades": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			out := newOutput()
			go func() {
				defer cancel()
				<-out.some
				rest(ctx, after)
			}()
			if status := run(ctx, []string{"--seconds", "600"}, out, newOutput()); status != 0 || !strings.Contains(out.String(), "PASS: all 8 checks hold") {
				t.Errorf("status %d\n%s", status, out)
			}
		})
	}
}

func TestWrongCallsExitWith2(t *testing.T) {
	for _, args := range [][]string{{"--seconds", "1"}, {"--seconds", "NaN"}, {"--seconds", "x"}, {"--seed", "-1"}, {"--nonsense"}, {"word"}} {
		out, errs := newOutput(), newOutput()
		if status := run(t.Context(), args, out, errs); status != exitUsage || out.String() != "" || errs.String() == "" {
			t.Errorf("%q: status %d, stdout %q, stderr %q", args, status, out, errs)
		}
	}
}
