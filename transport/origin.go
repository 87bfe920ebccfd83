package transport

import (
	"strings"
)

// SameHost lets a request in whose page was loaded from the host and port that
// it is sent to, and one that has no Origin, which is no browser's
// (RFC 6455 §10.2). A page without an origin of its own ("null") is refused.
//
// Behind a proxy that ends TLS, Host must be passed on as the browser sent it.
func SameHost(r *Request) bool {
	if r.Origin == "" {
		return len(r.Header["Origin"]) == 0
	}
	o, ok := parseOrigin(r.Origin)
	if !ok {
		return false
	}
	host, port := splitHost(r.Host)
	if port == "" {
		port = defaultPort(o.scheme)
		if r.TLS != nil {
			port = "443"
		}
	}
	return strings.EqualFold(o.host, host) && o.port == port
}

// AllowOrigins returns a CheckOrigin that lets pages of the listed origins in,
// and requests without an Origin, which are no browser's. SameHost is not
// implied. A pattern is one of
//
//	https://app.example.com        that origin, default port
//	http://localhost:3000          that origin, with its port
//	*.example.com                  every subdomain, http or https, default port
//	*.example.com:8443             the same with a port
//
// Case of letters does not matter. "*.example.com" does not mean example.com
// itself. It panics if a pattern is none of these, so that a typing mistake does
// not show only when users are refused.
func AllowOrigins(patterns ...string) func(*Request) bool {
	list := make([]originPattern, len(patterns))
	for i, p := range patterns {
		var ok bool
		if list[i], ok = parsePattern(p); !ok {
			panic("transport: AllowOrigins: want scheme://host[:port] or *.host[:port], got " + p)
		}
	}
	return func(r *Request) bool {
		if r.Origin == "" {
			return len(r.Header["Origin"]) == 0
		}
		o, ok := parseOrigin(r.Origin)
		if !ok {
			return false
		}
		for _, p := range list {
			if p.matches(o) {
				return true
			}
		}
		return false
	}
}

// origin is a tuple origin of RFC 6454 §4, in lower case, the port always set.
type origin struct{ scheme, host, port string }

// parseOrigin reads the form that browsers send: scheme, host, maybe port, and
// nothing else.
func parseOrigin(s string) (origin, bool) {
	scheme, rest, ok := strings.Cut(strings.ToLower(s), "://")
	if !ok || defaultPort(scheme) == "" || !isHostHeader(rest) {
		return origin{}, false
	}
	host, port := splitHost(rest)
	if port == "" {
		port = defaultPort(scheme)
	}
	return origin{scheme, host, port}, true
}

// originPattern is an origin, or with suffix all subdomains of it.
type originPattern struct {
	origin
	suffix string // ".example.com"
}

func parsePattern(s string) (p originPattern, ok bool) {
	rest, wild := strings.CutPrefix(strings.ToLower(s), "*.")
	if !wild {
		p.origin, ok = parseOrigin(s)
		return p, ok
	}
	host, port := splitHost(rest)
	p.suffix, p.port = "."+host, port
	return p, isHostHeader(rest) && !strings.Contains(host, ":")
}

func (p originPattern) matches(o origin) bool {
	if p.suffix == "" {
		return p.origin == o
	}
	port := p.port
	if port == "" {
		port = defaultPort(o.scheme)
	}
	name, ok := strings.CutSuffix(o.host, p.suffix)
	return ok && name != "" && o.port == port
}

// defaultPort returns the port of a scheme that pages come by, else "".
func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}
