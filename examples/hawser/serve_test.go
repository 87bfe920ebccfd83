package main

import (
	"net"
	"regexp"
	"strings"
	"testing"
)

func TestServePrintsItsAddressFirstAndEndsOnASignal(t *testing.T) {
	t.Parallel()
	p := start(t, "serve", "--addr=127.0.0.1:0")
	p.untilOut("\n")
	line, _, _ := strings.Cut(p.stdout(), "\n")
	if !regexp.MustCompile(`^ws://127\.0\.0\.1:[1-9]\d*$`).MatchString(line) {
		t.Fatalf("%q", line)
	}
	c := start(t, "connect", "--json", "--once", line+"/echo")
	c.untilEvent("ready", state("ready"))
	c.typed("hello\n")
	c.untilEvent("the echo", recv("hello")) // from here on it counts among the connections
	p.signal()
	if status := p.wait(); status != 0 || p.stderr() != "draining: 1 connection left\n" {
		t.Errorf("status %d, stderr %q", status, p.stderr())
	}
	if e := c.untilEvent("the end", state("disconnected")); e.Code != 1012 {
		t.Errorf("closed with %+v", e)
	}
}

func TestServeOnAUsedAddressFails(t *testing.T) {
	addr := strings.TrimPrefix(serve(t), "ws://")
	status, stdout, stderr := call(t, "", "serve", "--addr", addr)
	if status != 1 || stdout != "" || !strings.Contains(stderr, "cannot listen") || !strings.Contains(stderr, "in use") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestServeHasNoOtherPath(t *testing.T) {
	status, stdout, stderr := call(t, "", "connect", serve(t)+"/other", "--json")
	list := events(t, stdout)
	if last := list[len(list)-1]; status != 1 || last.Name != "stopped" || last.Status != 404 {
		t.Errorf("status %d, %+v, stderr %q", status, last, stderr)
	}
	if !strings.Contains(stderr, "404") {
		t.Errorf("stderr %q", stderr)
	}
}

func TestServeClosesWhatIsTooLongWith1009(t *testing.T) {
	t.Parallel()
	p := start(t, "connect", "--once", "--json", serve(t, "--max-message", "10")+"/echo")
	p.typed("0123456789\n")
	p.untilEvent("the echo", recv("0123456789"))
	p.typed("0123456789x\n")
	if e := p.untilEvent("the end", state("stopped")); e.Code != 1009 {
		t.Errorf("%+v", e)
	}
	if status := p.wait(); status != 1 {
		t.Errorf("status %d", status)
	}
}

// A message as long as the limit also fits on its way back.
func TestServeEchoesSixteenMiB(t *testing.T) {
	t.Parallel()
	url := serve(t, "--max-message", "16777216") + "/echo"
	p := start(t, "connect", "--max-message=16777216", url)
	long := strings.Repeat("0123456789abcdef", 1<<20)
	p.typed(long + "\n" + long + "\n")
	text := p.until(p.out, "two echoes", func(s string) bool { return len(s) >= 2*len(long)+2 })
	if text != long+"\n"+long+"\n" {
		t.Error("something else came back")
	}
}

func TestTheAddressShownCanBeDialled(t *testing.T) {
	for in, want := range map[string]string{
		"0.0.0.0:80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80", "127.0.0.2:1": "127.0.0.2:1", "[::1]:2": "[::1]:2",
	} {
		a, err := net.ResolveTCPAddr("tcp", in)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(a); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}
