package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPageKeepsWhatIsWrittenByHand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	const head, tail = "# Title\n\nby hand\n\n" + pageBegin + "\n", pageEnd + "\n\n## Tail\n"
	if err := os.WriteFile(file, []byte(head+"old\n"+tail), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\nnew\n\nlines\n\n", "newer"} { // the second time it finds what it has written
		page, err := OpenPage(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := page.Write(part); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if want := head + "\n" + strings.TrimSpace(part) + "\n\n" + tail; err != nil || string(got) != want {
			t.Errorf("%v\n%s\nwant\n%s", err, got, want)
		}
	}
}

func TestAPageWithoutItsLinesIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"none": "# Title\n", "no end": pageBegin + "\nx\n", "no begin": "x\n" + pageEnd + "\n", "the wrong way round": pageEnd + "\n" + pageBegin + "\n",
	} {
		file := filepath.Join(t.TempDir(), "page.md")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPage(file); err == nil || !strings.Contains(err.Error(), pageBegin+"\n"+pageEnd) {
			t.Errorf("%s: err = %v, want one that shows the lines", name, err)
		}
	}
	if _, err := OpenPage(filepath.Join(t.TempDir(), "missing.md")); err == nil {
		t.Error("a page that is not there was opened")
	}
}
