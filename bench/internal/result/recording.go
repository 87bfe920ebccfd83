package result

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Recording is what one or more runs have measured, and where.
type Recording struct {
	// Machines has each one once. It is empty if the files are older than this line.
	Machines []Machine
	Results  []Result
}

// line is a line of a file: a machine or a result.
type line struct {
	Machine *Machine `json:"machine,omitempty"`
	*Result
}

// WriteMachine appends a machine to w, as a line of JSON. The results of it follow.
func WriteMachine(w io.Writer, m Machine) error { return json.NewEncoder(w).Encode(line{Machine: &m}) }

// Write appends results to w as lines of JSON.
func Write(w io.Writer, results []Result) error {
	encoder := json.NewEncoder(w)
	for _, r := range results {
		if err := encoder.Encode(line{Result: &r}); err != nil {
			return err
		}
	}
	return nil
}

// ReadFiles reads what Write and WriteMachine have written. A repetition number that an
// earlier file has used for the same scenario goes on counting, so that runs can be joined.
func ReadFiles(names ...string) (Recording, error) {
	var all Recording
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return Recording{}, err
		}
		one, err := read(f)
		_ = f.Close()
		if err != nil {
			return Recording{}, fmt.Errorf("%s: %w", name, err)
		}
		for _, m := range one.Machines {
			if !slices.Contains(all.Machines, m) {
				all.Machines = append(all.Machines, m)
			}
		}
		all.Results = append(all.Results, renumber(all.Results, one.Results)...)
	}
	return all, nil
}

func read(r io.Reader) (Recording, error) {
	var all Recording
	decoder := json.NewDecoder(bufio.NewReader(r))
	for {
		var one line
		err := decoder.Decode(&one)
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return Recording{}, err
		case one.Machine != nil:
			all.Machines = append(all.Machines, *one.Machine)
		case one.Result != nil:
			all.Results = append(all.Results, *one.Result)
		}
	}
}

// renumber shifts the repetitions of more behind those of the same scenario in have.
func renumber(have, more []Result) []Result {
	next := map[string]int{}
	for _, r := range have {
		next[r.Scenario] = max(next[r.Scenario], r.Rep+1)
	}
	for i := range more {
		more[i].Rep += next[more[i].Scenario]
	}
	return more
}
