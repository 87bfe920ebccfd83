package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hawser-go/hawser/bench/internal/shares"
)

// sharesOf prints a Markdown table of what the processor time of profiles went into, a
// column for each.
func sharesOf(files []string) error {
	if len(files) == 0 {
		return errors.New("shares wants the files of profiles, as run -prof leaves them")
	}
	columns := make([]map[shares.Part]float64, len(files))
	head, rule := "| |", "|---|"
	for i, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		columns[i], err = shares.Read(f)
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		scenario, _, _ := strings.Cut(filepath.Base(name), ".")
		head += " " + scenario + " |"
		rule += "---:|"
	}
	fmt.Println(head)
	fmt.Println(rule)
	for _, part := range shares.Parts {
		row, most := "| "+string(part)+" |", 0.0
		for _, c := range columns {
			row += fmt.Sprintf(" %.1f %% |", 100*c[part])
			most = max(most, c[part])
		}
		if most >= 0.001 {
			fmt.Println(row)
		}
	}
	return nil
}
