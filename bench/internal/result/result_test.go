package result

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestReadingIsTheInverseOfWriting(t *testing.T) {
	allocs := 0.0
	want := Recording{
		Machines: []Machine{{Cores: 2, Processor: "x", System: "linux/amd64", Kernel: "6", Go: "go1.26", Date: "2026-01-02"}},
		Results: []Result{
			{Scenario: "A", Candidate: "x", Kind: Ours, Allocs: &allocs, Slices: []Slice{{Round: 1, Rate: 2, P50: 3, P99: 4, Max: 5, CPU: 6, Foreign: 7}}},
			{Scenario: "S", Candidate: "y", Kind: Floor, Rep: 1, Err: "e", Beside: []Slice{{Rate: 1}}},
			{Scenario: "C", Candidate: "z", Kind: Library, Idle: &Idle{Conns: 1, RSS: 2, RSSUsed: 3, RSSSwept: 4, Heap: 5, Stack: 6, Routines: 7}},
		},
	}
	var b bytes.Buffer
	if err := WriteMachine(&b, want.Machines[0]); err != nil {
		t.Fatal(err)
	}
	if err := Write(&b, want.Results); err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(b.Bytes(), []byte("\n")); lines != 4 {
		t.Errorf("a machine and three results took %d lines", lines)
	}
	got, err := read(&b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read = %+v, %v", got, err)
	}
}

func TestAFileWithoutAMachineIsRead(t *testing.T) {
	got, err := read(strings.NewReader(`{"scenario":"A","candidate":"x","kind":"ours","rep":2}`))
	want := Recording{Results: []Result{{Scenario: "A", Candidate: "x", Kind: Ours, Rep: 2}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read = %+v, %v", got, err)
	}
}

func TestJoinedFilesGoOnCountingRepetitions(t *testing.T) {
	folder := t.TempDir()
	var names []string
	for _, name := range []string{"one", "two"} {
		var b bytes.Buffer
		_ = WriteMachine(&b, Machine{Cores: 2})
		_ = Write(&b, []Result{{Scenario: "A", Rep: 0}, {Scenario: "A", Rep: 1}, {Scenario: name}})
		names = append(names, filepath.Join(folder, name))
		if err := os.WriteFile(names[len(names)-1], b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadFiles(names...)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Machines) != 1 {
		t.Errorf("the one machine of both is there as %+v", got.Machines)
	}
	reps := make([]int, 0, len(got.Results))
	for _, r := range got.Results {
		reps = append(reps, r.Rep)
	}
	if want := []int{0, 1, 0, 2, 3, 0}; !reflect.DeepEqual(reps, want) {
		t.Errorf("repetitions %v, want %v", reps, want)
	}
	if err := os.WriteFile(names[0], []byte("{\"scenario\":"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFiles(names...); err == nil {
		t.Error("a torn file was read without an error")
	}
}

func TestAMachineIsOneLine(t *testing.T) {
	for want, m := range map[string]Machine{
		"2 cores (Fast), linux/amd64 6.18, go1.26, 2026-01-02": {2, "Fast", "linux/amd64", "6.18", "go1.26", "2026-01-02"},
		"1 core, darwin/arm64, go1.26, 2026-01-02":             {1, "", "darwin/arm64", "", "go1.26", "2026-01-02"},
	} {
		if got := m.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if m := ThisMachine(); m.Cores < 1 || m.Go == "" || m.Date == "" || strings.Contains(m.String(), "\n") {
		t.Errorf("this machine is %q", m)
	}
}
