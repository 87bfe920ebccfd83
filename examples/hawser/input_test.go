package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLinesEndWithLFOrCRLFOrTheInput(t *testing.T) {
	long := strings.Repeat("x", 3*inputBuffer)
	for _, c := range []struct {
		input string
		want  []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a\n", []string{"a"}},
		{"a\r\nb", []string{"a", "b"}},
		{"\n\r\n", []string{"", ""}},
		{"a\rb\n", []string{"a\rb"}},
		{long + "\n" + long + "\r\n" + long, []string{long, long, long}},
		{long + "yyy\nz", []string{"TOO LONG", "z"}},
		{strings.Repeat("y", 10*inputBuffer), []string{"TOO LONG"}},
	} {
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(c.input), "by bytes": iotest.OneByteReader(strings.NewReader(c.input)),
			"with EOF": iotest.DataErrReader(strings.NewReader(c.input)),
		} {
			in := newLineReader(r, len(long))
			var got []string
			for {
				line, tooLong, err := in.next()
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Fatal(err)
					}
					break
				}
				if tooLong {
					line = []byte("TOO LONG")
				}
				got = append(got, string(line))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%.20q %s: %d lines %.100q", c.input, name, len(got), got)
			}
		}
	}
}

func TestAFailingInputKeepsItsError(t *testing.T) {
	broken := errors.New("broken")
	in := newLineReader(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), 10)
	for _, want := range []string{"a", "b"} {
		if line, _, err := in.next(); string(line) != want || err != nil {
			t.Errorf("%q %v", line, err)
		}
	}
	if _, _, err := in.next(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
