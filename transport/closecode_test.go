package transport

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCloseCodesThatMayBeSent(t *testing.T) {
	allowed := func(c int) bool {
		switch {
		case c == 1004, c == 1005, c == 1006:
			return false
		case c >= 1000 && c <= 1014, c >= 3000 && c <= 4999:
			return true
		}
		return false
	}
	for c := range 1 << 16 {
		if CloseCode(c).Sendable() != allowed(c) {
			t.Errorf("%d is %v", c, !allowed(c))
		}
	}
}

func TestCloseCodeNamesItselfOrItsRange(t *testing.T) {
	for code, want := range map[CloseCode]string{
		NormalClosure: "normal closure",
		TLSFailure:    "TLS failure",
		999:           "undefined 999",
		2999:          "undefined 2999",
		3000:          "registered by a framework",
		3999:          "registered by a framework",
		4000:          "private use",
		4999:          "private use",
		5000:          "undefined 5000",
	} {
		if got := code.String(); got != want {
			t.Errorf("%d: %q", uint16(code), got)
		}
	}
}

func TestAppendClosePayload(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name   string
		code   CloseCode
		reason string
		want   string
	}{
		{"code only", NormalClosure, "", "\x03\xe8"},
		{"code and reason", GoingAway, "bye", "\x03\xe9bye"},
		{"no status has no payload", NoStatus, "ignored", ""},
		{"a reason that just fits", 4999, x(123), "\x13\x87" + x(123)},
		{"a long reason is cut", 4999, x(124), "\x13\x87" + x(123)},
		{"a long reason is cut at a rune", 4999, x(122) + "é", "\x13\x87" + x(122)},
		{"nothing goes behind the cut", 4999, x(122) + "éa", "\x13\x87" + x(122)},
		{"what is no UTF-8 is replaced", 1000, "a\xffb", "\x03\xe8a\ufffdb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := AppendClosePayload([]byte("dst"), c.code, c.reason)
			if string(got) != "dst"+c.want {
				t.Errorf("got %q", got)
			}
			if n := len(got) - 3; n > maxControl || n > 2 && !utf8.Valid(got[5:]) {
				t.Errorf("%d bytes: %q", n, got)
			}
		})
	}
}
