//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// findChromium returns the program, or "". CHROMIUM names another one.
func findChromium() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	return ""
}

// browser is a Chromium without a window. Our own client drives it, over its
// DevTools protocol. Only 127.0.0.1 exists for it.
type browser struct {
	t       testing.TB
	ctx     context.Context
	program *exec.Cmd
	profile string
	client  *actors.Client
	api     *modules.API[command, json.RawMessage]

	mu   sync.Mutex
	tabs map[string]*tab // by session
}

// openBrowser starts a Chromium, which ends with the test. Without one the test is
// skipped, or fails where HAWSER_BROWSER says that it is required.
func openBrowser(ctx context.Context, t testing.TB) *browser {
	t.Helper()
	path := findChromium()
	switch {
	case path != "":
	case os.Getenv("HAWSER_BROWSER") == "required":
		t.Fatal("no chromium found, and HAWSER_BROWSER=required: install it (Debian: apt-get install chromium), or name it with CHROMIUM")
	default:
		t.Skip("no chromium found: the page is not tested in a browser; install it (Debian: apt-get install chromium), or name it with CHROMIUM")
	}
	b := &browser{t: t, ctx: ctx, profile: t.TempDir(), tabs: map[string]*tab{}}
	url := b.start(path)
	b.api = modules.NewWireAPI("devtools", newDevTools(), modules.APIOptions{Timeout: -1})
	b.api.OnPush(b.hear)
	client, err := actors.Dial(ctx, actorstest.System(t), url, actors.ClientOptions{
		Modules: []actors.Module{b.api.Module()},
		Limits:  transport.Limits{MaxMessage: 64 << 20}, // screenshots
	})
	if err != nil {
		t.Fatal(err)
	}
	b.client = client
	// Before the program ends: this client does not come back.
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	if err := client.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return b
}

// start runs the program and returns the address of its DevTools.
func (b *browser) start(path string) (url string) {
	b.t.Helper()
	b.program = exec.Command(path,
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir="+b.profile,
		"--remote-debugging-port=0", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--no-proxy-server",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps",
		"--disable-domain-reliability", "--disable-breakpad", "--disable-crash-reporter", "--no-first-run", "--no-default-browser-check", "--no-pings",
		"--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
		"--renderer-process-limit=1", "--password-store=basic", "--mute-audio", "--lang=en-US", "--force-color-profile=srgb", "about:blank")
	b.program.Env = append(os.Environ(), "HOME="+b.profile, "TZ=UTC", "DBUS_SESSION_BUS_ADDRESS=disabled:")
	b.program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL} // it ends with us, whatever happens
	b.program.WaitDelay = 5 * time.Second
	said, stderr := io.Pipe()
	b.program.Stderr = stderr
	if err := b.program.Start(); err != nil {
		b.t.Fatal(err)
	}
	listening, read := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if url, ok := strings.CutPrefix(lines.Text(), "DevTools listening on "); ok {
				listening <- url
			}
		}
		_, _ = io.Copy(io.Discard, said)
	}()
	ended := make(chan struct{})
	go func() {
		_ = b.program.Wait()
		_ = stderr.Close()
		<-read
		close(ended)
	}()
	b.t.Cleanup(func() { b.end(ended) })
	select {
	case url := <-listening:
		return url
	case <-ended:
		b.t.Fatal("chromium ended at once")
	case <-b.ctx.Done():
		b.t.Fatal("chromium does not listen in time")
	}
	return ""
}

// end ends all processes of the browser, and fails the test if one is left.
func (b *browser) end(ended <-chan struct{}) {
	_ = syscall.Kill(-b.program.Process.Pid, syscall.SIGKILL) // its group: none of its children outlives it
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		b.t.Error("chromium does not end")
	}
	late := time.After(10 * time.Second)
	for left := processesOf(b.profile); len(left) > 0; left = processesOf(b.profile) {
		select {
		case <-late:
			b.t.Errorf("these processes of chromium are left: %v", left)
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// processesOf returns the processes that have the text in their command line. Where
// there is no /proc it finds none.
func processesOf(text string) (pids []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range all {
		line, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			continue
		}
		if pid := filepath.Base(filepath.Dir(name)); strings.Contains(string(line), text) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// call sends a command and decodes the answer into result, unless that is nil.
func (b *browser) call(ctx context.Context, session, method string, params, result any) error {
	answer, err := b.api.Call(ctx, command{Session: session, Method: method, Params: params})
	if err == nil && result != nil {
		err = json.Unmarshal(answer, result)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

// hear takes what the browser tells unasked.
func (b *browser) hear(_ *modules.Ctx, told json.RawMessage) {
	var e devToolsEvent
	if json.Unmarshal(told, &e) != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if tab := b.tabs[e.Session]; tab != nil {
		tab.hear(e)
	}
}

// params are the parameters of a command.
type params map[string]any

// open opens a page in a tab of its own, which is closed when the test ends. The
// test fails if the page throws, breaks its policy, or asks anybody else for anything.
// The scripts run before those of the page.
func (b *browser) open(t testing.TB, name, url string, scripts ...string) *tab {
	t.Helper()
	p := &tab{t: t, b: b, name: name}
	var target struct{ TargetID string }
	p.do("Target.createTarget", params{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	p.do("Target.attachToTarget", params{"targetId": target.TargetID, "flatten": true}, &attached)
	p.target, p.session = target.TargetID, attached.SessionID
	b.mu.Lock()
	b.tabs[p.session] = p
	b.mu.Unlock()
	t.Cleanup(p.close)
	for _, domain := range []string{"Runtime", "Log", "Network", "Page"} {
		p.do(domain+".enable", nil, nil)
	}
	p.do("Emulation.setFocusEmulationEnabled", params{"enabled": true}, nil) // every tab as if it were the one in front
	for _, s := range scripts {
		p.do("Page.addScriptToEvaluateOnNewDocument", params{"source": s}, nil)
	}
	p.size(1120, 720)
	p.do("Page.navigate", params{"url": url}, nil)
	return p
}
