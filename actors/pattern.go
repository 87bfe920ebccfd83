package actors

import (
	"fmt"
	"strings"
)

// pattern is a Module.Path. Segments in braces stand for any segment that is not
// empty, and a last one with dots for all that is left, be it nothing.
type pattern struct {
	text     string
	segments []segment
	rest     string // name of the last segment if it stands for all that is left
	open     bool   // there is a rest
	named    bool   // there is something in braces
}

// segment is a part of a pattern between two slashes: a name in braces, or a text.
type segment struct{ name, text string }

// parsePattern reads a path of a module. A problem says what is wrong with it.
func parsePattern(path string) (p pattern, problem string) {
	p = pattern{text: path}
	if path == "" {
		return p, ""
	}
	if path[0] != '/' {
		return p, "must begin with a slash"
	}
	seen := map[string]bool{}
	parts := strings.Split(path[1:], "/")
	for i, part := range parts {
		if !strings.ContainsAny(part, "{}") {
			p.segments = append(p.segments, segment{text: part})
			continue
		}
		p.named = true
		name, ok := strings.CutPrefix(part, "{")
		if ok {
			name, ok = strings.CutSuffix(name, "}")
		}
		name, rest := strings.CutSuffix(name, "...")
		switch {
		case !ok || !isIdentifier(name):
			return p, fmt.Sprintf("has the segment %q; it must be a text without braces, or a name in braces", part)
		case seen[name]:
			return p, fmt.Sprintf("has two segments named %q", name)
		case rest && i < len(parts)-1:
			return p, fmt.Sprintf("has %q before its end; what stands for the rest must be last", part)
		}
		seen[name] = true
		if rest {
			p.rest, p.open = name, true
			break
		}
		p.segments = append(p.segments, segment{name: name})
	}
	return p, ""
}

func isIdentifier(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// matches reports whether the pattern stands for path. The empty one stands for all.
func (p *pattern) matches(path string) bool {
	if !p.named {
		return p.text == "" || p.text == path
	}
	_, ok := p.find(path, "")
	return ok
}

// find matches path, and returns what stands there for a name.
func (p *pattern) find(path, name string) (value string, ok bool) {
	left, ok := strings.CutPrefix(path, "/")
	if !ok {
		return "", false
	}
	ended := false // behind the last slash of path
	for _, s := range p.segments {
		if ended {
			return "", false
		}
		part, rest, more := strings.Cut(left, "/")
		switch {
		case s.name == "" && s.text != part, s.name != "" && part == "":
			return "", false
		case s.name != "" && s.name == name:
			value = part
		}
		left, ended = rest, !more
	}
	if !p.open {
		return value, ended
	}
	if ended {
		return "", false // "/files" is not "/files/"
	}
	if p.rest == name {
		value = left
	}
	return value, true
}
