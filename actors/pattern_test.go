package actors

import "testing"

func TestPatternsStandForPaths(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		matches       bool
		values        map[string]string
	}{
		{"", "/anything", true, nil},
		{"/echo", "/echo", true, nil},
		{"/echo", "/echo/", false, nil},
		{"/echo", "/Echo", false, nil},
		{"/", "/", true, nil},
		{"/rooms/{name}", "/rooms/blue", true, map[string]string{"name": "blue", "other": ""}},
		{"/rooms/{name}", "/rooms/", false, nil},
		{"/rooms/{name}", "/rooms", false, nil},
		{"/rooms/{name}", "/rooms/blue/", false, nil},
		{"/rooms/{name}", "/rooms/blue/red", false, nil},
		{"/rooms/{name}", "/room/blue", false, nil},
		{"/rooms/{name}", "", false, nil},
		{"/rooms/{name}", "rooms/blue", false, nil},
		{"/{a}/x/{b}", "/1/x/2", true, map[string]string{"a": "1", "b": "2"}},
		{"/{a}/x/{b}", "/1/y/2", false, nil},
		{"/rooms/{name}/", "/rooms/blue/", true, map[string]string{"name": "blue"}},
		{"/rooms/{name}/", "/rooms/blue", false, nil},
		{"/files/{path...}", "/files/a/b", true, map[string]string{"path": "a/b"}},
		{"/files/{path...}", "/files/", true, map[string]string{"path": ""}},
		{"/files/{path...}", "/files", false, nil},
		{"/{all...}", "/", true, map[string]string{"all": ""}},
		{"/{all...}", "/x/y", true, map[string]string{"all": "x/y"}},
	} {
		p, problem := parsePattern(c.pattern)
		if problem != "" {
			t.Errorf("%s: %s", c.pattern, problem)
			continue
		}
		if got := p.matches(c.path); got != c.matches {
			t.Errorf("%q stands for %q: got %v, want %v", c.pattern, c.path, got, c.matches)
		}
		for name, want := range c.values {
			if got, _ := p.find(c.path, name); got != want {
				t.Errorf("%q of %q in %q: got %q, want %q", name, c.path, c.pattern, got, want)
			}
		}
	}
}

func TestPatternsThatCannotBeAreRefused(t *testing.T) {
	for _, bad := range []string{"echo", "/a{b}", "/{b}a", "/{", "/}", "/{}", "/{...}", "/{1}", "/{a b}", "/{a}/{a}", "/{a...}/b", "/{a}}"} {
		if _, problem := parsePattern(bad); problem == "" {
			t.Errorf("%q: accepted", bad)
		}
	}
}
