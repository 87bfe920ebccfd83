package actors

import "testing"

func TestPace(t *testing.T) {
	const quick, long, hung = turnBudget, turnBudget + 1, hanging + 1
	many := func(n int, ns int64) (all []int64) {
		for range n {
			all = append(all, ns)
		}
		return all
	}
	after := func(parts ...[]int64) (all []int64) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, c := range []struct {
		name  string
		batch []int64
		quick bool
	}{
		{"new", nil, true},
		{"quick ones", many(1000, quick), true},
		{"one long one is a warning", many(1, long), true},
		{"two are not", many(2, long), false},
		{"as long as a warning may be", many(1, hanging), true},
		{"longer", many(1, hung), false},
		{"the warning is remembered", after(many(1, long), many(probation-1, quick), many(1, long)), false},
		{"and forgotten", after(many(1, long), many(probation, quick), many(1, long)), true},
		{"probation", after(many(1, hung), many(probation-1, quick)), false},
		{"served", after(many(1, hung), many(probation, quick)), true},
		{"no warning on probation", after(many(1, hung), many(probation-1, quick), many(1, long), many(probation-1, quick)), false},
		{"one behind it", after(many(1, hung), many(probation, quick), many(1, long)), true},
		{"always a little too long", many(100, long), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p pace
			for i, ns := range c.batch {
				if long := p.took(ns); long != (ns > turnBudget) {
					t.Errorf("batch %d of %d ns: long is %v", i, ns, long)
				}
			}
			if p.quick() != c.quick {
				t.Errorf("quick is %v", p.quick())
			}
		})
	}
}
