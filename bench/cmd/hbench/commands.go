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
	var p page
	p.register(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := p.open(); err != nil { // before the measuring, which takes long
		return err
	}
	all, err := s.measure(ctx)
	if err := errors.Join(report.Tables(os.Stdout, all.Results), err); err != nil { // what was measured is shown in any case
		return err
	}
	return p.write(all)
}

// recorded prints the tables of recorded results, or puts them into a page.
func recorded(args []string) error {
	flags := flag.NewFlagSet("hbench report", flag.ContinueOnError)
	var p page
	p.register(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := p.open(); err != nil {
		return err
	}
	all, err := readFiles(flags.Args())
	if err != nil {
		return err
	}
	if p.file == "" {
		return report.Tables(os.Stdout, all.Results)
	}
	return p.write(all)
}

// check measures what the targets need, or takes recorded results, and judges.
func check(ctx context.Context, args []string) error {
	s := settings{scenarios: strings.Join(report.TargetScenarios(), ","), reps: 3, runner: runner.Options{Rounds: 8}, judges: true}
	flags := flag.NewFlagSet("hbench check", flag.ContinueOnError)
	s.register(flags)
	recorded := flags.Bool("recorded", false, "measure nothing: judge the files of results given as arguments")
	if err := flags.Parse(args); err != nil {
		return err
	}
	targets, err := s.targets()
	if err != nil {
		return err
	}
	all, err := s.measureOrRead(ctx, *recorded, flags.Args())
	if err := errors.Join(report.Tables(os.Stdout, all.Results), err); err != nil {
		return err
	}
	return judge(all.Results, targets)
}

// targets is those that the chosen scenarios are enough for.
func (s *settings) targets() ([]report.Target, error) {
	chosen, err := runner.Select(s.scenarios)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(chosen))
	for _, one := range chosen {
		names = append(names, one.Name)
	}
	targets := report.TargetsWithin(names)
	if len(targets) == 0 {
		return nil, fmt.Errorf("no promise can be judged by %s alone; see the README of this module", strings.Join(names, ", "))
	}
	return targets, nil
}

func judge(results []result.Result, targets []report.Target) error {
	verdicts := report.Judge(results, targets)
	met, err := report.Verdicts(os.Stdout, verdicts)
	if err != nil || met {
		return err
	}
	for _, v := range verdicts {
		if v.Err != nil {
			return fmt.Errorf("%s (%s): not measured: %w", v.Name, v.Where, v.Err)
		}
	}
	return errMissed
}

func (s *settings) measureOrRead(ctx context.Context, recorded bool, files []string) (result.Recording, error) {
	if recorded {
		return readFiles(files)
	}
	return s.measure(ctx)
}

func readFiles(files []string) (result.Recording, error) {
	if len(files) == 0 {
		return result.Recording{}, errors.New("which files? (results/*.jsonl)")
	}
	return result.ReadFiles(files...)
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
