package report

import (
	"errors"
	"io"
)

// Verdicts prints them as a table and reports whether all targets are met.
func Verdicts(w io.Writer, verdicts []Verdict) (met bool, err error) {
	t, met := verdictTable(verdicts)
	return met, t.print(w, "Targets")
}

func verdictTable(verdicts []Verdict) (t *table, met bool) {
	t, met = newTable("scenario", "target", "limit", "measured", "noise", "against", "verdict"), true
	for _, v := range verdicts {
		met = met && v.Met()
		if v.Err != nil {
			problem := ""
			if !errors.Is(v.Err, errNotRun) { // of which there may be many
				problem = v.Name + ": " + v.Err.Error()
			}
			t.row(problem, v.Where, v.Name, v.Bound(), none, none, v.Against, v.Word())
			continue
		}
		t.row("", v.Where, v.Name, v.Bound(), v.write(v.Value), "±"+number(v.Noise), v.Against, v.Word())
	}
	return t, met
}

// count is how many verdicts satisfy ok.
func count(verdicts []Verdict, ok func(Verdict) bool) int {
	n := 0
	for _, v := range verdicts {
		if ok(v) {
			n++
		}
	}
	return n
}
