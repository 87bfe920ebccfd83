package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/hawser-go/hawser/"

// repository is the root of the repository.
var repository = os.DirFS("../..")

// others are folders with a go.mod of their own, and those that are not ours.
var others = []string{"bench", "tools", ".git"}

// source is one Go file.
type source struct {
	name string // from the root of the repository
	pkg  string // its folder
	fset *token.FileSet
	file *ast.File
}

// at says where something stands.
func (s *source) at(n ast.Node) string {
	return s.name + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// parse reads one file. src is nil or its text.
func parse(t testing.TB, name string, src []byte) *source {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return &source{name: name, pkg: path.Dir(name), fset: fset, file: f}
}

// sources are all Go files of the module that ok wants.
func sources(t testing.TB, ok func(name string) bool) (all []*source) {
	t.Helper()
	for _, name := range files(t, ".go") {
		if ok(name) {
			all = append(all, parse(t, name, text(t, name)))
		}
	}
	if len(all) == 0 {
		t.Fatal("there is nothing to look at")
	}
	return all
}

// library reports whether a file is part of what users import: no test, no
// program.
func library(name string) bool {
	return !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "examples/") && !strings.HasPrefix(name, "internal/")
}

// in returns a filter for the files of the given folders that are no tests.
func in(folders ...string) func(name string) bool {
	return func(name string) bool {
		return !strings.HasSuffix(name, "_test.go") && slices.Contains(folders, path.Dir(name))
	}
}

// files are all files with a suffix, without those of other modules.
func files(t testing.TB, suffix string) (names []string) {
	t.Helper()
	err := fs.WalkDir(repository, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(others, name):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, suffix):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func text(t testing.TB, name string) []byte {
	t.Helper()
	p, err := fs.ReadFile(repository, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// imports are the packages that a file imports.
func (s *source) imports() (paths []string) {
	for _, spec := range s.file.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// known are the packages that a file imports, by the name under which it knows
// them.
func (s *source) known() map[string]string {
	names := map[string]string{}
	for i, p := range s.imports() {
		spec := s.file.Imports[i]
		name := path.Base(p)
		if strings.HasPrefix(name, "v") && strings.Trim(name[1:], "0123456789") == "" {
			name = path.Base(path.Dir(p)) // as in math/rand/v2
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}

// functions are the names of a file's functions without a receiver.
func (s *source) functions() map[string]bool {
	names := map[string]bool{}
	for _, d := range s.file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
			names[fn.Name.Name] = true
		}
	}
	return names
}
