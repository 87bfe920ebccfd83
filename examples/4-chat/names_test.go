package main

import (
	"strings"
	"testing"
)

func TestNamesAreShownAsTheyCanBeSeen(t *testing.T) {
	for name, want := range map[string]string{
		"Ada":                           "Ada",
		"  Ada \t Lovelace ":            "Ada Lovelace",
		"Grüße 世界 🙂":                    "Grüße 世界 🙂",
		"<b>":                           "<b>",
		strings.Repeat("世", maxName):    strings.Repeat("世", maxName),
		strings.Repeat("世", maxName+1):  "",
		strings.Repeat(" ", 1000) + "A": "", // nobody tidies a flood
		"":                              "",
		" ":                             "",
		"a\x00b":                        "",
		"a\u200bb":                      "", // a space without a width
		"a\u202eb":                      "", // what follows runs backwards
	} {
		got, ok := tidy(name)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v, want %q", name, got, ok, want)
		}
	}
}

func TestNamesThatDifferInCaseAreOne(t *testing.T) {
	for _, same := range [][2]string{{"Ada", "aDA"}, {"Straße", "STRAßE"}, {"Σίσυφος", "ΣΊΣΥΦΟΣ"}} {
		if fold(same[0]) != fold(same[1]) {
			t.Errorf("%q and %q are two", same[0], same[1])
		}
	}
	if fold("Ada") == fold("Eda") {
		t.Error("Ada is Eda")
	}
}

func TestTextsKeepTheirLinesAndLoseControls(t *testing.T) {
	for text, want := range map[string]string{
		" a\n b ":                            "a\n b",
		"a\x1b[31m":                          "a[31m",
		"<script>":                           "<script>",
		"\x00":                               "",
		strings.Repeat("x", maxText*4) + "y": "",
	} {
		if got, ok := tidyText(text); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, ok, want)
		}
	}
}
