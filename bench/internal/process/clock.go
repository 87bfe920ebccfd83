package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// OwnCPU is the processor time of the calling process.
func OwnCPU() time.Duration { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

func clock(id int32) time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(id, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// MachineCPU is the processor time of all processes of the machine together, in ticks of
// 10 ms. What a hypervisor has stolen counts; interrupts do not, which belong to no
// process: with loopback alone they are made by those who are measured.
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
		if i == 0 || 4 <= i && i <= 7 || i > 8 { // the name, idle, iowait, interrupts, and what user contains already
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
func (c *child) RSS() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", c.Pid()))
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
