package archtest

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page is one Markdown file.
type page struct {
	name string
	text string
}

func pages(t testing.TB) (all []page) {
	t.Helper()
	for _, name := range files(t, ".md") {
		all = append(all, page{name, string(text(t, name))})
	}
	if len(all) < 5 {
		t.Fatalf("only %d pages found", len(all))
	}
	return all
}

// block is a fenced block of a page. from is the comment in the line above it,
// which names where it comes from.
type block struct {
	language, from, text string
}

var fenced = regexp.MustCompile("(?m)(?:^<!-- (.*) -->\n)?^```(\\w*)\n((?s:.*?))^```$")

func (p page) blocks() (all []block) {
	for _, m := range fenced.FindAllStringSubmatch(p.text, -1) {
		all = append(all, block{from: m[1], language: m[2], text: m[3]})
	}
	return all
}

// prose is the page without its blocks.
func (p page) prose() string { return fenced.ReplaceAllString(p.text, "") }

// Go code in the documentation is code that compiles and runs: it names its file,
// and stands there, as the whole file or as a run of its lines.
func TestDocsShowCodeThatIsThere(t *testing.T) {
	shown := map[string]int{}
	for _, p := range pages(t) {
		for _, b := range p.blocks() {
			switch {
			case b.language != "go" && !strings.HasSuffix(b.from, ".go"):
				continue
			case b.from == "":
				t.Errorf("%s: a block of Go needs a line above it like <!-- %s -->", p.name, "actors/example_test.go")
				continue
			}
			shown[p.name+" shows "+b.from]++
			src := string(text(t, b.from))
			if path.Base(b.from) == "main.go" && b.text != src {
				t.Errorf("%s does not show %s as it is", p.name, b.from)
			}
			if !holds(src, b.text) {
				t.Errorf("%s: this does not stand in %s:\n%s", p.name, b.from, b.text)
			}
		}
	}
	for what, n := range map[string]int{
		"README.md shows examples/1-echo/main.go":               1,
		"README.md shows actors/example_test.go":                2,
		"docs/reconnect.md shows actors/state_test.go":          1,
		"docs/reconnect.md shows " + archtest("reconnect_test"): 1,
	} {
		if shown[what] != n {
			t.Errorf("%s %d times, want %d", what, shown[what], n)
		}
	}
}

func archtest(name string) string { return "internal/archtest/" + name + ".go" }

// holds reports whether the lines of part follow each other in src, whatever the
// indentation of the whole is.
func holds(src, part string) bool {
	want := strings.Split(strings.TrimRight(part, "\n"), "\n")
	have := strings.Split(src, "\n")
	for i := range len(have) - len(want) + 1 {
		indent, ok := strings.CutSuffix(have[i], want[0])
		if !ok || strings.Trim(indent, "\t") != "" {
			continue
		}
		same := func(h, w string) bool { return h == indent+w || h == "" && w == "" }
		if slices.EqualFunc(have[i:i+len(want)], want, same) {
			return true
		}
	}
	return false
}

func TestHoldsFindsRunsOfLines(t *testing.T) {
	const src = "func f() {\n\tif x {\n\t\ty()\n\n\t\tz()\n\t}\n}\n"
	for part, want := range map[string]bool{
		"y()\n\nz()\n":              true,
		"if x {\n\ty()\n\n\tz()\n}": true,
		src:                         true,
		"y()\nz()":                  false,
		"if x {\ny()":               false,
		"x {":                       false,
		"w()":                       false,
	} {
		if holds(src, part) != want {
			t.Errorf("%q: want %v", part, want)
		}
	}
}

var (
	linked = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	anchor = regexp.MustCompile(`<a id="([^"]+)">`)
	title  = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

func TestDocsLinkToFilesThatAreThere(t *testing.T) {
	links := 0
	for _, p := range pages(t) {
		for _, m := range linked.FindAllStringSubmatch(p.prose(), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			if fault := badLink(p, m[1]); fault != "" {
				t.Errorf("%s: (%s) %s", p.name, m[1], fault)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links found; the test looks for the wrong thing", links)
	}
}

// badLink says what is wrong with a link of a page to a file, a folder or a
// heading.
func badLink(p page, link string) string {
	file, heading, _ := strings.Cut(link, "#")
	target := p.name
	if file != "" {
		target = path.Join(path.Dir(p.name), file)
	}
	if !fs.ValidPath(target) {
		return "leads out of the repository"
	}
	if _, err := fs.Stat(repository, target); err != nil {
		return "leads to nothing"
	}
	if heading == "" {
		return ""
	}
	content := p.text
	if target != p.name {
		b, err := fs.ReadFile(repository, target)
		if err != nil {
			return "has no headings"
		}
		content = string(b)
	}
	if !slices.Contains(headings(content), heading) {
		return "leads to no heading"
	}
	return ""
}

// headings are the names by which GitHub knows the places of a page.
func headings(content string) (names []string) {
	for _, m := range title.FindAllStringSubmatch(fenced.ReplaceAllString(content, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_', r > 0x7f:
				return r
			}
			return -1
		}, strings.ToLower(m[1]))
		names = append(names, name)
	}
	for _, m := range anchor.FindAllStringSubmatch(content, -1) {
		names = append(names, m[1])
	}
	return names
}

func TestBadLinksAreFound(t *testing.T) {
	p := page{name: "docs/reconnect.md", text: "# Commands and states\n<a id=\"here\"></a>\n"}
	for link, good := range map[string]bool{
		"messages.md":                 true,
		"../actors":                   true,
		"../README.md#what-it-is-for": true,
		"#commands-and-states":        true,
		"#here":                       true,
		"#nowhere":                    false,
		"nothing.md":                  false,
		"../README.md#nowhere":        false,
		"../../README.md":             false,
	} {
		if fault := badLink(p, link); (fault == "") != good {
			t.Errorf("%s: %q, want good %v", link, fault, good)
		}
	}
}

var quoted = regexp.MustCompile("`((?:Test|Fuzz|Benchmark|Example)[A-Z]\\w*)`")

// A page that says what a test proves must name one that is there.
func TestDocsNameTestsThatExist(t *testing.T) {
	there := map[string]bool{}
	for _, s := range sources(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
		for name := range s.functions() {
			there[name] = true
		}
	}
	named := 0
	for _, p := range pages(t) {
		for _, m := range quoted.FindAllStringSubmatch(p.text, -1) {
			if named++; !there[m[1]] {
				t.Errorf("%s names %s, which is not there", p.name, m[1])
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d tests are named; the test looks for the wrong thing", named)
	}
}

// Flags that the README shows are those that the commands know.
func TestReadmeShowsTheFlags(t *testing.T) {
	shown := 0
	for _, b := range (page{"README.md", string(text(t, "README.md"))}).blocks() {
		command, ok := strings.CutPrefix(b.from, "hawser help ")
		if !ok {
			continue
		}
		shown++
		if src := string(text(t, "examples/hawser/"+command+".go")); !strings.Contains(src, b.text+"`\n") {
			t.Errorf("README.md does not show all flags of %s as they are", command)
		}
	}
	if shown != 2 {
		t.Errorf("README.md shows the flags of %d commands, want 2", shown)
	}
}
