package metrics

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync/atomic"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// Options says how the metrics are named. The zero value is good.
type Options struct {
	// Name is the name of the middleware. Default "metrics"; a client or server that
	// has two of them gives one another name.
	Name string
	// Prefix begins the name of each metric. Default "hawser".
	Prefix string
	// Labels are put on each metric, to tell clients and servers apart. Default none.
	// "direction" and "kind" are taken.
	Labels map[string]string
}

// Metrics counts. It is safe for concurrent use, and takes no lock.
type Metrics struct {
	name, prefix, labels string

	attempts, failures    atomic.Uint64
	connects, disconnects atomic.Uint64
	shards                [8]shard
}

var (
	prefixes = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labels   = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// New returns counters that stand at zero. An error is an *actors.OptionError.
func New(o Options) (*Metrics, error) {
	if o.Prefix == "" {
		o.Prefix = "hawser"
	}
	if o.Name == "" {
		o.Name = "metrics"
	}
	if !prefixes.MatchString(o.Prefix) {
		return nil, &actors.OptionError{Option: "metrics.Options.Prefix", Problem: fmt.Sprintf("%q is no name of a metric; use letters, digits, _ and :", o.Prefix)}
	}
	m := &Metrics{name: o.Name, prefix: o.Prefix}
	for _, name := range slices.Sorted(maps.Keys(o.Labels)) {
		if !labels.MatchString(name) || name == "direction" || name == "kind" {
			return nil, &actors.OptionError{Option: "metrics.Options.Labels", Problem: fmt.Sprintf("cannot have %q; use letters, digits and _, and neither direction nor kind", name)}
		}
		m.labels += fmt.Sprintf(`%s="%s",`, name, escape.Replace(o.Labels[name]))
	}
	return m, nil
}

// Middleware returns the middleware that counts. It is inline, and fails open. It may
// be given to several clients and servers, which are then counted together.
func (m *Metrics) Middleware() actors.Middleware {
	return actors.Middleware{Name: m.name, Inline: true, FailOpen: true, New: func() actors.Interceptor { return interceptor{m} }}
}

// shard has the counters of some connections, so that processors do not fight for
// one cache line. The first index is the direction, the second the kind.
type shard struct {
	messages, bytes [2][2]atomic.Uint64
	_               [64]byte
}

const inbound, outbound = 0, 1

func (m *Metrics) count(direction int, c *actors.Conn, msg transport.Message) actors.Verdict {
	s := &m.shards[c.ID()%uint64(len(m.shards))]
	kind := 0
	if msg.Kind == transport.Binary {
		kind = 1
	}
	s.messages[direction][kind].Add(1)
	s.bytes[direction][kind].Add(uint64(len(msg.Payload)))
	return actors.Pass()
}

type interceptor struct{ m *Metrics }

// OnReceive implements actors.Interceptor.
func (i interceptor) OnReceive(c *actors.Conn, msg transport.Message) actors.Verdict {
	return i.m.count(inbound, c, msg)
}

// OnSend implements actors.Interceptor.
func (i interceptor) OnSend(c *actors.Conn, msg transport.Message) actors.Verdict {
	return i.m.count(outbound, c, msg)
}

// OnConnectionAttempt counts it.
func (i interceptor) OnConnectionAttempt(actors.Attempt) error {
	i.m.attempts.Add(1)
	return nil
}

// OnConnectionFailure counts it.
func (i interceptor) OnConnectionFailure(actors.Attempt, error) { i.m.failures.Add(1) }

// OnConnect counts it.
func (i interceptor) OnConnect(*actors.Conn) error {
	i.m.connects.Add(1)
	return nil
}

// OnDisconnect counts it.
func (i interceptor) OnDisconnect(*actors.Conn, error) { i.m.disconnects.Add(1) }
