package main

import (
	"context"
	"encoding/json"
	"net"
	"regexp"
	"strings"
	"testing"
)

func TestDemoTellsItsStoryAndBalances(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := call(t, "", "demo", "--seconds", "2", "--cuts=4")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q, stdout\n%s", status, stderr, stdout)
	}
	for _, want := range []string{
		`cut 4 times in 2s`, `cut 1 of 4 `, `cut 4 of 4 `, `(?m)^ +\d+\.\d{3}s  reconnecting +1 +\d+ms +\d+ +\d+`,
		`disconnected .*transport: read`, `held messages go out: \d+`, `caught up`, `stopped`,
		`accepted +\d+`, `written +\d+`, `dropped +\d+  rejected`, `unknown +\d+`, `in flight +0`,
		`written, no echo +\d+`, `twice +0`, `out of order +0`, `the books balance: \d+ accepted = \d+ written \+ \d+ dropped \+ \d+ unknown`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no %s in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "\x1b") {
		t.Error("colours, but no terminal")
	}
}

func TestDemoInJSONIsOneObjectPerEvent(t *testing.T) {
	t.Parallel()
	status, stdout, _ := call(t, "", "demo", "--json", "--seconds=1", "--cuts", "3")
	if status != 0 {
		t.Fatalf("status %d\n%s", status, stdout)
	}
	count := map[string]int{}
	for _, e := range events(t, stdout) {
		count[e.Event+" "+e.Name]++
	}
	if count["start "] != 1 || count["cut "] != 3 || count["state ready"] < 4 || count["state reconnecting"] < 3 || count["ledger "] != 1 {
		t.Errorf("%v", count)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	var a account
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &a); err != nil {
		t.Fatal(err)
	}
	sum := a.Written + a.Unknown + a.InFlight
	for _, n := range a.Dropped {
		sum += n
	}
	if a.Event != "ledger" || !a.Balanced || a.Accepted == 0 || sum != a.Accepted || a.Cuts != 3 || len(a.Problems) > 0 ||
		a.Back+a.Lost != int(a.Written)+a.Rescued {
		t.Errorf("%+v", a)
	}
}

func TestDemoEndsOnASignalWithItsLedger(t *testing.T) {
	t.Parallel()
	p := start(t, "demo", "--seconds", "600")
	p.untilOut("ready")
	p.signal()
	if status := p.wait(); status != 0 || !strings.Contains(p.stdout(), "the books balance") {
		t.Errorf("status %d\n%s", status, p.stdout())
	}
}

func TestALinkThatIsDownResetsWhoeverConnects(t *testing.T) {
	addr := listen(t, func(_ int, nc net.Conn) {
		buf := make([]byte, 1)
		for {
			if _, err := nc.Read(buf); err != nil {
				return
			}
			_, _ = nc.Write(buf)
		}
	})
	l, err := newLink(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	echoes := func() error {
		nc, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.addr())
		if err != nil {
			return err
		}
		defer func() { _ = nc.Close() }()
		_, _ = nc.Write([]byte("x"))
		_, err = nc.Read(make([]byte, 1))
		return err
	}
	if err := echoes(); err != nil {
		t.Fatal(err)
	}
	l.cut(outage)
	if err := echoes(); err == nil {
		t.Error("it works although it is down")
	}
	l.mend()
	if err := echoes(); err != nil {
		t.Error(err)
	}
}
