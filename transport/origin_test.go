package transport

import (
	"crypto/tls"
	"net/http"
	"testing"
)

func requestFrom(origin, host string, secure bool) *Request {
	r := &Request{Origin: origin, Host: host, Header: http.Header{"Origin": {origin}}}
	if secure {
		r.TLS = &tls.ConnectionState{}
	}
	return r
}

func TestSameHostLetsOnlyItsOwnPagesIn(t *testing.T) {
	for _, c := range []struct {
		origin, host string
		secure       bool
		want         bool
	}{
		{"http://example.com", "example.com", false, true},
		{"https://example.com", "example.com", false, true}, // a proxy ends TLS
		{"https://example.com", "example.com", true, true},
		{"HTTPS://EXAMPLE.com", "Example.COM", true, true},
		{"http://example.com:8080", "example.com:8080", false, true},
		{"https://example.com", "example.com:443", true, true},
		{"https://example.com:443", "example.com", true, true},
		{"http://example.com", "example.com:80", false, true},
		{"http://[::1]:3000", "[::1]:3000", false, true},
		{"http://xn--bcher-kva.de", "xn--bcher-kva.de", false, true},
		{"http://127.0.0.1:3000", "127.0.0.1:3000", false, true},

		{"http://example.com", "example.com", true, false}, // 80 is not 443
		{"http://evil.com", "example.com", false, false},
		{"http://example.com.evil.com", "example.com", false, false},
		{"http://evilexample.com", "example.com", false, false},
		{"http://sub.example.com", "example.com", false, false},
		{"http://example.com", "sub.example.com", false, false},
		{"http://example.com:8080", "example.com", false, false},
		{"http://example.com", "example.com:8080", false, false},
		{"http://example.com:81", "example.com:80", false, false},
		{"http://example.com.", "example.com", false, false},
		{"http://user@example.com", "example.com", false, false},
		{"http://example.com@evil.com", "example.com", false, false},
		{"http://evil.com#example.com", "example.com", false, false},
		{"http://example.com/", "example.com", false, false},
		{"http://example.com?x", "example.com", false, false},
		{"http://example.com http://evil.com", "example.com", false, false},
		{"http://example.com,http://evil.com", "example.com", false, false},
		{"null", "example.com", false, false},
		{"null", "null", false, false},
		{"example.com", "example.com", false, false},
		{"//example.com", "example.com", false, false},
		{"file://", "example.com", false, false},
		{"file://example.com", "example.com", false, false},
		{"chrome-extension://example.com", "example.com", false, false},
		{"http://", "", false, false},
		{"http://[::1]", "[::2]", false, false},
		{"http://b\u00fccher.de", "b\u00fccher.de", false, false},
		{"http://localhost", "127.0.0.1", false, false},
		{"", "example.com", false, false}, // the header is there, and empty
	} {
		if got := SameHost(requestFrom(c.origin, c.host, c.secure)); got != c.want {
			t.Errorf("%q at %q (TLS %v): %v", c.origin, c.host, c.secure, got)
		}
	}
	if !SameHost(&Request{Host: "example.com"}) {
		t.Error("a client that is no browser was refused")
	}
}

func TestAllowOriginsMatchesItsPatternsOnly(t *testing.T) {
	allow := AllowOrigins("https://App.example.com", "http://localhost:3000", "*.trusted.org", "*.dev.org:8443", "http://[::1]:80")
	for origin, want := range map[string]bool{
		"https://app.example.com":          true,
		"https://APP.EXAMPLE.COM:443":      true,
		"http://localhost:3000":            true,
		"https://a.trusted.org":            true,
		"http://a.b.trusted.org":           true,
		"https://x.dev.org:8443":           true,
		"http://[::1]":                     true,
		"http://app.example.com":           false,
		"https://app.example.com:8443":     false,
		"https://app.example.com.evil.com": false,
		"https://example.com":              false,
		"http://localhost":                 false,
		"https://localhost:3000":           false,
		"https://trusted.org":              false,
		"https://eviltrusted.org":          false,
		"https://a.trusted.org:444":        false,
		"https://.trusted.org":             false,
		"https://x.dev.org":                false,
		"https://a.trusted.org@evil.com":   false,
		"https://a.trusted.org/":           false,
		"null":                             false,
		"":                                 false,
	} {
		if got := allow(requestFrom(origin, "server.example", true)); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
	if !allow(&Request{Host: "server.example"}) {
		t.Error("a client that is no browser was refused")
	}
	if AllowOrigins()(requestFrom("http://server.example", "server.example", false)) {
		t.Error("an empty list lets pages in")
	}
}

func TestAllowOriginsPanicsOnPatternsThatCannotMatch(t *testing.T) {
	for _, p := range []string{"*", "", "example.com", "https://", "https://h/", "https://*.h", "*.", "*.*.h", "ftp://h", "*.h:0", "*.[::1]"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q accepted", p)
				}
			}()
			AllowOrigins(p)
		}()
	}
}
