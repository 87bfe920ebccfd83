package transport

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// texts are good and bad ones, from RFC 3629 and Autobahn's groups 6 and 7.
var texts = []string{
	"", "a", "κόσμε", "世界", "🌍", "\x00", "\x7f",
	"\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff",
	"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe2\x82", "\xe2(\xa1",
	"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x8c", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff",
}

func TestValidUTF8AgreesWithTheStandardLibrary(t *testing.T) {
	for _, text := range texts {
		for before := range 300 {
			p := []byte(strings.Repeat("x", before) + text + strings.Repeat("y", before%40))
			if got := ValidUTF8(p); got != utf8.Valid(p) {
				t.Fatalf("%v for %q behind %d bytes", got, text, before)
			}
		}
	}
}

// allowed is how much of p can begin a text: up to the first octet that cannot
// be right. It tries to end the text with every rune that may be there.
func allowed(p []byte) int {
	for n := len(p); n > 0; n-- {
		if whole := n - unfinishedSlow(p[:n]); utf8.Valid(p[:whole]) {
			return n
		}
	}
	return 0
}

// unfinishedSlow finds the end of p which some bytes would make a rune.
func unfinishedSlow(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		for _, next := range []string{"\x80", "\x90", "\xa0", "\xbf"} {
			for more := range utf8.UTFMax {
				end := string(p[len(p)-n:]) + next + strings.Repeat("\x80", more)
				if r, size := utf8.DecodeRuneInString(end); size == len(end) && (r != utf8.RuneError || size == 3) {
					return n
				}
			}
		}
	}
	return 0
}

func TestUTF8CheckerFailsAtTheFirstBadOctetHoweverTheTextIsCut(t *testing.T) {
	texts := append([]string{"κόσμε\xed\xa0\x80edited", "ok\xf4\x90\x80\x80"}, texts...)
	for _, text := range texts {
		for _, before := range []string{"", "a", "é", strings.Repeat("z", 20)} {
			p := []byte(before + text)
			for size := 1; size <= len(p); size++ {
				checkPieces(t, p, size)
			}
		}
	}
}

func TestUTF8CheckerAgreesWithTheStandardLibrary(t *testing.T) {
	octet := rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("a\x80\xbf\xc3\xe0\xe2\xed\xf0\xf4\x90\xa0")))
	rapid.Check(t, func(t *rapid.T) {
		checkPieces(t, rapid.SliceOfN(octet, 0, 12).Draw(t, "p"), rapid.IntRange(1, 5).Draw(t, "size"))
	})
}

func checkPieces(t interface{ Fatalf(string, ...any) }, p []byte, size int) {
	var c utf8Checker
	good := allowed(p)
	for at := 0; at < len(p); at += size {
		end := min(at+size, len(p))
		if ok := c.feed(p[at:end]); ok != (end <= good) {
			t.Fatalf("%q in pieces of %d: up to %d it is %v, the first bad octet is %d", p, size, end, ok, good)
		} else if !ok {
			return
		}
	}
	if c.done() != utf8.Valid(p) {
		t.Fatalf("%q in pieces of %d: done is %v", p, size, c.done())
	}
}

func BenchmarkValidUTF8(b *testing.B) {
	for _, n := range []int{8, 15, 64, 200, 255, 256, 1 << 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := []byte(strings.Repeat("x", n))
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if !ValidUTF8(p) {
					b.Fatal()
				}
			}
		})
	}
}
