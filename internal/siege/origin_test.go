//go:build linux

package siege

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// The host that the requests of TestOrigin are sent to is siege.test. A row says
// which policies let a page of that origin in:
//
//	s  SameHost, the default, on a plain port
//	t  SameHost behind our own TLS
//	p  SameHost on a plain port, when Host has a port: siege.test:8443
//	l  AllowOrigins of a list, see listed
//	w  AllowOrigins of subdomains, see wild
//	a  everybody, as a user may say
var origins = []struct{ origin, by string }{
	{none, "stplwa"}, // no browser
	{"http://siege.test", "sa"},
	{"https://siege.test", "sta"}, // on the plain port: a proxy ends TLS
	{"HTTP://Siege.TEST", "sa"},
	{"http://siege.test:80", "sa"},
	{"https://siege.test:443", "sta"},
	{"https://siege.test:8443", "pa"},
	{"http://siege.test:8443", "pa"},
	{"http://siege.test:8080", "a"},
	{"http://siege.test:443", "ta"}, // a page of that very port, whatever it calls its scheme
	{"https://siege.test:80", "a"},
	{"https://app.other.test", "la"},
	{"https://APP.other.test:443", "la"},
	{"http://app.other.test", "a"},
	{"https://app.other.test:8443", "a"},
	{"https://app.other.test.evil.test", "a"},
	{"https://other.test", "a"},
	{"http://localhost:3000", "la"},
	{"http://localhost", "a"},
	{"http://127.0.0.1:3000", "a"},
	{"https://a.wild.test", "wa"},
	{"http://a.b.wild.test", "wa"},
	{"https://wild.test", "a"},
	{"https://evilwild.test", "a"},
	{"https://.wild.test", "a"},
	{"https://a.wild.test:444", "a"},
	{"http://[::1]:3000", "la"},
	{"http://[::1]", "a"},
	{"http://xn--bcher-kva.test", "la"},
	{"http://b\xc3\xbccher.test", "a"},
	{"http://evil.test", "a"},
	{"http://siege.test.evil.test", "a"},
	{"http://evilsiege.test", "a"},
	{"http://sub.siege.test", "a"},
	{"http://siege.test.", "a"},
	{"http://user@siege.test", "a"},
	{"http://siege.test@evil.test", "a"},
	{"http://evil.test#siege.test", "a"},
	{"http://siege.test/", "a"},
	{"http://siege.test?x", "a"},
	{"http://evil.test\\@siege.test", "a"},
	{"http://siege.test http://evil.test", "a"},
	{"http://siege.test,http://evil.test", "a"},
	{"null", "a"},
	{"NULL", "a"},
	{"", "a"},
	{"siege.test", "a"},
	{"//siege.test", "a"},
	{"file://", "a"},
	{"chrome-extension://siege.test", "a"},
	{"http://", "a"},
}

// none stands for a request without an Origin.
const none = "no origin"

var (
	listed = transport.AllowOrigins("https://app.other.test", "http://localhost:3000", "http://[::1]:3000", "http://xn--bcher-kva.test")
	wild   = transport.AllowOrigins("*.wild.test")
)

// TestOrigin is about pages of others that use the cookies of our users: by default
// nobody else's page may connect (RFC 6455 §10.2).
func TestOrigin(t *testing.T) {
	book, count := newLogbook(), 0
	secure := &tls.Config{Certificates: certificate(t)}
	for _, p := range []policy{
		{"same host", "s", "siege.test", nil, nil},
		{"same host, TLS", "t", "siege.test", nil, secure},
		{"same host and port", "p", "siege.test:8443", nil, nil},
		{"list", "l", "siege.test", listed, nil},
		{"subdomains", "w", "siege.test", wild, nil},
		{"everybody", "a", "siege.test", func(*transport.Request) bool { return true }, nil},
	} {
		t.Run(p.name, func(t *testing.T) { count += p.apply(t, book) })
	}
	t.Logf("%d origins, 6 policies, %d handshakes", len(origins), count)
	if lines := book.lines("hunter2"); len(lines) > 0 {
		t.Errorf("a token is in %d lines of the log, such as %s", len(lines), lines[0])
	}
	if len(book.lines("")) == 0 {
		t.Error("nothing was logged, so the absence of tokens tells nothing")
	}
}

// policy is a way to judge origins, see the table for its key.
type policy struct {
	name, key, host string
	check           func(*transport.Request) bool
	tls             *tls.Config
}

// apply tries all origins, and returns how many handshakes that were.
func (p policy) apply(t *testing.T, book *logbook) (count int) {
	f := start(t, actors.ServerOptions{CheckOrigin: p.check, TLSConfig: p.tls, Logger: book.from(slog.LevelDebug)})
	base := f.figures()
	for _, row := range origins {
		want := http.StatusForbidden
		if strings.Contains(row.by, p.key) {
			want = http.StatusSwitchingProtocols
		}
		for way, addr := range f.ways() {
			if way == "net/http" && p.tls != nil {
				continue // there TLS is net/http's, and the same
			}
			count++
			if got, err := knock(addr, p.host, row.origin, p.tls != nil); got != want {
				t.Errorf("%s: origin %q is answered with %d, want %d: %v", way, row.origin, got, want, err)
			}
		}
	}
	f.await("all leave", func() bool { return f.Connections() == 0 })
	f.quietFor(base, glance)
	return count
}

// knock sends a handshake that carries tokens, and returns the status.
func knock(addr, host, origin string, secure bool) (int, error) {
	tc, err := dial(addr)
	if err != nil {
		return 0, err
	}
	defer tc.Close()
	_ = tc.SetDeadline(time.Now().Add(patience))
	nc := net.Conn(tc)
	if secure {
		nc = tls.Client(tc, &tls.Config{InsecureSkipVerify: true})
	}
	lines := []string{"Cookie: session=hunter2", "Authorization: Bearer hunter2"}
	if origin != none {
		lines = append(lines, "Origin: "+origin)
	}
	raw := strings.Replace(request("/?token=hunter2", lines...), "Host: siege.test", "Host: "+host, 1)
	if _, err := io.WriteString(nc, raw); err != nil {
		return 0, err
	}
	var head [64]byte
	n, err := nc.Read(head[:])
	if n < len("HTTP/1.1 101") {
		return 0, err
	}
	status := 0
	for _, c := range head[9:12] {
		status = 10*status + int(c-'0')
	}
	return status, nil
}

// certificate is one that nobody trusts.
func certificate(t *testing.T) []tls.Certificate {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return s.TLS.Certificates
}
