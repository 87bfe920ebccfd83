package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hawser-go/hawser/bench/internal/report"
	"github.com/hawser-go/hawser/bench/internal/result"
	"github.com/hawser-go/hawser/bench/internal/runner"
)

// run measures what the flags ask for.
func run(ctx context.Context, args []string) error {
	s := settings{scenarios: strings.Join(runner.Usual(), ","), reps: 2, runner: runner.Options{Rounds: 3}}
	flags := flag.NewFlagSet("hbench run", flag.ContinueOnError)
	s.register(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	results, err := s.measure(ctx)
	return errors.Join(report.Tables(os.Stdout, results), err) // what was measured is shown in any case
}

// check measures what the targets need, or takes recorded results, and judges.
func check(ctx context.Context, args []string) error {
	s := settings{scenarios: strings.Join(report.TargetScenarios(), ","), reps: 3, runner: runner.Options{Rounds: 8}}
	flags := flag.NewFlagSet("hbench check", flag.ContinueOnError)
	s.register(flags)
	recorded := flags.Bool("recorded", false, "measure nothing: judge the files of results given as arguments")
	if err := flags.Parse(args); err != nil {
		return err
	}
	results, err := s.measureOrRead(ctx, *recorded, flags.Args())
	if err := errors.Join(report.Tables(os.Stdout, results), err); err != nil {
		return err
	}
	verdicts := report.Judge(results)
	met, err := report.Verdicts(os.Stdout, verdicts)
	if err != nil || met {
		return err
	}
	for _, v := range verdicts {
		if v.Err != nil {
			return fmt.Errorf("%s (%s): not measured: %w", v.Name, v.Scenario, v.Err)
		}
	}
	return errMissed
}

func (s *settings) measureOrRead(ctx context.Context, recorded bool, files []string) ([]result.Result, error) {
	if recorded {
		return readFiles(files)
	}
	return s.measure(ctx)
}

func readFiles(files []string) ([]result.Result, error) {
	if len(files) == 0 {
		return nil, errors.New("which files? (results/*.jsonl)")
	}
	return result.ReadFiles(files...)
}

// tables prints recorded results.
func tables(args []string) error {
	results, err := readFiles(args)
	if err != nil {
		return err
	}
	return report.Tables(os.Stdout, results)
}

func list() error {
	usual := runner.Usual()
	for _, s := range runner.Scenarios() {
		mark := " "
		if slices.Contains(usual, s.Name) {
			mark = "*"
		}
		if _, err := fmt.Fprintf(os.Stdout, "%s %-11s %s\n", mark, s.Name, s.What); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(os.Stdout, "\n* what `hbench run` measures when it is not told")
	return err
}
