package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-go/hawser/transport"
)

func TestADrainTakesAsLongAsItMay(t *testing.T) {
	for _, c := range []struct {
		within       time.Duration
		connections  int
		limit, spent time.Duration
	}{
		{10 * time.Second, 0, 10 * time.Second, time.Millisecond},
		{10 * time.Second, 1, 10 * time.Second, 20 * time.Millisecond},
		{10 * time.Second, 100, 10 * time.Second, 2 * time.Second},
		{10 * time.Second, 10_000, 10 * time.Second, 5 * time.Second},
		{time.Second, 10_000, time.Second, 500 * time.Millisecond},
		{-1, 10_000, 5 * time.Second, time.Millisecond},
	} {
		limit, o := pace(c.within, c.connections)
		if limit != c.limit || o.Over != c.spent || o.Code != transport.ServiceRestart {
			t.Errorf("%s, %d: %s, %+v", c.within, c.connections, limit, o)
		}
	}
}

// spawnServing starts "hawser serve" in a process of its own.
func spawnServing(t *testing.T, args ...string) *program {
	t.Helper()
	return spawn(t, append([]string{"serve", "--addr=127.0.0.1:0", "--modules=echo,slow"}, args...)...)
}

var progress = regexp.MustCompile(`^draining: (\d+) connections? left$`)

func TestASignalDrainsTheServer(t *testing.T) {
	t.Parallel()
	p := spawnServing(t)
	var clients []*raw
	for range 60 {
		c := open(t, p.url()+"/slow")
		c.send("hello")
		clients = append(clients, c)
	}
	for _, c := range clients {
		c.next() // from here on it counts among the connections
		c.send("a last word")
	}
	began := time.Now()
	p.signal()
	closed := make(chan time.Duration)
	for _, c := range clients {
		go func() {
			got, code := c.messages()
			if code != 1012 || !slices.Equal(got, []string{"a last word"}) {
				t.Errorf("%q, %d", got, code)
			}
			_ = c.nc.Close()
			closed <- time.Since(began)
		}()
	}
	var at []time.Duration
	for range clients {
		at = append(at, <-closed)
	}
	if status := p.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
	took := time.Since(began)
	// 60 clients, one each 20 ms: nobody is told before his turn.
	if spread := slices.Max(at) - slices.Min(at); spread < 600*time.Millisecond {
		t.Errorf("they left within %s", spread)
	}
	lines := strings.Split(strings.TrimSpace(p.stderr()), "\n")
	t.Logf("it took %s, the clients left from %s to %s: %q", took, slices.Min(at), slices.Max(at), lines)
	for _, l := range lines {
		if !progress.MatchString(l) {
			t.Errorf("stderr %q", l)
		}
	}
	if lines[0] != "draining: 60 connections left" || len(lines) > int(took/time.Second)+1 {
		t.Errorf("%q", lines)
	}
	if p.stdout() != p.url()+"\n" {
		t.Errorf("stdout %q", p.stdout())
	}
}

// A client that answers nothing is cut when the time is over; that is no failure.
func TestADrainEndsInTimeWhateverTheClientsDo(t *testing.T) {
	t.Parallel()
	p := spawnServing(t, "--drain=2s", "--ping=1s")
	mute := open(t, p.url()+"/echo")
	began := time.Now()
	p.signal()
	status := p.wait()
	if took := time.Since(began); status != 0 || took < time.Second || took > 4*time.Second {
		t.Errorf("status %d after %s, stderr %s", status, took, p.stderr())
	}
	if _, code := mute.messages(); code != 1012 {
		t.Errorf("%d", code)
	}
}

func TestADrainWithoutATimeTellsAllToo(t *testing.T) {
	t.Parallel()
	p := spawnServing(t, "--drain=0")
	var clients []*raw
	for range 60 {
		clients = append(clients, open(t, p.url()+"/echo"))
	}
	p.signal()
	for _, c := range clients {
		if _, code := c.messages(); code != 1012 {
			t.Errorf("%d", code)
		}
		_ = c.nc.Close()
	}
	if status := p.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestASecondSignalEndsTheServerAtOnce(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"text": nil, "json": {"--json"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := spawnServing(t, append(flags, "--drain=1m")...)
			mute := open(t, p.url()+"/echo")
			p.signal()
			if _, code := mute.messages(); code != 1012 { // and no answer
				t.Fatalf("%d", code)
			}
			p.signal()
			began := time.Now()
			status := p.wait()
			if took := time.Since(began); status != exitFailed || took > time.Second {
				t.Errorf("status %d after %s", status, took)
			}
			if !strings.Contains(p.stderr(), "ended by a second signal") {
				t.Errorf("stderr %q", p.stderr())
			}
			if name == "json" && last(p.tellings()).Event != "stopped" {
				t.Errorf("stdout %q", p.stdout())
			}
		})
	}
}

func TestNobodyIsLetInDuringADrain(t *testing.T) {
	t.Parallel()
	p := startServing(t, "--drain=20s")
	stays := open(t, p.url()+"/echo")
	p.signal()
	if _, code := stays.messages(); code != 1012 {
		t.Errorf("%d", code)
	}
	c := start(t, "connect", "--json", "--once", p.url()+"/echo")
	if e := c.untilEvent("the end", state("stopped")); e.Code != 0 || e.Status == 101 {
		t.Errorf("%+v", e)
	}
	if status := c.wait(); status == 0 {
		t.Error("it got in")
	}
	_ = stays.nc.Close()
}
