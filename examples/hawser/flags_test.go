package main

import (
	"slices"
	"testing"
	"time"
)

func TestFlagsMayStandBeforeAndBehindArguments(t *testing.T) {
	for _, args := range [][]string{
		{"--json", "--header", "A: 1", "--backoff-min=2s", "url"},
		{"url", "--json", "--header=A: 1", "--backoff-min", "2s"},
		{"--backoff-min", "2s", "url", "-json", "-header", "A: 1"},
		{"--json=true", "--backoff-min", "2s", "--header", "A: 1", "--", "url"},
	} {
		var (
			yes    bool
			list   []string
			length time.Duration
			f      = newFlagSet()
		)
		f.yes(&yes, "json")
		f.list(&list, "header")
		f.duration(&length, "backoff-min")
		rest, err := f.parse(args)
		if err != nil || !yes || !slices.Equal(list, []string{"A: 1"}) || length != 2*time.Second || !slices.Equal(rest, []string{"url"}) {
			t.Errorf("%q: %v, %v, %q, %v, rest %q", args, err, yes, list, length, rest)
		}
	}
}

func TestBehindTwoDashesNothingIsAFlag(t *testing.T) {
	f := newFlagSet()
	var yes bool
	f.yes(&yes, "json")
	rest, err := f.parse([]string{"a", "--", "--json", "--"})
	if err != nil || yes || !slices.Equal(rest, []string{"a", "--json", "--"}) {
		t.Errorf("%v, %v, %q", err, yes, rest)
	}
}
