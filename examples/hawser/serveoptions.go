package main

import (
	"math"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

const (
	// serveOutbox is how much may wait for one client that sends faster than it
	// reads, unless a single message may be larger.
	serveOutbox = 16 << 20
	// serveClose is how long a client may take to answer a close frame.
	serveClose = 3 * time.Second
	// inflatedTimes is what transport.Limits.MaxInflated is by default, in terms of
	// MaxMessage.
	inflatedTimes = 10
)

// serveOptions is what a user of serve asked for.
type serveOptions struct {
	addr    string
	json    bool
	modules []string
	// latest is the one policy that is not the outbox's: only the latest of what is
	// published waits.
	latest bool
	drain  time.Duration
	server actors.ServerOptions
}

// serveWords are the values of flags that have to be looked at together, or closer.
type serveWords struct {
	modules, overflow string
	certificate, key  string
	origins           []string
}

func parseServe(args []string) (o serveOptions, err error) {
	words := serveWords{modules: "echo,rooms", overflow: actors.CloseSlow.String()}
	o.addr, o.drain = "127.0.0.1:8080", 10*time.Second
	s := &o.server
	s.CloseTimeout = serveClose
	s.Admission.PerKey, s.Admission.Rate, s.Rates.Messages = 1000, 1000, 50_000
	rest, err := o.flags(&words).parse(args)
	switch {
	case err != nil:
		return o, err
	case len(rest) > 0:
		return o, &usageError{"there is an argument too many"}
	}
	if _, _, err := net.SplitHostPort(o.addr); err != nil {
		return o, &usageError{"--addr must be HOST:PORT"}
	}
	if o.modules, err = parseModules(words.modules); err != nil {
		return o, err
	}
	if s.Outbox.Overflow, o.latest, err = parseOverflow(words.overflow); err != nil {
		return o, err
	}
	if s.CheckOrigin, err = originPolicy(words.origins); err != nil {
		return o, err
	}
	s.TLSConfig, err = serverTLS(words.certificate, words.key)
	fitOutbox(s)
	return o, err
}

func (o *serveOptions) flags(words *serveWords) *flagSet {
	f, s := newFlagSet(), &o.server
	f.text(&o.addr, "addr")
	f.text(&words.modules, "modules")
	f.yes(&o.json, "json")
	f.text(&words.certificate, "tls-cert")
	f.text(&words.key, "tls-key")
	f.yes(&s.Compression.Enabled, "deflate")
	f.list(&words.origins, "origin")
	f.limit(&s.Limits.MaxMessage, "max-message")
	f.limit(&s.Limits.MaxFragments, "max-fragments")
	f.limit(&s.Limits.MaxInflated, "max-inflated")
	f.span(&s.HandshakeTimeout, "handshake-timeout")
	f.span(&s.IdleTimeout, "idle")
	f.span(&s.Heartbeat.Interval, "ping")
	f.span(&s.Heartbeat.Timeout, "pong")
	f.span(&s.WriteTimeout, "write-timeout")
	f.limit(&s.Outbox.Bytes, "queue-bytes")
	f.text(&words.overflow, "overflow")
	f.limit(&s.Admission.PerKey, "per-ip")
	f.rate(&s.Rates.Messages, "rate")
	f.rate(&s.Admission.Rate, "handshake-rate")
	f.span(&o.drain, "drain")
	return f
}

// url is where a client on this machine finds the server.
func (o *serveOptions) url(a net.Addr) string {
	scheme := "ws"
	if o.server.TLSConfig != nil {
		scheme = "wss"
	}
	return scheme + "://" + reachable(a)
}

// reachable is the address at which a client on this machine finds the listener.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}).String()
}

// fitOutbox sees to it that a message that may come also fits into the outbox on its
// way back, with its frame, and behind others.
func fitOutbox(s *actors.ServerOptions) {
	longest := longestMessage(s)
	switch {
	case s.Outbox.Bytes > 0:
		return
	case s.Outbox.Bytes == 0 && longest >= 0:
		s.Outbox.Bytes = outboxFor(longest, serveOutbox)
		return
	}
	s.Outbox.Bytes, s.Outbox.Messages = -1, -1
}

// longestMessage is the longest message that may come; -1: there is no longest.
func longestMessage(s *actors.ServerOptions) int {
	longest := s.Limits.MaxMessage
	if longest == 0 {
		longest = transport.DefaultServerMaxMessage
	}
	switch inflated := s.Limits.MaxInflated; {
	case longest < 0 || !s.Compression.Enabled:
		return longest
	case inflated == 0:
		return inflatedTimes * min(longest, math.MaxInt/inflatedTimes)
	case inflated > 0:
		return max(longest, inflated)
	}
	return -1
}

// moduleNames are the values of --modules.
var moduleNames = []string{"echo", "pubsub", "rooms", "slow", "panic"}

func parseModules(list string) ([]string, error) {
	names := strings.Split(list, ",")
	for i, name := range names {
		name = strings.TrimSpace(name)
		switch names[i] = name; {
		case !slices.Contains(moduleNames, name):
			return nil, &usageError{"--modules must be some of " + strings.Join(moduleNames, ",")}
		case slices.Contains(names[:i], name):
			return nil, &usageError{"--modules names " + name + " twice"}
		}
	}
	return names, nil
}

// has reports whether a module is on.
func (o *serveOptions) has(name string) bool { return slices.Contains(o.modules, name) }

// keepLatest is the value of --overflow that is no policy of an outbox.
const keepLatest = "keep-latest"

func parseOverflow(name string) (p actors.OverflowPolicy, latest bool, err error) {
	policies := []actors.OverflowPolicy{actors.CloseSlow, actors.DropOldest, actors.DropNewest}
	names := make([]string, len(policies))
	for i, p := range policies {
		if names[i] = p.String(); name == names[i] {
			return p, false, nil
		}
	}
	if name == keepLatest {
		return actors.CloseSlow, true, nil
	}
	return 0, false, &usageError{"--overflow must be " + strings.Join(names, ", ") + " or " + keepLatest}
}
