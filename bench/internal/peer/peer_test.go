package peer

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"
)

func TestAWordThatNobodyKnowsIsRefused(t *testing.T) {
	for _, c := range []struct {
		words, known string
		says         string
	}{
		{words: "", known: "tuned tls"},
		{words: "tls tuned", known: "tuned tls"},
		{words: "tunde", known: "tuned tls", says: "tuned, tls"},
		{words: "tls tls13", known: "tls", says: `"tls13"`},
		{words: "tls", says: "none"},
	} {
		err := check(strings.Fields(c.words), strings.Fields(c.known))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("check(%q, %q) = %v, want an error that says %q", c.words, c.known, err, c.says)
		}
	}
}

func TestTheCertificateIsGoodForTheLoopbackAddress(t *testing.T) {
	now := time.Now()
	made, err := selfSigned(now)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(made.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	if err := certificate.VerifyHostname("127.0.0.1"); err != nil {
		t.Error(err)
	}
	if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now}); err != nil {
		t.Error(err)
	}
}

func TestSymbolsStampWhatIsASymbol(t *testing.T) {
	for symbol, good := range map[string]bool{
		"SYM042": true, "A": true, "ABCDEFGHIJKL": true,
		"": false, "sym042": false, "SYM 42": false, "ABCDEFGHIJKLM": false,
	} {
		s := Symbols{}
		now := time.Unix(7, 0)
		for range 2 {
			if s.Stamp([]byte(symbol), now) != good {
				t.Errorf("Stamp(%q) = %v", symbol, !good)
			}
		}
		if at := s[symbol]; good && (at == nil || !at.Equal(now)) || !good && at != nil {
			t.Errorf("%q was stamped %v", symbol, at)
		}
	}
}

func TestSymbolsForgetNoneAndTakeNoMoreThanTheyMay(t *testing.T) {
	s := Symbols{}
	name := []byte("AAAAAA")
	for range mostSymbols {
		for i := range name { // the next one
			if name[i]++; name[i] <= 'Z' {
				break
			}
			name[i] = 'A'
		}
		if !s.Stamp(name, time.Unix(1, 0)) {
			t.Fatalf("%s was refused", name)
		}
	}
	if s.Stamp([]byte("ONEMORE"), time.Unix(1, 0)) || !s.Stamp(name, time.Unix(2, 0)) {
		t.Error("a symbol too many was taken, or a known one refused")
	}
}

func TestEachReachesThoseWhoHaveNotLeft(t *testing.T) {
	var s Subscribers[string]
	s.Remove("nobody")
	s.Add("ann")
	s.Add("bob")
	s.Remove("ann")
	var reached []string
	s.Each(func(c string) { reached = append(reached, c) })
	if len(reached) != 1 || reached[0] != "bob" {
		t.Errorf("reached %v, want bob", reached)
	}
}
