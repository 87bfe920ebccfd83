package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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

func start(t *testing.T, as string) (*Process, error) {
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
	p, err := start(t, "server")
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
			if _, err := start(t, as); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Start = %v, want an error with %q", err, want)
			}
		})
	}
}

func TestMachineCPUSumsAllButIdleAndGuests(t *testing.T) {
	if got, want := machineCPU("cpu  1 2 4 1000 1000 8 16 32 64 128"), 630*time.Millisecond; got != want {
		t.Errorf("machineCPU = %v, want %v", got, want)
	}
	if MachineCPU() == 0 || OwnCPU() == 0 {
		t.Error("a clock stands at zero")
	}
}

func TestParseAddress(t *testing.T) {
	cases := []struct{ line, addr, path string }{
		{"ws://127.0.0.1:80", "127.0.0.1:80", ""},
		{"ws://localhost:80/base/", "127.0.0.1:80", "/base"},
		{"ws://127.8.0.1:1\r", "127.8.0.1:1", ""},
		{"ws://[::1]:80", "", ""},
		{"http://127.0.0.1:80", "", ""},
		{"listening", "", ""},
	}
	for _, c := range cases {
		addr, path, err := parseAddress(c.line)
		if c.addr == "" {
			if err == nil {
				t.Errorf("%q was accepted", c.line)
			}
			continue
		}
		if err != nil || addr.String() != c.addr || path != c.path {
			t.Errorf("parseAddress(%q) = %v, %q, %v", c.line, addr, path, err)
		}
	}
}
