package runner

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-go/hawser/bench/internal/result"
)

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "servers.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCandidatesAreReadFromTheList(t *testing.T) {
	file := write(t, "# comment\n\nmine ours tags=AC GOGC=50 X=1 bin/mine -v a=b # more\nother library other\n")
	got, err := ReadServers(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []Candidate{
		{Name: "mine", Kind: result.Ours, Tags: "AC", Env: []string{"GOGC=50", "X=1"}, Argv: []string{filepath.Dir(file) + "/bin/mine", "-v", "a=b"}},
		{Name: "other", Kind: result.Library, Tags: "ABCDES", Argv: []string{"other"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if missing := got[0].Missing(); !strings.Contains(missing, "bin/mine is missing") || !strings.Contains(missing, "go build") {
		t.Errorf("Missing = %q", missing)
	}
}

func TestBadListsAreRefusedWithTheirLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "no candidates",
		"x ours":                     ":1: x: want NAME",
		"\nx best cmd":               ":2: x: the kind",
		"x ours tags=AZ cmd":         "tags",
		"x ours tags= cmd":           "tags",
		"x ours A=B C=D":             "no command",
		"x ours cmd\nx library cmd2": ":2: x: this name",
	} {
		if _, err := ReadServers(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

func TestTheListsOfThisModuleAreGood(t *testing.T) {
	list, err := ReadServers("../../servers.txt")
	if err != nil {
		t.Fatal(err)
	}
	clients, err := ReadClients("../../clients.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Scenarios() {
		if len(Fit(s, slices.Concat(list, clients))) == 0 {
			t.Errorf("nobody takes part in %s", s.Name)
		}
	}
	for _, kind := range kinds {
		if !slices.ContainsFunc(list, func(c Candidate) bool { return c.Kind == kind }) {
			t.Errorf("nobody is of kind %q", kind)
		}
	}
}

func TestSelectFindsScenariosByPattern(t *testing.T) {
	got, err := Select("S,B-10-*,A-1-64")
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(got))
	for _, s := range got {
		names = append(names, s.Name)
	}
	if want := []string{"A-1-64", "B-10-64", "B-10-1k", "S"}; !slices.Equal(names, want) {
		t.Errorf("Select = %v, want %v", names, want)
	}
	if usual, err := Select(strings.Join(Usual(), ",")); err != nil || len(usual) != len(Usual()) {
		t.Errorf("the usual scenarios: %d of %d, %v", len(usual), len(Usual()), err)
	}
	for _, bad := range []string{"X", "A-1-64,Z*", "[", ""} {
		if _, err := Select(bad); err == nil {
			t.Errorf("Select(%q) found something", bad)
		}
	}
}

func TestRotateGivesEveryPlace(t *testing.T) {
	list := []string{"a", "b", "c"}
	for by, want := range []string{"abc", "bca", "cab", "abc"} {
		if got := strings.Join(rotate(list, by), ""); got != want {
			t.Errorf("rotate by %d = %s, want %s", by, got, want)
		}
	}
}
