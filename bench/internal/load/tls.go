package load

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/hawser-go/hawser/bench/internal/hist"
)

// TLS is the closed loop of an echo over wss. It uses crypto/tls with a goroutine for
// each connection, so it costs more than a Generator does: compare the processor time of
// the servers, not their rates. Any certificate is accepted.
type TLS struct {
	o       Options
	stream  stream
	answers parser
	conns   []*tlsConn
	phase   atomic.Int32 // of the run in progress
}

var _ Load = (*TLS)(nil)

// The phases of a run.
const (
	warming int32 = iota
	counting
	draining
)

// NewTLS makes a load without connections.
func NewTLS(o Options) (*TLS, error) {
	answers, err := o.answers()
	if err != nil {
		return nil, err
	}
	return &TLS{o: o, stream: o.stream(), answers: answers}, nil
}

// Dial opens connections to addr, which must be in 127.0.0.0/8. Apart and Side are not
// for TLS.
func (l *TLS) Dial(addr netip.AddrPort, o DialOptions) error {
	if err := loopback(addr); err != nil {
		return err
	}
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	for i := range o.Conns {
		dialer := net.Dialer{
			Timeout:   dialTimeout * time.Second,
			LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4(source(len(l.conns))), 0)),
		}
		raw, err := tls.DialWithDialer(&dialer, "tcp4", addr.String(), config)
		if err != nil {
			return fmt.Errorf("connection %d of %d to %s: %w", i+1, o.Conns, o.Path, err)
		}
		l.conns = append(l.conns, &tlsConn{
			l: l, raw: raw, parser: l.answers, buffer: make([]byte, 16<<10), flight: newFlight(o.InFlight),
		})
		_ = raw.SetDeadline(time.Now().Add(dialTimeout * time.Second))
		if err := handshake(raw, upgradeRequest(addr, o.Path, l.o.Deflate), l.o.Deflate); err != nil {
			return fmt.Errorf("connection %d of %d to %s: %w", i+1, o.Conns, o.Path, err)
		}
	}
	return nil
}

// Messages is how many messages have come back. It must not be called during a run.
func (l *TLS) Messages() (total uint64) {
	for _, c := range l.conns {
		total += c.total
	}
	return total
}

// Close resets all connections.
func (l *TLS) Close() {
	for _, c := range l.conns {
		c.close()
	}
	l.conns = nil
}

// Verify sends one message on every connection, one connection after another, and checks
// the answer.
func (l *TLS) Verify() error {
	for i, c := range l.conns {
		for range l.o.rounds() {
			if err := c.verify(); err != nil {
				return fmt.Errorf("connection %d of %d: %w", i+1, len(l.conns), err)
			}
		}
	}
	return nil
}

// Run keeps every connection's messages in flight for the window and then waits until
// all are answered. The connections give up together, when one of them fails or when the
// server has answered nothing for too long. Unlike that of the other loads, the window
// ends when it should even if nothing is complete.
func (l *TLS) Run(o Window) (m Measurement, err error) {
	l.phase.Store(warming)
	timer := time.NewTimer(o.Warm)
	defer timer.Stop()
	deadline := time.Now().Add(o.Warm + o.Length + patient)
	ended := make(chan error, len(l.conns))
	for _, c := range l.conns {
		c.latency.Reset()
		c.counted = 0
		_ = c.raw.SetDeadline(deadline)
		go func() { ended <- c.drive() }()
	}
	left := len(l.conns)
	for _, next := range []int32{counting, draining} {
		select {
		case err = <-ended: // before the drain none ends without an error
			left--
		case <-timer.C:
			l.phase.Store(next)
			o.mark()
			timer.Reset(o.Length)
		}
		if err != nil {
			break
		}
	}
	l.phase.Store(draining)
	for range left {
		err = errors.Join(err, <-ended)
	}
	if err != nil {
		return m, err
	}
	l.summarize(&m)
	return m, nil
}

func (l *TLS) summarize(m *Measurement) {
	var all hist.Histogram
	for _, c := range l.conns {
		m.Messages += c.counted
		all.Merge(&c.latency)
	}
	m.P50, m.P99, m.Max = time.Duration(all.Quantile(0.5)), time.Duration(all.Quantile(0.99)), time.Duration(all.Max())
}
