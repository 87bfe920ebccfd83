package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

// statsTimeout bounds reading the statistics page; a forced collection of a big heap
// takes part of a second.
const statsTimeout = 20 * time.Second

// ErrNoStats means that the server has printed no statistics page.
var ErrNoStats = errors.New("process: the server offers no statistics")

// CPU is the processor time that the server has used, from its process clock; it is
// exact to the nanosecond, where /proc counts ticks of 10 ms. Zero when it has ended.
func (p *Process) CPU() time.Duration {
	const schedClock = 2 // CPUCLOCK_SCHED of clock_getcpuclockid(3)
	return clock(int32(^p.Pid()<<3 | schedClock))
}

// OwnCPU is the processor time of the calling process.
func OwnCPU() time.Duration { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

func clock(id int32) time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(id, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// MachineCPU is the processor time that the whole machine has used, in ticks of 10 ms;
// time stolen by a hypervisor counts.
func MachineCPU() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return machineCPU(string(line))
}

// machineCPU reads "cpu user nice system idle iowait irq softirq steal guest guest_nice".
func machineCPU(line string) time.Duration {
	const tick = 10 * time.Millisecond
	var sum time.Duration
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 { // the name, idle, iowait, and what user contains already
			continue
		}
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0
		}
		sum += time.Duration(n) * tick
	}
	return sum
}

// RSS is the resident memory in bytes. It is taken from smaps_rollup: the counter in
// /proc/PID/status is kept per thread and may be hundreds of pages behind.
func (p *Process) RSS() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.Pid()))
	if err != nil {
		return 0, err
	}
	return parseRSS(string(b))
}

func parseRSS(smaps string) (int64, error) {
	for line := range strings.Lines(smaps) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "Rss:" && fields[2] == "kB" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("process: no Rss line in smaps_rollup")
}

// Stats reads the statistics page, with collect after a forced garbage collection.
func (p *Process) Stats(ctx context.Context, collect bool) (s peer.Stats, err error) {
	page := p.stats.Load()
	if page == nil {
		return s, ErrNoStats
	}
	address := *page
	if collect {
		address += "?gc=1"
	}
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return s, err
	}
	// No connection stays open: it would be one more that the server holds, and no proxy.
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return s, fmt.Errorf("process: statistics: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return s, fmt.Errorf("process: statistics: %s", response.Status)
	}
	return s, json.NewDecoder(response.Body).Decode(&s)
}
