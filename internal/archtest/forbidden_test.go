package archtest

import (
	"go/ast"
	"strings"
	"testing"
)

const (
	protoactor = "github.com/asynkron/protoactor-go/"
	everywhere = "" // not even in programs; tests may do what they like
	libraries  = "libraries"
)

// ban is something that is not used, and why.
type ban struct {
	where string
	why   string
}

// banned are functions, by package and name, and methods, by name alone.
var banned = map[string]ban{
	protoactor + "actor.Bounded":                       {everywhere, "its mailbox spins the CPU when it is full: actors has its own"},
	protoactor + "actor.BoundedDropping":               {everywhere, "its mailbox drops without telling: actors has its own"},
	protoactor + "actor.NewExponentialBackoffStrategy": {everywhere, "it is linear and has no jitter: use supervisor.Backoff"},
	protoactor + "actor.WithGuardian":                  {everywhere, "a guardian's failure can end the process"},
	".Stash":                                           {everywhere, "it gives back last in, first out"},
	"time.Sleep":                                       {everywhere, "an actor never sleeps: time.AfterFunc and a message; elsewhere a timer and a context"},
	"fmt.Print":                                        {libraries, "stdout belongs to the program: use the logger"},
	"fmt.Printf":                                       {libraries, "stdout belongs to the program: use the logger"},
	"fmt.Println":                                      {libraries, "stdout belongs to the program: use the logger"},
}

// bannedImports are packages, with all below them.
var bannedImports = map[string]string{
	protoactor + "router":      "it has no bounds and no outcomes: actors has its own route table",
	protoactor + "persistence": "a session's state is in the outbox and in its owner",
	"math/rand":                "use math/rand/v2",
}

func TestWhatIsForbiddenIsNotUsed(t *testing.T) {
	for _, s := range sources(t, func(name string) bool { return !strings.HasSuffix(name, "_test.go") }) {
		for _, fault := range violations(s) {
			t.Error(fault)
		}
	}
}

func violations(s *source) (faults []string) {
	for _, imp := range s.imports() {
		for dep, why := range bannedImports {
			if below(imp)(dep) && imp != "math/rand/v2" {
				faults = append(faults, s.name+": "+imp+": "+why)
			}
		}
	}
	known := s.known()
	if known["."] != "" {
		faults = append(faults, s.name+": a dot import hides what is used")
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		what := "." + sel.Sel.Name
		if x, ok := sel.X.(*ast.Ident); ok && known[x.Name] != "" {
			what = known[x.Name] + what
		}
		if b, ok := banned[what]; ok && (b.where == everywhere || library(s.name)) {
			faults = append(faults, s.at(sel)+": "+what+": "+b.why)
		}
		return true
	})
	return faults
}

func TestForbiddenThingsAreFound(t *testing.T) {
	const actor = `import "github.com/asynkron/protoactor-go/actor"`
	for _, c := range []struct {
		name, src string
		faults    int
	}{
		{"actors/x.go", actor + "\nvar p = actor.WithMailbox(actor.Bounded(10))", 1},
		{"actors/x.go", "import pa \"github.com/asynkron/protoactor-go/actor\"\nvar p = pa.BoundedDropping(10)", 1},
		{"actors/x.go", actor + "\nvar s = actor.NewExponentialBackoffStrategy(0, 0)", 1},
		{"actors/x.go", actor + "\nvar s = actor.WithGuardian(nil)", 1},
		{"actors/x.go", actor + "\nfunc f(ctx actor.Context) { ctx.Stash() }", 1},
		{"actors/x.go", `import _ "github.com/asynkron/protoactor-go/router"`, 1},
		{"modules/x/x.go", `import _ "github.com/asynkron/protoactor-go/persistence"`, 1},
		{"actors/x.go", `import . "time"`, 1},
		{"actors/x.go", "import \"time\"\nfunc f() { time.Sleep(1) }", 1},
		{"examples/x/main.go", "import \"time\"\nvar nap = time.Sleep", 1},
		{"actors/x.go", "import \"fmt\"\nfunc f() { fmt.Println() }", 1},
		{"examples/x/main.go", "import \"fmt\"\nfunc f() { fmt.Println() }", 0},
		{"actors/x.go", "import \"fmt\"\nfunc f() string { return fmt.Sprint() }", 0},
		{"actors/x.go", `import _ "math/rand"`, 1},
		{"actors/x.go", `import _ "math/rand/v2"`, 0},
	} {
		if faults := violations(parse(t, c.name, []byte("package x\n"+c.src))); len(faults) != c.faults {
			t.Errorf("%s, %q: %q, want %d faults", c.name, c.src, faults, c.faults)
		}
	}
}
