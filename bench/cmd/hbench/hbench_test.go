package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-go/hawser/bench/internal/result"
)

// programs is the folder of hbench and of the servers that it measures here.
var programs string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if programs, err = os.MkdirTemp("", "hbench"); err != nil {
			complain(err)
			return 1
		}
		defer func() { _ = os.RemoveAll(programs) }()
		build := exec.Command("go", "build", "-o", programs, ".", "../srv-floor", "../srv-gws")
		if out, err := build.CombinedOutput(); err != nil {
			complain(errors.Join(err, errors.New(string(out))))
			return 1
		}
		return m.Run()
	}())
}

// outcome is how a call of hbench ended.
type outcome struct {
	code        int
	out, errors string
}

// hbench runs the program in folder.
func hbench(t *testing.T, folder string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "hbench"), args...)
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // it ends its servers
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), complaints.String()}
}

// has complains about what is not in a text.
func has(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
}

// put writes a file into folder and returns its name.
func put(t *testing.T, folder, name, text string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestARunIsShownRecordedAndPutIntoAPage(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "mine.txt", "gws library "+programs+"/srv-gws\nfloor floor "+programs+"/srv-floor\nabsent library "+programs+"/srv-absent\n")
	put(t, folder, "page.md", "by hand\n<!-- hbench writes from here on -->\nold\n<!-- hbench writes up to here -->\nby hand too\n")
	run := hbench(t, folder, "run", "-servers", "mine.txt", "-scenarios", "A-100-64,K*", "-reps", "1", "-rounds", "2",
		"-slice", "100ms", "-warm", "30ms", "-quiet", "0", "-only", "gws,flo*,absent", "-clients", put(t, folder, "none.txt", "nobody library nobody\n"),
		"-doc", "page.md")
	if run.code != 0 {
		t.Fatalf("exit code %d: %s", run.code, run.errors)
	}
	has(t, run.out, "### A-100-64", "| gws ", "| floor ", "msg/s", "1.00x")
	has(t, run.errors, "skipped", "candidate=absent", "scenario=K-", "wrote page.md")
	if strings.Contains(run.out, "absent") {
		t.Errorf("a program that is not there was measured:\n%s", run.out)
	}
	text, err := os.ReadFile(filepath.Join(folder, "page.md"))
	if err != nil {
		t.Fatal(err)
	}
	has(t, string(text), "by hand\n", "by hand too\n", "A-100-64", "images/page-a.svg")
	if strings.Contains(string(text), "old") {
		t.Error("what was in the page before is still there")
	}
	if _, err := os.Stat(filepath.Join(folder, "images/page-a.svg")); err != nil {
		t.Error(err)
	}

	records, err := filepath.Glob(filepath.Join(folder, "results/*.jsonl"))
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	again := hbench(t, folder, "report", records[0])
	if again.code != 0 || again.out != run.out {
		t.Errorf("exit code %d, and the tables of the record are\n%s\nthose of the run were\n%s", again.code, again.out, run.out)
	}
	if judged := hbench(t, folder, "check", "-scenarios", "A-100-64", "-recorded", records[0]); judged.code != exitFailed {
		t.Errorf("without a figure of ours the exit code is %d", judged.code)
	} else {
		has(t, judged.errors, "not measured")
	}
}

// recording is one of Hawser and another library, as much CPU for each message as said.
func recording(t *testing.T, folder string, cpu float64) string {
	t.Helper()
	var b bytes.Buffer
	none := 0.0
	for _, c := range []struct {
		name string
		kind result.Kind
		cpu  float64
	}{{"hawser", result.Ours, cpu}, {"hawser-async", result.Ours, cpu}, {"gws", result.Library, 20}} {
		r := result.Result{Scenario: "A-100-64", Candidate: c.name, Kind: c.kind, Allocs: &none}
		for round := range 8 {
			r.Slices = append(r.Slices, result.Slice{Round: round, Rate: 1e6 / c.cpu, P50: 10 * c.cpu, P99: 20 * c.cpu, CPU: c.cpu})
		}
		if err := result.Write(&b, []result.Result{r}); err != nil {
			t.Fatal(err)
		}
	}
	return put(t, folder, "recorded.jsonl", b.String())
}

func TestCheckTellsByItsExitCodeWhetherThePromisesAreKept(t *testing.T) {
	for _, c := range []struct {
		cpu  float64
		code int
		want string
	}{{10, 0, "met"}, {40, exitMissed, "MISSED"}} {
		folder := t.TempDir()
		judged := hbench(t, folder, "check", "-scenarios", "A-100-64", "-recorded", recording(t, folder, c.cpu))
		if judged.code != c.code {
			t.Errorf("CPU %v: exit code %d, want %d: %s", c.cpu, judged.code, c.code, judged.errors)
		}
		has(t, judged.out, c.want, "CPU per message, of the best library's")
	}
}

func TestWhatCannotBeDoneIsSaidBeforeItTakesTime(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "servers.txt", "gws library "+programs+"/srv-gws\n")
	put(t, folder, "clients.txt", "cli-gws library bin/cli-gws\n")
	put(t, folder, "unbuilt.txt", "gws library bin/srv-gws\n")
	put(t, folder, "bare.md", "a page\n")
	put(t, folder, "broken.jsonl", "{\n")
	for _, c := range []struct {
		args string
		want string
	}{
		{"", "no command"},
		{"ruin", `no command "ruin"`},
		{"run -scenarios A-1-65", "A-1-65"},
		{"run -servers nowhere.txt", "nowhere.txt"},
		{"run -servers unbuilt.txt", "are the programs built?"},
		{"run -only nobody", "no candidate is left"},
		{"run -only [", "syntax error in pattern"},
		{"run -doc bare.md", "<!-- hbench writes from here on -->"},
		{"run -images there", "-doc FILE"},
		{"run -rounds many", "-rounds"},
		{"check -scenarios S", `no candidate of kind "ours"`},
		{"check -scenarios A-100-64 -recorded", "which files?"},
		{"report", "which files?"},
		{"report nowhere.jsonl", "nowhere.jsonl"},
		{"report broken.jsonl", "broken.jsonl"},
		{"shares", "-prof"},
		{"shares broken.jsonl", "broken.jsonl"},
	} {
		got := hbench(t, folder, strings.Fields(c.args)...)
		if got.code != exitFailed || !strings.Contains(got.errors, c.want) {
			t.Errorf("hbench %s: exit code %d, %q; want %d and %q", c.args, got.code, got.errors, exitFailed, c.want)
		}
	}
}

func TestHelpAndTheListOfScenarios(t *testing.T) {
	for _, args := range []string{"help", "-h", "run -h", "check -h", "report -h"} {
		if got := hbench(t, t.TempDir(), strings.Fields(args)...); got.code != 0 || got.out+got.errors == "" {
			t.Errorf("hbench %s: exit code %d: %s", args, got.code, got.errors)
		}
	}
	got := hbench(t, t.TempDir(), "list")
	if got.code != 0 {
		t.Errorf("exit code %d: %s", got.code, got.errors)
	}
	has(t, got.out, "* A-100-64 ", "K-1-k100", "W-10", "what `hbench run` measures when it is not told")
}
