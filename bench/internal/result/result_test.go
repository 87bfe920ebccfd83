package result

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestReadingIsTheInverseOfWriting(t *testing.T) {
	allocs := 0.0
	want := []Result{
		{Scenario: "A", Candidate: "x", Kind: Ours, Allocs: &allocs, Slices: []Slice{{Round: 1, Rate: 2, P50: 3, P99: 4, Max: 5, CPU: 6, Foreign: 7}}},
		{Scenario: "S", Candidate: "y", Kind: Floor, Rep: 1, Err: "e", Beside: []Slice{{Rate: 1}}},
		{Scenario: "C", Candidate: "z", Kind: Library, Idle: &Idle{Conns: 1, RSS: 2, RSSUsed: 3, RSSSwept: 4, Heap: 5, Stack: 6, Routines: 7}},
	}
	var b bytes.Buffer
	if err := Write(&b, want); err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(b.Bytes(), []byte("\n")); lines != len(want) {
		t.Errorf("%d results took %d lines", len(want), lines)
	}
	got, err := read(&b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read = %+v, %v", got, err)
	}
}

func TestJoinedFilesGoOnCountingRepetitions(t *testing.T) {
	folder := t.TempDir()
	var names []string
	for _, name := range []string{"one", "two"} {
		var b bytes.Buffer
		_ = Write(&b, []Result{{Scenario: "A", Rep: 0}, {Scenario: "A", Rep: 1}, {Scenario: name}})
		names = append(names, filepath.Join(folder, name))
		if err := os.WriteFile(names[len(names)-1], b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	results, err := ReadFiles(names...)
	if err != nil {
		t.Fatal(err)
	}
	reps := make([]int, 0, len(results))
	for _, r := range results {
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
