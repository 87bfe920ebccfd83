package result

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Machine is where a run took place, and when. What a system does not tell is empty.
type Machine struct {
	Cores     int    `json:"cores"`     // that programs here may use
	Processor string `json:"processor"` // its model
	System    string `json:"system"`    // "linux/amd64"
	Kernel    string `json:"kernel"`    // its release
	Go        string `json:"go"`        // what hbench was built with, and so the others beside it
	Date      string `json:"date"`      // of the start, "2006-01-02" in UTC
}

// ThisMachine is the one on which the program runs, today.
func ThisMachine() Machine {
	return Machine{
		Cores: runtime.NumCPU(), Processor: processor(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Kernel: firstLine("/proc/sys/kernel/osrelease"), Go: runtime.Version(),
		Date: time.Now().UTC().Format(time.DateOnly),
	}
}

// String is one line for a report.
func (m Machine) String() string {
	cores := fmt.Sprintf("%d cores", m.Cores)
	if m.Cores == 1 {
		cores = "1 core"
	}
	if m.Processor != "" {
		cores += " (" + m.Processor + ")"
	}
	return strings.Join([]string{cores, strings.TrimSpace(m.System + " " + m.Kernel), m.Go, m.Date}, ", ")
}

// processor is the model that Linux names first; other systems name none.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // empty if there is no such file
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstLine(file string) string {
	text, _ := os.ReadFile(file)
	first, _, _ := strings.Cut(string(text), "\n")
	return first
}
