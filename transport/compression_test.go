package transport

import (
	"errors"
	"strings"
	"testing"
)

// Settings of the side under test.
var (
	fresh    = Compression{Enabled: true}
	takeover = Compression{Enabled: true, ContextTakeover: true}
)

const (
	sFresh = "; server_no_context_takeover"
	cFresh = "; client_no_context_takeover"
	both2  = sFresh + cFresh
	sBits  = "; server_max_window_bits"
	cBits  = "; client_max_window_bits"
	pmd    = extensionDeflate
)

func TestServerAnswersTheFirstOfferThatItCanKeep(t *testing.T) {
	for _, c := range []struct {
		name  string
		have  Compression
		offer []string
		want  string // "": declined
	}{
		{"compression is off", Compression{}, []string{pmd}, ""},
		{"nothing is offered", takeover, nil, ""},
		{"an empty header", takeover, []string{""}, ""},
		{"the simplest offer", takeover, []string{pmd}, pmd},
		{"the simplest offer, and we keep nothing", fresh, []string{pmd}, pmd + both2},
		// RFC 7692 §7.1: what browsers send, and its examples.
		{"the browsers' offer", takeover, []string{pmd + cBits}, pmd},
		{"the browsers' offer, and we keep nothing", fresh, []string{pmd + cBits}, pmd + both2},
		{"§7.1.3: one element", takeover, []string{pmd + cBits + sBits + "=10"}, pmd + sBits + "=10"},
		{"§7.1.3: with a fallback", takeover, []string{pmd + cBits + sBits + "=10, " + pmd + cBits}, pmd + sBits + "=10"},
		{"§7.1.3: the fallback is taken", takeover, []string{pmd + sBits + "=7, " + pmd + cBits}, pmd},
		{"§5.2: the preferred extension is another one", takeover, []string{"permessage-foo, " + pmd}, pmd},
		{"§5.2: parameters of another one", takeover, []string{"permessage-bar; x=10, permessage-foo; x, " + pmd}, pmd},

		{"server_no_context_takeover", takeover, []string{pmd + sFresh}, pmd + sFresh},
		{"client_no_context_takeover", takeover, []string{pmd + cFresh}, pmd + cFresh},
		{"both", takeover, []string{pmd + cFresh + sFresh}, pmd + both2},
		{"both, and we keep nothing either", fresh, []string{pmd + both2}, pmd + both2},
		{"server bits 8", takeover, []string{pmd + sBits + "=8"}, pmd + sBits + "=8"},
		{"server bits 9", takeover, []string{pmd + sBits + "=9"}, pmd + sBits + "=9"},
		{"server bits 15", takeover, []string{pmd + sBits + "=15"}, pmd + sBits + "=15"},
		{"server bits in quotes", takeover, []string{pmd + sBits + `="12"`}, pmd + sBits + "=12"},
		{"client bits 8", takeover, []string{pmd + cBits + "=8"}, pmd + cBits + "=8"},
		{"client bits 15", takeover, []string{pmd + cBits + "=15"}, pmd + cBits + "=15"},
		{"everything", takeover, []string{pmd + cBits + "=11" + sBits + "=10" + both2}, pmd + both2 + sBits + "=10" + cBits + "=11"},
		{"two lines", takeover, []string{"x-webkit-deflate-frame", pmd + sBits + "=10"}, pmd + sBits + "=10"},
		{"the second offer is better for us, the first counts", takeover, []string{pmd, pmd + sFresh}, pmd},

		{"an unknown parameter", takeover, []string{pmd + "; foo"}, ""},
		{"an unknown parameter with a value", takeover, []string{pmd + "; foo=bar"}, ""},
		{"a parameter in capitals", takeover, []string{pmd + "; Server_No_Context_Takeover"}, ""},
		{"server_no_context_takeover with a value", takeover, []string{pmd + sFresh + "=1"}, ""},
		{"client_no_context_takeover with a value", takeover, []string{pmd + cFresh + "=true"}, ""},
		{"server_no_context_takeover twice", takeover, []string{pmd + sFresh + sFresh}, ""},
		{"client_no_context_takeover twice", takeover, []string{pmd + cFresh + cFresh}, ""},
		{"server bits twice", takeover, []string{pmd + sBits + "=10" + sBits + "=10"}, ""},
		{"client bits twice", takeover, []string{pmd + cBits + cBits + "=10"}, ""},
		{"server bits without a value", takeover, []string{pmd + sBits}, ""},
		{"server bits 7", takeover, []string{pmd + sBits + "=7"}, ""},
		{"server bits 16", takeover, []string{pmd + sBits + "=16"}, ""},
		{"server bits 0", takeover, []string{pmd + sBits + "=0"}, ""},
		{"server bits with a leading zero", takeover, []string{pmd + sBits + "=09"}, ""},
		{"server bits with a sign", takeover, []string{pmd + sBits + "=+9"}, ""},
		{"server bits that are negative", takeover, []string{pmd + sBits + "=-9"}, ""},
		{"server bits that overflow", takeover, []string{pmd + sBits + "=18446744073709551625"}, ""},
		{"server bits in hex", takeover, []string{pmd + sBits + "=0x9"}, ""},
		{"server bits that are a word", takeover, []string{pmd + sBits + "=ten"}, ""},
		{"client bits 7", takeover, []string{pmd + cBits + "=7"}, ""},
		{"client bits 16", takeover, []string{pmd + cBits + "=16"}, ""},
		{"client bits with a leading zero", takeover, []string{pmd + cBits + "=010"}, ""},
		{"client bits empty in quotes", takeover, []string{pmd + cBits + `=""`}, ""},
		{"all offers are bad", takeover, []string{pmd + "; foo, " + pmd + sBits + "=1", pmd + cBits + "=x"}, ""},
		{"the third is good", takeover, []string{pmd + "; foo, " + pmd + sBits + "=1", pmd + cFresh}, pmd + cFresh},
		{"another extension", takeover, []string{"permessage-bzip2"}, ""},
		{"an older name", takeover, []string{"permessage-compress; method=deflate"}, ""},
		{"a list that nobody can read", takeover, []string{pmd + ";;"}, ""},
		{"a good offer beside what nobody can read", takeover, []string{pmd, "=,="}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if p := c.have.answer(c.offer); p != nil {
				got = p.String()
			}
			if got != c.want {
				t.Errorf("%q is answered with %q, want %q", c.offer, got, c.want)
			}
		})
	}
}

