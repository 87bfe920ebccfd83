//go:build linux

package siege

import (
	"bytes"
	"fmt"
	"os"
	"time"
)

// crowded is the share of the machine from which on others make it slow for us: the
// tests of other packages, which run at the same time.
const crowded = 0.1

// machine is what the machine has done so far, and what of that was our work.
type machine struct{ all, busy, own time.Duration }

// now looks at it. Zeros if the kernel does not tell.
func now() (m machine) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return m
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	var user, nice, system, idle, iowait, irq, softirq, steal time.Duration
	_, _ = fmt.Sscanf(string(line), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal)
	const tick = time.Second / 100
	m.busy = (user + nice + system + steal) * tick // interrupts are nobody's: ours too
	m.all = m.busy + (idle+iowait+irq+softirq)*tick
	m.own = cpu()
	return m
}

// others is the share of the machine that others have used since.
func (m machine) others() float64 {
	n := now()
	if n.all == m.all {
		return 0
	}
	return max(0, float64(n.busy-m.busy-(n.own-m.own))/float64(n.all-m.all))
}

// allow widens a promise of time for what was done since, if others made that slow:
// it is no promise about them. Half of the machine makes it four times as long, more
// than three quarters of it sixteen times.
func (m machine) allow(d time.Duration) time.Duration {
	if o := m.others(); o > crowded {
		left := max(1-o, 0.25)
		d = time.Duration(float64(d) / (left * left))
	}
	return slack(d)
}
