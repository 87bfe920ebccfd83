package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
)

// fast makes reconnecting quick enough for tests.
var fast = []string{"--backoff-min", "1ms", "--backoff-max", "5ms"}

func connect(t *testing.T, args ...string) *program {
	t.Helper()
	return start(t, append([]string{"connect"}, args...)...)
}

func TestALineTypedIsAMessageSentAndTheEchoIsPrinted(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := call(t, "hello\n\nlast line", "connect", serve(t)+"/echo")
	if status != 0 || stdout != "hello\n\nlast line\n" {
		t.Errorf("status %d, stdout %q", status, stdout)
	}
	for _, want := range []string{"connecting", "ready", "stopped"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
}

func TestInJSONEveryLineHasItsEvents(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := call(t, "one\n\xff\ntwo <&>\r\n", "connect", "--json", serve(t)+"/echo")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d, stderr %q", status, stderr)
	}
	var lines, received []string
	for _, e := range events(t, stdout) {
		switch e.Event {
		case "recv":
			received = append(received, e.Kind+" "+*e.Data)
		case "state":
		default:
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s %s", e.ID, e.Event, e.Reason)))
		}
	}
	slices.SortStableFunc(lines, func(a, b string) int { return int(a[0]) - int(b[0]) })
	if want := []string{"1 accepted", "1 written", "2 dropped invalid-utf8", "3 accepted", "3 written"}; !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
	if want := []string{"text one", "text two <&>"}; !slices.Equal(received, want) {
		t.Errorf("%q", received)
	}
	if !strings.Contains(stdout, `"data":"two <&>"`) {
		t.Error("the text was escaped for HTML")
	}
}

// Many lines: each has one acceptance and one outcome, in this order, and what
// comes back keeps its order. Every line of stdout is one whole object.
func TestThousandsOfLinesAreAccountedFor(t *testing.T) {
	t.Parallel()
	const n = 20000
	var in strings.Builder
	for i := range n {
		fmt.Fprintln(&in, i+1)
	}
	status, stdout, _ := call(t, in.String(), "connect", "--json", serve(t)+"/echo")
	if status != 0 {
		t.Fatalf("status %d", status)
	}
	accepted, settled := map[int]bool{}, map[int]bool{}
	back := 0
	for _, e := range events(t, stdout) {
		switch e.Event {
		case "accepted":
			if accepted[e.ID] {
				t.Fatalf("line %d was accepted twice", e.ID)
			}
			accepted[e.ID] = true
		case "written", "dropped", "unknown":
			if !accepted[e.ID] || settled[e.ID] {
				t.Fatalf("line %d: %s too early or twice", e.ID, e.Event)
			}
			settled[e.ID] = true
		case "recv":
			if back++; *e.Data != fmt.Sprint(back) {
				t.Fatalf("got %s as number %d", *e.Data, back)
			}
		}
	}
	if len(accepted) != n || len(settled) != n || back != n {
		t.Errorf("%d accepted, %d settled, %d back", len(accepted), len(settled), back)
	}
}

func TestBinaryMessagesArePrintedAsBase64OrSummary(t *testing.T) {
	t.Parallel()
	addr := listen(t, func(_ int, nc net.Conn) {
		p, err := upgrade(nc)
		if err != nil {
			return
		}
		p.send(2, "\x00\x01\xff")
		p.send(2, "")
		p.send(1, "text")
		p.closing()
	})
	p := connect(t, "ws://"+addr, "--json")
	p.untilEvent("text", recv("text"))
	var got []string
	for _, e := range events(t, p.stdout()) {
		if e.Event == "recv" {
			got = append(got, e.Kind+" "+*e.Data)
		}
	}
	if want := []string{"binary " + base64.StdEncoding.EncodeToString([]byte{0, 1, 255}), "binary ", "text text"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	p = connect(t, "ws://"+addr)
	p.untilOut("text\n")
	if got := p.stdout(); got != "<3 bytes binary: 0001ff>\n<0 bytes binary>\ntext\n" {
		t.Errorf("%q", got)
	}
}

func TestEchoSendsBackTheSameKindAndReadsNoInput(t *testing.T) {
	t.Parallel()
	got := make(chan string, 2)
	addr := listen(t, func(_ int, nc net.Conn) {
		p, err := upgrade(nc)
		if err != nil {
			return
		}
		p.send(1, "text")
		p.send(2, "bin\x00")
		for range 2 {
			op, payload, _ := p.frame()
			got <- fmt.Sprint(op, " ", string(payload))
		}
		p.send(8, "\x03\xe8")
		p.closing()
	})
	p := connect(t, "ws://"+addr, "--echo", "--once", "--json")
	_ = p.in.CloseWithError(io.ErrUnexpectedEOF) // would be told if anybody read it
	for _, want := range []string{"1 text", "2 bin\x00"} {
		if g := <-got; g != want {
			t.Errorf("%q", g)
		}
	}
	if status := p.wait(); status != 0 || p.stderr() != "" {
		t.Errorf("status %d, stderr %q", status, p.stderr())
	}
	for _, e := range events(t, p.stdout()) {
		if e.Event != "recv" && e.Event != "state" {
			t.Errorf("an echo is no line: %+v", e)
		}
	}
}

func TestItReconnectsAndHeldLinesGoOut(t *testing.T) {
	t.Parallel()
	got := make(chan string, 2)
	resume := make(chan struct{})
	addr := listen(t, func(n int, nc net.Conn) {
		if n == 1 || n == 2 {
			<-resume // and then cut
			return
		}
		p, err := upgrade(nc)
		if err != nil {
			return
		}
		_, payload, _ := p.frame()
		got <- string(payload)
		if n > 0 {
			p.closing()
		}
	})
	p := connect(t, append(fast, "--json", "ws://"+addr)...)
	p.typed("first\n")
	if g := <-got; g != "first" {
		t.Errorf("%q", g)
	}
	p.untilEvent("a cause", func(e event) bool { return state("disconnected")(e) && e.Cause != "" })
	p.typed("second\n")
	p.untilEvent("acceptance", func(e event) bool { return e.Event == "accepted" && e.ID == 2 })
	close(resume)
	if g := <-got; g != "second" {
		t.Errorf("%q", g)
	}
	p.untilEvent("the outcome", func(e event) bool { return e.Event == "written" && e.ID == 2 })
	p.untilEvent("attempt 3", func(e event) bool { return state("ready")(e) && e.Attempt == 3 })
	p.untilEvent("reconnected", state("reconnected"))
}
