package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

// The test binary plays servers and runners: role says which.
const role = "HBENCH_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		goleak.VerifyTestMain(m)
	case "server":
		peer.Announce("127.0.0.1:9")
		select {}
	case "mute":
		fmt.Println("stats http://127.0.0.1:1/stats")
		select {}
	case "dead":
		os.Exit(3)
	case "abroad":
		fmt.Println("ws://192.0.2.1:80")
		select {}
	case "client":
		fmt.Println("start")
		fmt.Println("end", strings.Join(os.Args[1:], " "))
		os.Exit(0)
	case "runner":
		runtime.LockOSThread()
		server, err := Start([]string{os.Args[0]}, []string{role + "=server"})
		if err != nil {
			peer.Fail(err)
		}
		fmt.Println(server.Pid())
		select {}
	}
}

func startAs(t *testing.T, as string) (*Process, error) {
	t.Helper()
	runtime.LockOSThread() // for the length of the test; its goroutine ends with it
	p, err := Start([]string{os.Args[0]}, []string{role + "=" + as})
	if err == nil {
		t.Cleanup(p.Stop)
	}
	return p, err
}

func TestServersDieWithTheRunner(t *testing.T) {
	runner := exec.Command(os.Args[0])
	runner.Env = append(os.Environ(), role+"=runner")
	stdout, err := runner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	server, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(server) }()
	_ = runner.Process.Kill() // it has no chance to clean up
	_ = runner.Wait()
	ended, err := unix.Poll([]unix.PollFd{{Fd: int32(server), Events: unix.POLLIN}}, 5000)
	if err != nil || ended != 1 {
		_ = unix.Kill(pid, unix.SIGKILL)
		t.Errorf("the server outlived its runner by 5 s (%v)", err)
	}
}

func TestClocksAndStatisticsOfAServer(t *testing.T) {
	p, err := startAs(t, "server")
	if err != nil {
		t.Fatal(err)
	}
	if p.Addr().String() != "127.0.0.1:9" || p.Path("/echo") != "/echo" {
		t.Errorf("address %v, path %s", p.Addr(), p.Path("/echo"))
	}
	before := p.CPU()
	stats := waitForStats(t, p)
	if stats.Goroutines == 0 || stats.Mallocs == 0 || stats.HeapAlloc == 0 {
		t.Errorf("statistics %+v", stats)
	}
	if after := p.CPU(); before <= 0 || after <= before || after > time.Minute {
		t.Errorf("CPU %v, then %v", before, after)
	}
	if rss, err := p.RSS(); err != nil || rss < 1<<20 || rss > 1<<30 {
		t.Errorf("RSS %d, %v", rss, err)
	}
	p.Stop()
	if got := p.CPU(); got != 0 {
		t.Errorf("a dead server has used %v", got)
	}
	p.Stop()
}

// waitForStats asks until the second line of the server was read.
func waitForStats(t *testing.T, p *Process) peer.Stats {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for {
		stats, err := p.Stats(ctx, true)
		if err == nil {
			return stats
		}
		if !errors.Is(err, ErrNoStats) || ctx.Err() != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

func TestBadServersAreRefused(t *testing.T) {
	for as, want := range map[string]string{"dead": "ended before", "mute": "first line", "abroad": "127.0.0.0/8"} {
		t.Run(as, func(t *testing.T) {
			if _, err := startAs(t, as); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Start = %v, want an error with %q", err, want)
			}
		})
	}
}

func TestProfilesOfAServer(t *testing.T) {
	p, err := startAs(t, "server")
	if err != nil {
		t.Fatal(err)
	}
	waitForStats(t, p)
	for name, read := range map[string]func(w io.Writer) error{
		"heap": func(w io.Writer) error { return p.HeapProfile(t.Context(), w) },
		"cpu":  func(w io.Writer) error { return p.CPUProfile(t.Context(), w, 1) },
	} {
		var b bytes.Buffer
		if err := read(&b); err != nil || !bytes.HasPrefix(b.Bytes(), []byte{0x1f, 0x8b}) {
			t.Errorf("%s profile: %d bytes, %v; want something compressed", name, b.Len(), err)
		}
	}
}

func TestClientsAreReadToTheirEnd(t *testing.T) {
	runtime.LockOSThread()
	c, err := StartClient([]string{os.Args[0], "a", "b"}, []string{role + "=client"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	for _, want := range []string{"start", "end a b"} {
		if line, err := c.Line(t.Context()); err != nil || line != want {
			t.Fatalf("Line = %q, %v, want %q", line, err, want)
		}
	}
	if _, err := c.Line(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last line: %v", err)
	}
	if c.CPU() == 0 {
		t.Error("the clock of a client that has ended stands at zero")
	}
}

func TestWaitingForASilentClientEnds(t *testing.T) {
	runtime.LockOSThread()
	c, err := StartClient([]string{"/bin/cat", "/dev/zero"}, nil) // one line without an end
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if line, err := c.Line(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Line = %q, %v", line, err)
	}
}

func TestMachineCPUSumsAllButIdleInterruptsAndGuests(t *testing.T) {
	if got, want := machineCPU("cpu  1 2 4 1000 1000 8 16 32 64 128"), 390*time.Millisecond; got != want {
		t.Errorf("machineCPU = %v, want %v", got, want)
	}
	if MachineCPU() == 0 || OwnCPU() == 0 {
		t.Error("a clock stands at zero")
	}
}

func TestParseAddress(t *testing.T) {
	cases := []struct{ line, url string }{
		{"ws://127.0.0.1:80", "ws://127.0.0.1:80/echo"},
		{"ws://localhost:80/base/", "ws://127.0.0.1:80/base/echo"},
		{"ws://127.8.0.1:1\r", "ws://127.8.0.1:1/echo"},
		{"wss://127.0.0.1:80", "wss://127.0.0.1:80/echo"},
		{"ws://[::1]:80", ""},
		{"http://127.0.0.1:80", ""},
		{"listening", ""},
	}
	for _, c := range cases {
		var p Process
		switch err := p.parseAddress(c.line); {
		case c.url == "" && err == nil:
			t.Errorf("%q was accepted", c.line)
		case c.url != "" && (err != nil || p.URL("/echo") != c.url):
			t.Errorf("parseAddress(%q): %v, %v", c.line, p.URL("/echo"), err)
		}
	}
}
