package transport

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ParseURL parses the address of a WebSocket (RFC 6455 §3): ws or wss, with a
// host, without a fragment or user info. The error is a *DialError with Op
// "url"; it never holds the text that was given, which may hold a token.
//
// The result can stand in a request: what must not appear in a query as it is,
// is percent-encoded.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// Not err: it quotes parts of raw, a password among them.
		return nil, urlError("not a valid URL")
	}
	if detail := checkURL(u, raw); detail != "" {
		return nil, urlError(detail)
	}
	if u.Port() == "" {
		u.Host = strings.TrimSuffix(u.Host, ":")
	}
	u.RawQuery = escapeQuery(u.RawQuery)
	return u, nil
}

func checkURL(u *url.URL, raw string) string {
	switch u.Scheme {
	case "ws", "wss":
	case "http":
		return "http:// is not for WebSockets: use ws://"
	case "https":
		return "https:// is not for WebSockets: use wss://"
	default:
		return "it must begin with ws:// or wss://"
	}
	switch {
	case u.User != nil:
		return "no user and password in the URL: put an Authorization header into Dialer.Header"
	case strings.Contains(raw, "#"):
		return "no fragment in a WebSocket URL (RFC 6455 §3): write # as %23"
	case u.Hostname() == "":
		return "the host is missing"
	}
	return checkHostPort(u.Hostname(), u.Port())
}

func checkHostPort(host, port string) string {
	for i := range len(host) {
		if host[i] >= 0x80 {
			return "the host is not ASCII: write it in its xn-- form"
		}
	}
	if !isHostname(host) {
		return "the host has a character that no host has"
	}
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "the port is not between 1 and 65535"
		}
	}
	return ""
}

// isHostname reports whether s can be a name or an address.
func isHostname(s string) bool {
	if strings.Contains(s, ":") {
		a, err := netip.ParseAddr(s)
		return err == nil && a.Is6() && isToken(a.Zone()+"z")
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != ""
}

// isHostHeader reports whether s can be the value of Host: a host, maybe a port.
func isHostHeader(s string) bool {
	host, port := splitHost(s)
	return isHostname(host) && checkHostPort(host, port) == "" && !strings.HasSuffix(s, ":") && !strings.Contains(host, "%")
}

// splitHost takes "host", "host:port", "[v6]" or "[v6]:port" apart. The host is
// "" when s is none of them.
func splitHost(s string) (host, port string) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		host, rest, ok := strings.Cut(inner, "]")
		if !ok || !strings.Contains(host, ":") || rest != "" && rest[0] != ':' {
			return "", ""
		}
		return host, strings.TrimPrefix(rest, ":")
	}
	host, port, _ = strings.Cut(s, ":")
	if strings.Contains(port, ":") {
		return "", ""
	}
	return host, port
}

// escapeQuery encodes what would end or break a request line.
func escapeQuery(q string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(q) {
		if c := q[i]; c <= ' ' || c >= 0x7f {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// hostPort returns the address to connect to.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "wss", "https":
			port = "443"
		default:
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// hostHeader returns what goes into Host: no IPv6 zone, which means something on
// this machine only (RFC 6874 §1).
func hostHeader(u *url.URL) string {
	open, rest, ok := strings.Cut(u.Host, "%")
	if !ok {
		return u.Host
	}
	_, behind, _ := strings.Cut(rest, "]")
	return open + "]" + behind
}

func urlError(detail string) error { return &DialError{Op: "url", Err: settingError(detail)} }
