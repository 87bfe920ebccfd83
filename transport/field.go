package transport

import (
	"net/http"
	"strings"
)

// isToken reports whether s is a token of RFC 9110 §5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// isFieldValue reports whether s may stand behind a header's name: nothing that
// could end the line.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// listHas reports whether a comma-separated header holds token, in any case of
// letters and on any of its lines (RFC 9110 §5.6.1).
func listHas(values []string, token string) bool {
	for item := range listItems(values) {
		if strings.EqualFold(item, token) {
			return true
		}
	}
	return false
}

// listItems yields the items of a comma-separated header, empty ones left out.
func listItems(values []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range values {
			for item := range strings.SplitSeq(v, ",") {
				if item = strings.Trim(item, " \t"); item != "" && !yield(item) {
					return
				}
			}
		}
	}
}

// ownedHeaders are set by the handshake; others must not set them.
var ownedHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Host": true, "Keep-Alive": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// settingError is a mistake in what the user has set. Trying again does not help.
type settingError string

func (e settingError) Error() string { return string(e) }

// Terminal tells those who decide about retries, and do not import this package,
// that this will not change by itself.
func (e settingError) Terminal() bool { return true }

// checkHeader says what is wrong with a header that the user wants to send.
func checkHeader(h http.Header) error {
	for name, values := range h {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !isToken(name):
			return settingError("a name in Header is not a token")
		case ownedHeaders[canonical] || strings.HasPrefix(canonical, "Sec-Websocket-"):
			return settingError("Header must not set " + canonical + ": the handshake does")
		}
		for _, v := range values {
			if !isFieldValue(v) {
				return settingError("control character in the value of " + canonical + " in Header")
			}
		}
	}
	return nil
}

// checkSubprotocols says what is wrong with a list of subprotocols
// (RFC 6455 §4.1: tokens, each once).
func checkSubprotocols(list []string) error {
	for i, p := range list {
		if !isToken(p) {
			return settingError("a subprotocol is not a token")
		}
		for _, q := range list[:i] {
			if p == q {
				return settingError("subprotocol " + p + " is there twice")
			}
		}
	}
	return nil
}