func TestClientTakesOnlyAnswersToItsOffer(t *testing.T) {
	for _, c := range []struct {
		name   string
		have   Compression
		answer []string
		want   string // "!" and a word of the error, "": declined
	}{
		{"declined", takeover, nil, ""},
		{"the simplest answer", takeover, []string{pmd}, pmd},
		{"the server keeps nothing", takeover, []string{pmd + sFresh}, pmd + sFresh},
		{"we shall keep nothing", takeover, []string{pmd + cFresh}, pmd + cFresh},
		{"both", takeover, []string{pmd + cFresh + sFresh}, pmd + both2},
		{"what we asked for", fresh, []string{pmd + both2}, pmd + both2},
		{"the server has not repeated our own promise", fresh, []string{pmd + sFresh}, pmd + both2},
		{"bits of the server, unasked", takeover, []string{pmd + sBits + "=9"}, pmd + sBits + "=9"},
		{"bits for us", takeover, []string{pmd + cBits + "=8"}, pmd + cBits + "=8"},
		{"everything", takeover, []string{pmd + both2 + sBits + "=15" + cBits + "=15"}, pmd + both2 + sBits + "=15" + cBits + "=15"},
		{"quoted bits", takeover, []string{pmd + cBits + `="10"`}, pmd + cBits + "=10"},
		{"the server keeps what we said it must not", fresh, []string{pmd}, "!ContextTakeover"},
		{"an empty header", takeover, []string{""}, "!malformed"},
		{"malformed", takeover, []string{pmd + ";"}, "!malformed"},
		{"another extension", takeover, []string{"permessage-foo"}, "!nobody asked"},
		{"another extension behind", takeover, []string{pmd + ", permessage-foo"}, "!more than one"},
		{"twice", takeover, []string{pmd + ", " + pmd}, "!more than one"},
		{"twice on two lines", takeover, []string{pmd, pmd}, "!more than one"},
		{"an unknown parameter", takeover, []string{pmd + "; foo"}, "!unknown"},
		{"a parameter twice", takeover, []string{pmd + sFresh + sFresh}, "!twice"},
		{"a value where there is none", takeover, []string{pmd + sFresh + "=1"}, "!value"},
		{"no value where there is one", takeover, []string{pmd + sBits}, "!bits"},
		{"client bits without a value", takeover, []string{pmd + cBits}, "!bits"},
		{"server bits 7", takeover, []string{pmd + sBits + "=7"}, "!bits"},
		{"server bits 16", takeover, []string{pmd + sBits + "=16"}, "!bits"},
		{"server bits 1000 (CVE-2026-2229)", takeover, []string{pmd + sBits + "=1000"}, "!bits"},
		{"server bits -1", takeover, []string{pmd + sBits + "=-1"}, "!bits"},
		{"server bits nan", takeover, []string{pmd + sBits + "=nan"}, "!bits"},
		{"client bits 0", takeover, []string{pmd + cBits + "=0"}, "!bits"},
		{"client bits 08", takeover, []string{pmd + cBits + "=08"}, "!bits"},
		{"more items than anyone sends", takeover, []string{strings.Repeat(pmd+",", 100)}, "!malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := c.have.accept(c.answer)
			got := ""
			switch {
			case err != nil && (p != nil || !strings.HasPrefix(c.want, "!") || !strings.Contains(err.Error(), c.want[1:])):
				t.Fatalf("%q: got %v and %q, want %q", c.answer, p, err, c.want)
			case err != nil:
				return
			case p != nil:
				got = p.String()
			}
			if got != c.want {
				t.Errorf("%q: got %q, want %q", c.answer, got, c.want)
			}
		})
	}
}

