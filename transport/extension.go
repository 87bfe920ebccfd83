package transport

import "strings"

// How much one side may list in Sec-WebSocket-Extensions. Nobody needs more,
// and a longer list is not understood.
const (
	maxExtensions      = 16
	maxExtensionParams = 16
)

// extension is one item of Sec-WebSocket-Extensions: an offer of a client or an
// answer of a server (RFC 6455 §9.1).
type extension struct {
	name   string
	params []extensionParam
}

// extensionParam is one parameter. A value that was quoted stands here without
// its quotes.
type extensionParam struct {
	name, value string
	valued      bool // there was a "="
}

// parseExtensions reads the lines of Sec-WebSocket-Extensions in their order,
// which is that of preference. It is false if they are not written as RFC 6455
// §9.1 has it, or hold more than we look at; then nothing of them counts.
// Empty items of a list are left out (RFC 9110 §5.6.1).
func parseExtensions(lines []string) (all []extension, ok bool) {
	for _, line := range lines {
		for rest, more := line, true; more; {
			var e extension
			e, rest, more, ok = cutExtension(rest)
			switch {
			case !ok || e.name != "" && len(all) == maxExtensions:
				return nil, false
			case e.name != "":
				all = append(all, e)
			}
		}
	}
	return all, true
}

// cutExtension takes the first item off s. more says that a comma followed. An
// item that is empty has no name.
func cutExtension(s string) (e extension, rest string, more, ok bool) {
	s = skipSpace(s)
	if e.name, s = cutToken(s); e.name == "" {
		rest, more, ok = cutComma(s)
		return e, rest, more, ok
	}
	for s = skipSpace(s); s != "" && s[0] == ';'; s = skipSpace(s) {
		var p extensionParam
		if p, s, ok = cutParam(skipSpace(s[1:])); !ok || len(e.params) == maxExtensionParams {
			return e, "", false, false
		}
		e.params = append(e.params, p)
	}
	rest, more, ok = cutComma(s)
	return e, rest, more, ok
}

// cutParam takes a parameter off s. RFC 6455 §9.1: "When using the quoted-string
// syntax variant, the value after quoted-string unescaping MUST conform to the
// 'token' ABNF."
func cutParam(s string) (p extensionParam, rest string, ok bool) {
	if p.name, s = cutToken(s); p.name == "" {
		return p, "", false
	}
	if s == "" || s[0] != '=' {
		return p, s, true
	}
	p.valued, s = true, s[1:]
	if s != "" && s[0] == '"' {
		p.value, rest, ok = cutQuoted(s[1:])
		return p, rest, ok && isToken(p.value)
	}
	p.value, s = cutToken(s)
	return p, s, p.value != ""
}

// cutQuoted takes what stands before the closing quote off s.
func cutQuoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

func cutToken(s string) (token, rest string) {
	n := 0
	for n < len(s) && isTokenByte(s[n]) {
		n++
	}
	return s[:n], s[n:]
}

// cutComma says what follows an item: the end, or a comma.
func cutComma(s string) (rest string, more, ok bool) {
	if s == "" {
		return "", false, true
	}
	return s[1:], true, s[0] == ','
}

func skipSpace(s string) string { return strings.TrimLeft(s, " \t") }
