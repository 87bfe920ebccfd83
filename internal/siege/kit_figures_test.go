//go:build linux

package siege

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// idleLimit is the share of a core that a server may use while nobody is there.
	idleLimit = 0.02
	// heapSlack is how much more than a tenth the heap may have grown: tables that
	// keep the size they had (the registry of protoactor is 32,768 small maps, each
	// of which takes 300 bytes when it is first used), and the test's own memory.
	heapSlack = 2 << 20
)

// figures are what the process holds.
type figures struct {
	rss        uint64 // anonymous memory, bytes
	heap       uint64 // live, bytes
	fds        int
	sockets    int
	goroutines int // with a function of this module on their stack
	actors     int // in the registry
}

func (g figures) String() string {
	return fmt.Sprintf("memory %s, heap %s, %d descriptors of which %d sockets, %d goroutines, %d actors",
		size(g.rss), size(g.heap), g.fds, g.sockets, g.goroutines, g.actors)
}

// size shows bytes.
func size[T ~int | ~int64 | ~uint64](n T) string {
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// figures collects the garbage, gives free memory back, and looks.
func (f *fort) figures() (g figures) {
	f.t.Helper()
	runtime.GC() // twice: what a pool holds survives one
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	g.heap, g.rss = m.HeapAlloc, memory()
	g.fds, g.sockets = descriptors(f.t)
	g.goroutines = len(ours())
	for _, bucket := range f.system.ProcessRegistry.LocalPIDs.LocalPIDs {
		g.actors += bucket.Count()
	}
	return g
}

// memory returns the anonymous memory of the process: what it has and cannot be
// read from a file again.
func memory() uint64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	resident, _ := strconv.ParseUint(f[1], 10, 64)
	shared, _ := strconv.ParseUint(f[2], 10, 64)
	return (resident - shared) * uint64(os.Getpagesize())
}

type failer interface{ Fatal(args ...any) }

// descriptors counts the open ones, without the one that is open to count them.
func descriptors(t failer) (all, sockets int) {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		link, err := os.Readlink("/proc/self/fd/" + d.Name())
		if err != nil {
			continue // that one
		}
		all++
		if strings.HasPrefix(link, "socket:") {
			sockets++
		}
	}
	return all, sockets
}

// ours are the stacks of the goroutines that run code of this module.
func ours() (stacks []string) {
	b := make([]byte, 1<<20)
	for n := runtime.Stack(b, true); n == len(b); n = runtime.Stack(b, true) {
		b = make([]byte, 2*len(b))
	}
	for s := range bytes.SplitSeq(bytes.TrimRight(b, "\x00"), []byte("\n\n")) {
		if bytes.Contains(s, []byte("github.com/hawser-go/hawser/")) {
			stacks = append(stacks, string(s))
		}
	}
	return stacks
}

// cpu is the time that the process has used so far, on all cores.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// quiet waits until nothing of an attack is left: sockets, goroutines, registry and
// heap are at base, and the CPU idles for a second. All peers of the test must have
// gone, control connections too. The wait is generous; what it waits for is not.
func (f *fort) quiet(base figures) {
	f.t.Helper()
	f.quietFor(base, time.Second)
}

// glance is for quietFor, where a test has several servers and looks at one of them
// for a whole second: what spins, spins all the time.
const glance = 200 * time.Millisecond

// quietFor is quiet with another time to idle.
func (f *fort) quietFor(base figures, idle time.Duration) {
	f.t.Helper()
	began := time.Now()
	g := f.figures()
	for ; !g.within(base); g = f.figures() {
		if time.Since(began) > patience {
			f.t.Logf("base: %v", base)
			f.t.Logf("goroutines:\n%s", strings.Join(ours(), "\n\n"))
			f.t.Fatalf("after %v there is still more than before: %v", patience, g)
		}
		pause(20 * time.Millisecond)
	}
	took := time.Since(began)
	share := 1.0
	for share >= idleLimit && time.Since(began) < patience {
		used, since := cpu(), time.Now()
		pause(idle)
		share = float64(cpu()-used) / float64(time.Since(since))
	}
	f.t.Logf("quiet after %v: %v; before: %v; idle CPU %.2f %%", took.Round(time.Millisecond), g, base, 100*share)
	if share >= idleLimit {
		f.t.Errorf("the idle server uses %.1f %% of a core, must be below %.0f %%", 100*share, 100*idleLimit)
	}
}

func (g figures) within(base figures) bool {
	return g.fds <= base.fds && g.sockets <= base.sockets && g.goroutines <= base.goroutines &&
		g.actors <= base.actors && g.heap <= base.heap+base.heap/10+heapSlack
}

// meter watches what an attack costs.
type meter struct {
	f     *fort
	began time.Time
	base  uint64
	used  time.Duration
	over  chan struct{}
	peak  chan uint64
}

// measure starts one. It must be ended with report or stop.
func (f *fort) measure() *meter {
	runtime.GC()
	debug.FreeOSMemory()
	m := &meter{f: f, base: memory(), used: cpu(), over: make(chan struct{}), peak: make(chan uint64, 1), began: time.Now()}
	go func() {
		peak := m.base
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, memory())
			select {
			case <-tick.C:
			case <-m.over:
				m.peak <- max(peak, memory())
				return
			}
		}
	}()
	f.t.Cleanup(sync.OnceFunc(func() { m.stop() }))
	return m
}

// cost is what something took.
type cost struct {
	memory uint64 // the most that was held beyond what was held before, bytes
	cpu    time.Duration
	time   time.Duration
}

// stop ends the measurement. Later calls return zeros.
func (m *meter) stop() (c cost) {
	select {
	case <-m.over:
		return c
	default:
	}
	c.cpu, c.time = cpu()-m.used, time.Since(m.began)
	close(m.over)
	c.memory = <-m.peak - m.base
	return c
}

// report ends the measurement, prints it, and fails the test if more memory than
// limit was held in between.
func (m *meter) report(what string, limit uint64) cost {
	m.f.t.Helper()
	c := m.stop()
	m.f.t.Logf("%s: memory +%s at most, CPU %v in %v", what, size(c.memory), c.cpu.Round(time.Millisecond), c.time.Round(time.Millisecond))
	if c.memory > slack(limit) {
		m.f.t.Errorf("%s: memory grew by %s, must not by more than %s", what, size(c.memory), size(slack(limit)))
	}
	return c
}