func TestClientOffersWhatItCanDo(t *testing.T) {
	for want, c := range map[string]Compression{
		pmd + both2 + cBits: fresh,
		pmd + cBits:         takeover,
	} {
		if got := c.offer(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if answer := takeover.answer([]string{c.offer()}); answer == nil {
			t.Errorf("we decline our own offer %q", c.offer())
		}
	}
}

func TestOnlyLevelsThatThereAreCanBeSet(t *testing.T) {
	for level, good := range map[int]bool{-1: false, 0: true, 1: true, 9: true, 10: false} {
		err := Compression{Level: level}.check()
		var setting settingError
		if good != (err == nil) || err != nil && !errors.As(err, &setting) {
			t.Errorf("level %d: %v", level, err)
		}
	}
}

func TestWindowsFollowFromWhatWasAgreed(t *testing.T) {
	for _, c := range []struct {
		server       bool
		p            deflateParams
		in, out      int
		level, codec int
	}{
		{true, deflateParams{}, 32768, 32768, 6, 5},
		{false, deflateParams{}, 32768, 32768, 0, 0},
		{true, deflateParams{serverFresh: true}, 32768, 0, 9, 8},
		{false, deflateParams{serverFresh: true}, 0, 32768, 9, 8},
		{true, deflateParams{clientFresh: true, serverBits: 8}, 0, 256, 9, 9},
		{false, deflateParams{clientFresh: true, serverBits: 8}, 256, 0, 9, 8},
		{true, deflateParams{serverBits: 14, clientBits: 10}, 1024, 16384, 1, 15},
		{false, deflateParams{serverBits: 14, clientBits: 10}, 16384, 1024, 1, 11},
		{true, deflateParams{serverBits: 15, clientBits: anyBits}, 32768, 32768, 1, 0},
	} {
		z := newDeflation(c.server, Compression{Level: c.level}, &c.p)
		if z.in.size != c.in || z.out.size != c.out || z.out.codec != codec(c.codec) {
			t.Errorf("%+v: windows %d and %d, codec %d", c, z.in.size, z.out.size, z.out.codec)
		}
	}
	if newDeflation(true, Compression{}, nil) != nil {
		t.Error("there is a state without an agreement")
	}
}
