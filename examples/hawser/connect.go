package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

const connectUsage = `usage: hawser connect [flags] URL

Connects to a ws:// or wss:// URL and stays connected. A line typed is a message
sent, messages received are printed, and what happens to the connection goes to
stderr. End of input sends what is left and closes with 1000, Ctrl-C closes with
1001; neither takes longer than 5 s.

  --json               one JSON object per line on stdout, for messages and events
  --echo               send back what arrives; the input is not read
  --once               do not reconnect; exit 0 if the server closed normally
  --header 'K: V'      send this with the handshake; may be repeated
  --subprotocol NAME   offer this subprotocol; may be repeated, the best first
  --ca FILE            trust the certificates in this PEM file, and no others
  --insecure           trust every certificate
  --backoff-min D      wait up to D before the first attempt to reconnect (500ms)
  --backoff-max D      never wait longer than D (10s), unless the server asks for it
  --max-attempts N     give up after N attempts in a row; 0: never (0)
  --max-message BYTES  the longest message taken (1 MiB); 0: the default
  --max-fragments N    the most frames of one message (1024); 0: the default
`

const (
	// leaveTime bounds the end, from the end of input or the signal on.
	leaveTime = 5 * time.Second
	// closeTime is the part of it that the server has for its close frame; what is
	// left is for ending by force.
	closeTime = leaveTime - 500*time.Millisecond
	// forceTime is how long ending by force may take on top of that.
	forceTime = time.Second
	// connectOutbox is how many bytes wait while the connection is down or slow.
	connectOutbox = 64 << 20
)

// connectOptions is what a user of connect asked for.
type connectOptions struct {
	url    string
	json   bool
	echo   bool
	client actors.ClientOptions
	hide   *redactor
}

func runConnect(ctx context.Context, args []string, std stdio) error {
	o, err := parseConnect(args)
	if err != nil {
		return err
	}
	return newSession(o, std).run(ctx)
}

func parseConnect(args []string) (o connectOptions, err error) {
	var (
		headers, subprotocols []string
		ca                    string
		insecure, once        bool
		c                     = &o.client
		f                     = newFlagSet()
	)
	f.yes(&o.json, "json")
	f.yes(&o.echo, "echo")
	f.yes(&once, "once")
	f.list(&headers, "header")
	f.list(&subprotocols, "subprotocol")
	f.text(&ca, "ca")
	f.yes(&insecure, "insecure")
	f.duration(&c.Backoff.InitialDelay, "backoff-min")
	f.duration(&c.Backoff.MaxDelay, "backoff-max")
	f.number(&c.Backoff.MaxAttempts, "max-attempts", 0)
	f.number(&c.Limits.MaxMessage, "max-message", 0)
	f.number(&c.Limits.MaxFragments, "max-fragments", 0)
	rest, err := f.parse(args)
	if err != nil {
		return o, err
	}
	u, err := theURL(rest)
	if err != nil {
		return o, err
	}
	if err := checkBackoff(&c.Backoff); err != nil {
		return o, err
	}
	if c.Header, err = parseHeaders(headers); err != nil {
		return o, err
	}
	if c.Subprotocols, err = parseSubprotocols(subprotocols); err != nil {
		return o, err
	}
	if c.TLSConfig, err = tlsConfig(ca, insecure); err != nil {
		return o, err
	}
	if once {
		c.Restart = supervisor.Temporary
	}
	c.CloseTimeout = closeTime
	c.Limits.MaxFrame = c.Limits.MaxMessage
	c.Outbox.Bytes = outboxFor(c.Limits.MaxMessage, connectOutbox)
	c.Outbox.Age = -1 // a line that was typed waits as long as it takes
	o.url, o.hide = rest[0], newRedactor(u, c.Header)
	return o, nil
}

// outboxFor is how many bytes an outbox must hold if messages of a length are
// sent back: some of them, with their frames.
func outboxFor(maxMessage, least int) int {
	const many = 1 << 40
	if maxMessage > many {
		return -1
	}
	return max(least, 4*maxMessage)
}

func theURL(rest []string) (*url.URL, error) {
	switch len(rest) {
	case 0:
		return nil, &usageError{"the URL is missing"}
	case 1:
	default:
		return nil, &usageError{"there is an argument too many"}
	}
	u, err := transport.ParseURL(rest[0])
	if err != nil {
		var d *transport.DialError
		if errors.As(err, &d) {
			err = d.Err
		}
		return nil, &usageError{"bad URL: " + err.Error()}
	}
	return u, nil
}

// checkBackoff makes one bound follow the other if only one was given.
func checkBackoff(b *supervisor.Backoff) error {
	switch {
	case b.MaxDelay == 0 && b.InitialDelay > 10*time.Second: // above the default
		b.MaxDelay = b.InitialDelay
	case b.MaxDelay > 0 && b.InitialDelay > b.MaxDelay:
		return &usageError{"--backoff-min is longer than --backoff-max"}
	}
	return nil
}

// parseHeaders reads lines like "Name: value". What is wrong is told without the
// line: it may hold a token.
func parseHeaders(lines []string) (http.Header, error) {
	h := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) {
			return nil, &usageError{"bad header: it must look like 'Name: value'"}
		}
		name, value = http.CanonicalHeaderKey(name), strings.Trim(value, " \t")
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, &usageError{"bad header: there is a control character in the value of " + name}
		}
		switch {
		case name == "Sec-Websocket-Protocol":
			return nil, &usageError{"bad header: use --subprotocol for Sec-WebSocket-Protocol"}
		case strings.HasPrefix(name, "Sec-Websocket-"), name == "Connection", name == "Upgrade", name == "Host",
			name == "Content-Length", name == "Transfer-Encoding", name == "Keep-Alive", name == "Te", name == "Trailer":
			return nil, &usageError{"bad header: " + name + " is set by the handshake itself"}
		}
		h.Add(name, value)
	}
	return h, nil
}

func parseSubprotocols(names []string) ([]string, error) {
	seen := map[string]bool{}
	for _, n := range names {
		switch {
		case !isToken(n):
			return nil, &usageError{"bad subprotocol: it must be one word (RFC 6455 §4.1)"}
		case seen[n]:
			return nil, &usageError{"a subprotocol is there twice"}
		}
		seen[n] = true
	}
	return names, nil
}

// isToken reports whether s is a token of HTTP (RFC 9110 §5.6.2).
func isToken(s string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(marks, r)
	})
}

func tlsConfig(ca string, insecure bool) (*tls.Config, error) {
	if ca == "" && !insecure {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure} //nolint:gosec // asked for by name
	if ca == "" {
		return c, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, &usageError{"--ca: " + err.Error()}
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, &usageError{"--ca: there is no certificate in the file (it must be PEM)"}
	}
	return c, nil
}
