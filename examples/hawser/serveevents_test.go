package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hawser-go/hawser/actors"
)

func TestServeTellsInJSONWhatHappens(t *testing.T) {
	t.Parallel()
	p := startServing(t, "--per-ip=2")
	first := open(t, p.url()+"/echo")
	p.untilTold("the first", connected("/echo"))
	second := connect(t, "--json", "--once", p.url()+"/sub")
	second.untilEvent("the second", state("ready"))
	p.untilTold("the second", connected("/sub"))
	second.signal()
	p.untilTold("the end of the second", disconnected("/sub"))
	first.write([]byte{0xff, 0x80, 0, 0, 0, 0}) // no frame
	_, _ = first.messages()
	_ = first.nc.Close()
	p.untilTold("the end of the first", disconnected("/echo"))
	if got := statuses(t, 1, p.url()+"/nowhere"); got[0] != 404 {
		t.Error(got)
	}
	p.untilTold("the refusal", func(e serverEvent) bool { return e.Event == "refused" })
	stays := open(t, p.url()+"/rooms/%22a%22")
	p.untilTold("the third", connected(`/rooms/"a"`))
	p.signal()
	_, _ = stays.messages()
	_ = stays.nc.Close()
	if status := p.wait(); status != 0 || p.stderr() != "" {
		t.Errorf("status %d, stderr %q", status, p.stderr())
	}
	var story []string
	list := p.tellings()
	for _, e := range list {
		line := fmt.Sprint(e.Event, " ", e.ID, " ", e.Path, " ", e.Code)
		if e.Event == "connected" || e.Event == "disconnected" {
			if _, err := net.ResolveTCPAddr("tcp", e.Remote); err != nil {
				t.Errorf("remote: %v", err)
			}
		}
		if e.Event != "draining" || len(story) == 0 || story[len(story)-1] != line {
			story = append(story, line)
		}
	}
	want := []string{
		"listening 0  0", "connected 1 /echo 0", "connected 2 /sub 0", "disconnected 2 /sub 1001", "disconnected 1 /echo 1002",
		"refused 0  0", `connected 3 /rooms/"a" 0`, "draining 0  0", `disconnected 3 /rooms/"a" 0`, "stopped 0  0",
	}
	if !slices.Equal(story, want) {
		t.Errorf("%q", story)
	}
	end := last(list)
	if end.Total != 3 || end.Connections != 0 || end.Refused["404"] != 1 || end.Ended["1001"] != 1 || !end.Balanced || end.Lost != 0 {
		t.Errorf("%+v", end)
	}
	if first := list[0]; !strings.HasPrefix(first.URL, "ws://127.0.0.1:") {
		t.Errorf("%+v", first)
	}
}

// stuck is an output that nobody reads until it is freed.
type stuck struct {
	*watched
	once  sync.Once
	tried chan struct{} // closed when somebody writes
	free  chan struct{}
}

func newStuck() *stuck {
	return &stuck{watched: newWatched(), tried: make(chan struct{}), free: make(chan struct{})}
}

func (s *stuck) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.tried) })
	<-s.free
	return s.watched.Write(p)
}

func TestEventsThatNobodyReadsAreCountedAndHoldUpNobody(t *testing.T) {
	out := newStuck()
	b := newBulletin(stdio{out: out, err: io.Discard})
	b.add(drainingEvent{"draining", 1})
	<-out.tried
	const lost = 1000
	for i := range eventsAhead + lost {
		b.add(drainingEvent{"draining", i}) // returns
	}
	close(out.free)
	p := &program{t: t, out: out.watched, err: newWatched()}
	p.until(out.watched, "what was queued", func(s string) bool { return strings.Count(s, "\n") == 1+eventsAhead })
	b.add(listeningEvent{"listening", "again"})
	b.stopped(actors.ServerStats{})
	list := p.tellings()[1+eventsAhead:]
	if len(list) != 3 || list[0].Event != "dropped" || list[0].Count != lost || list[1].Event != "listening" ||
		list[2].Event != "stopped" || list[2].Lost != lost {
		t.Errorf("%+v", list)
	}
}

func TestAServerWhoseStdoutNobodyReadsServesAndEnds(t *testing.T) {
	t.Parallel()
	addr := unused(t)
	out := newStuck()
	defer close(out.free)
	p := startWith(t, out.watched, out, "serve", "--json", "--addr", addr)
	c := connect(t, append([]string{"--json", "ws://" + addr + "/echo"}, fast...)...)
	c.typed("hello\n")
	c.untilEvent("the echo", recv("hello"))
	p.signal()
	if status := p.wait(); status != 0 || !strings.Contains(p.stderr(), "nobody reads stdout") {
		t.Errorf("status %d, stderr %q", status, p.stderr())
	}
}

// Who has read the address may close stdout, as "hawser serve --json | head -1" does.
func TestAServerWhoseStdoutIsClosedServesAndEnds(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := spawnWith(t, newWatched(), w, "serve", "--json", "--addr=127.0.0.1:0")
	_ = w.Close()
	var first serverEvent
	if err := json.NewDecoder(r).Decode(&first); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	for range 3 {
		c := open(t, first.URL+"/echo")
		c.send("still there")
		if got := c.next(); got != "still there" {
			t.Errorf("%q", got)
		}
		_ = c.nc.Close()
	}
	p.signal()
	if status := p.wait(); status != 0 {
		t.Errorf("status %d, stderr %q", status, p.stderr())
	}
}

func TestRefusalsAreToldOnceEach(t *testing.T) {
	out := newWatched()
	b := newBulletin(stdio{out: out, err: io.Discard})
	for _, counts := range []map[int]uint64{nil, {429: 1}, {429: 1}, {429: 1, 403: 1}} {
		b.refused(counts)
	}
	s := actors.ServerStats{}
	s.Refused = map[int]uint64{429: 1, 403: 1}
	b.stopped(s)
	p := &program{t: t, out: out, err: newWatched()}
	var counts []uint64
	for _, e := range p.tellings() {
		if e.Event == "refused" {
			counts = append(counts, e.Counts["429"]+e.Counts["403"])
		}
	}
	if !slices.Equal(counts, []uint64{1, 2}) {
		t.Errorf("%v", counts)
	}
}

func TestTheHeraldSaysHowFarADrainIs(t *testing.T) {
	std := stdio{out: newWatched(), err: newWatched()}
	c := newHerald(false, std)
	for _, n := range []int{812, 1, 0} {
		c.draining(n)
	}
	c.refused(map[int]uint64{403: 1})
	c.stopped(actors.ServerStats{})
	if text, _ := std.err.(*watched).now(); text != "draining: 812 connections left\ndraining: 1 connection left\n" {
		t.Errorf("%q", text)
	}
	if text, _ := std.out.(*watched).now(); text != "" {
		t.Errorf("%q", text)
	}
}
