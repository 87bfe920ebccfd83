package archtest

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const parity = "docs/parity.md"

// row is a row of a table of a page. The table's own first line is no row.
type row struct {
	line  int // in the page
	head  []string
	cells []string
}

// rows are the rows of all tables of a page, with what is wrong with their form.
func (p page) rows() (all []row, faults []string) {
	var head []string
	for i, line := range strings.Split(p.text, "\n") {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			head = nil
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for j := range cells {
			cells[j] = strings.TrimSpace(cells[j])
		}
		switch {
		case head == nil:
			head = cells
		case strings.Trim(line, "|-: ") == "" && strings.Contains(line, "-"):
			// the line below the head
		case len(cells) != len(head):
			faults = append(faults, fmt.Sprintf("%s:%d has %d cells, the table %d", p.name, i+1, len(cells), len(head)))
		default:
			all = append(all, row{i + 1, head, cells})
		}
	}
	return all, faults
}

// void is a cell that says nothing.
var void = regexp.MustCompile(`(?i)^[\s.?–—-]*$|\b(?:todo|tbd|missing)\b`)

// proof is a test, or one of its subtests by the name that stands in the source.
var proof = regexp.MustCompile("`((?:Test|Fuzz|Example)[A-Z]\\w*)(?:/([^`]+))?`")

// unproven says what is wrong with a table of claims: its last column names the
// tests that would fail without what the row says. tests are those that there are,
// each with the strings of its file.
func unproven(p page, tests map[string][]string) (n int, faults []string) {
	all, faults := p.rows()
	for _, r := range all {
		at := fmt.Sprintf("%s:%d", p.name, r.line)
		for i, c := range r.cells {
			if void.MatchString(c) {
				faults = append(faults, fmt.Sprintf("%s: nothing stands under %q", at, r.head[i]))
			}
		}
		last := len(r.cells) - 1
		named := proof.FindAllStringSubmatch(r.cells[last], -1)
		if len(named) == 0 {
			faults = append(faults, fmt.Sprintf("%s: %q names no test", at, r.cells[0]))
		}
		for _, m := range named {
			words, there := tests[m[1]]
			switch {
			case !there:
				faults = append(faults, fmt.Sprintf("%s: %s is not there", at, m[1]))
			case m[2] != "" && !slices.Contains(words, m[2]):
				faults = append(faults, fmt.Sprintf("%s: %s has no subtest %q", at, m[1], m[2]))
			}
		}
	}
	return len(all), faults
}

// tested are all tests, each with the strings of the files that have one of its
// name.
func tested(t testing.TB) map[string][]string {
	all := map[string][]string{}
	for _, s := range sources(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
		var words []string
		ast.Inspect(s.file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok {
				if word, err := strconv.Unquote(l.Value); err == nil {
					words = append(words, word)
				}
			}
			return true
		})
		for name := range s.functions() {
			all[name] = append(all[name], words...)
		}
	}
	return all
}

// What the page says of the two parents, and of us, is proved.
func TestParityNamesATestForEachRow(t *testing.T) {
	p := page{parity, string(text(t, parity))}
	n, faults := unproven(p, tested(t))
	for _, f := range faults {
		t.Error(f)
	}
	if n < 150 {
		t.Errorf("only %d rows; the test looks for the wrong thing", n)
	}
}

// No defect of the first parent is left out: their numbers go from 1 to 29.
func TestParityLeavesNoDefectOut(t *testing.T) {
	all, _ := (page{parity, string(text(t, parity))}).rows()
	var numbers []string
	for _, r := range all {
		if r.head[0] == "no." {
			numbers = append(numbers, r.cells[0])
		}
	}
	for i := range 29 {
		if want := strconv.Itoa(i + 1); i >= len(numbers) || numbers[i] != want {
			t.Fatalf("%q; want 1 to 29 first", numbers)
		}
	}
}

func TestUnprovenRowsAreFound(t *testing.T) {
	tests := map[string][]string{"TestA": {"sub test"}, "TestB": nil}
	for cells, want := range map[string]int{
		"a thing | ours | `TestA`":          0,
		"a thing | ours | `TestA`, `TestB`": 0,
		"a thing | ours | `TestA/sub test`": 0,
		"a thing | ours | `TestA/other`":    1,
		"a thing | ours | `TestC`":          1,
		"a thing | ours | it is proved":     1,
		"a thing | `TestA` | said before":   1,
		"a thing | | `TestA`":               1,
		"a thing | – | `TestA`":             1,
		"a thing | ? | `TestA`":             1,
		"a thing | TODO | `TestA`":          1,
		"a thing | still missing | `TestA`": 1,
		"a thing | ours |":                  2,
		"a thing | ours":                    1,
	} {
		p := page{"x.md", "# x\n\n| f | ours | test |\n|---|:---:|---|\n| " + cells + " |\n"}
		if n, faults := unproven(p, tests); len(faults) != want || n > 1 {
			t.Errorf("%s: %d rows, %q; want %d faults", cells, n, faults, want)
		}
	}
}

// settings are the structs of which every field must have an effect.
var settings = regexp.MustCompile(`Options$|^(Backoff|Heartbeat|KeepAlive|OutboxLimits|Limits|Module|Middleware|Limit|Sample|JSON)$`)

// idle says which fields of settings are read by nobody: named in no expression but
// on the left of an assignment, or where defaults are filled in.
func idle(all []*source) (fields int, faults []string) {
	read, declared := map[string]bool{}, map[string]string{}
	for _, s := range all {
		for _, d := range s.file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil && fn.Name.Name != "withDefaults" {
				reads(fn.Body, read)
			}
		}
		for _, spec := range types(s) {
			st, ok := spec.Type.(*ast.StructType)
			if !ok || !settings.MatchString(spec.Name.Name) {
				continue
			}
			for _, f := range st.Fields.List {
				for _, name := range f.Names {
					if name.IsExported() {
						declared[s.pkg+"."+spec.Name.Name+"."+name.Name] = name.Name
					}
				}
			}
		}
	}
	for full, name := range declared {
		if !read[name] {
			faults = append(faults, full+" has no effect")
		}
	}
	return len(declared), faults
}

// reads notes the names of all fields that a body reads.
func reads(body ast.Node, read map[string]bool) {
	written := map[ast.Expr]bool{}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				written[e] = true
			}
		case *ast.SelectorExpr:
			if !written[n] {
				read[n.Sel.Name] = true
			}
		}
		return true
	})
}

// An option that nothing reads is a promise that nobody keeps.
func TestEveryOptionIsRead(t *testing.T) {
	n, faults := idle(sources(t, library))
	for _, f := range faults {
		t.Error(f)
	}
	if n < 100 {
		t.Errorf("only %d options found; the test looks for the wrong thing", n)
	}
}

func TestIdleOptionsAreFound(t *testing.T) {
	const src = `package x
type Options struct { Used, Written, Defaulted, never int; Idle bool }
type other struct { Nothing int }
func f(o Options) int { o.Written = o.Used; return 0 }
func (o Options) withDefaults() Options { if o.Defaulted == 0 { o.Defaulted = 1 }; return o }`
	n, faults := idle([]*source{parse(t, "x/x.go", []byte(src))})
	slices.Sort(faults)
	want := []string{"x.Options.Defaulted has no effect", "x.Options.Idle has no effect", "x.Options.Written has no effect"}
	if n != 4 || !slices.Equal(faults, want) {
		t.Errorf("%d fields, %q; want 4, %q", n, faults, want)
	}
}
