package transport

import (
	"errors"
	"strings"
	"testing"
)

func TestParseURLAcceptsWebSocketAddresses(t *testing.T) {
	for _, c := range []struct{ in, uri, addr, host string }{
		{"ws://example.com", "/", "example.com:80", "example.com"},
		{"wss://example.com", "/", "example.com:443", "example.com"},
		{"WS://Example.com:8080/a/b?c=d", "/a/b?c=d", "Example.com:8080", "Example.com:8080"},
		{"ws://example.com:?x", "/?x", "example.com:80", "example.com"},
		{"ws://[::1]:9/", "/", "[::1]:9", "[::1]:9"},
		{"ws://[fe80::1%25eth0]:9/", "/", "[fe80::1%eth0]:9", "[fe80::1]:9"},
		{"wss://[fe80::1%25eth0]", "/", "[fe80::1%eth0]:443", "[fe80::1]"},
		{"ws://127.0.0.1/a b", "/a%20b", "127.0.0.1:80", "127.0.0.1"},
		{"ws://a_b.local/%2F?q=%23", "/%2F?q=%23", "a_b.local:80", "a_b.local"},
		{"ws://h/?a b=\u00fc", "/?a%20b=%C3%BC", "h:80", "h"},
	} {
		u, err := ParseURL(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if u.RequestURI() != c.uri || hostPort(u) != c.addr || hostHeader(u) != c.host {
			t.Errorf("%s: %q %q %q", c.in, u.RequestURI(), hostPort(u), hostHeader(u))
		}
	}
}

func TestParseURLTeachesAndKeepsSecrets(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"http://h/?hunter2", "use ws://"},
		{"https://h/?hunter2", "use wss://"},
		{"ftp://h/?hunter2", "must begin with ws:// or wss://"},
		{"hunter2:80/x", "must begin with ws:// or wss://"},
		{"//h/hunter2", "must begin with ws:// or wss://"},
		{"", "must begin with ws:// or wss://"},
		{"ws:hunter2", "host is missing"},
		{"ws:///hunter2", "host is missing"},
		{"ws://:80/hunter2", "host is missing"},
		{"ws://user:hunter2@h/", "Authorization"},
		{"ws://hunter2@h/", "Authorization"},
		{"ws://user:hunter2#x@h/", "not a valid URL"},
		{"ws://user:hunter2%zz@h/", "not a valid URL"},
		{"ws://h/?hunter2#frag", "%23"},
		{"ws://h/?hunter2#", "%23"},
		{"ws://h:0/?hunter2", "port"},
		{"ws://h:65536/?hunter2", "port"},
		{"ws://h:hunter2/", "not a valid URL"},
		{"ws://hunter2 .com/", "not a valid URL"},
		{"ws://h\r\nhunter2: x/", "not a valid URL"},
		{"ws://h/\r\nhunter2: x", "not a valid URL"},
		{"ws://b\u00fccher.de/?hunter2", "xn--"},
		{"ws://h\"<>/?hunter2", "character"},
		{"ws://h,x/?hunter2", "character"},
	} {
		_, err := ParseURL(c.in)
		var dial *DialError
		if !errors.As(err, &dial) || dial.Op != "url" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.in, err, c.want)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: secret in %v", c.in, err)
		}
	}
}

func TestHostHeaderIsOneHostMaybeWithAPort(t *testing.T) {
	for s, want := range map[string]bool{
		"h": true, "h:80": true, "example.com": true, "127.0.0.1:1": true, "[::1]": true, "[::1]:80": true, "a_b-c.d": true,
		"": false, ":80": false, "h:": false, "h:0": false, "h:x": false, "h:80:80": false, "u@h": false, "h/": false, "h,i": false,
		"h i": false, "::1": false, "[::1": false, "[::1]x": false, "[h]": false, "[::1%eth0]": false, "h%41": false, "\u00fc": false, "[]": false,
	} {
		if got := isHostHeader(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
