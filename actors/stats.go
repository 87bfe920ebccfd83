package actors

import (
	"time"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

// GetStats asks a client for its statistics; the answer is a *Stats. A client that
// has stopped is no longer there to answer: ask its handle, with [Client.Stats].
//
//	any actor → Client
type GetStats struct{}

// Stats are the statistics of a client at one moment: everything since it was made,
// over all its connections. No counter ever decreases. It is a value of its own;
// nothing changes it later.
//
// encoding/json writes it as one flat object with names in snake case, durations in
// milliseconds and times in UTC; see also [Stats.CSV], [Stats.Summary] and
// [Stats.Compact].
//
//	Client → sender of GetStats
type Stats struct {
	// Name is the name of the client, At the moment.
	Name string
	At   time.Time
	// Age is how long there has been a client: since it was made, until now or until
	// it stopped.
	Age time.Duration
	// State is where it stands; Epoch numbers the incarnation, and Attempt the latest
	// attempt or the one that is waited for, as in [Event].
	State   State
	Epoch   uint64
	Attempt int
	// Connected says that a socket is up, Ready that messages flow.
	Connected, Ready bool

	// Attempts counts the attempts that began to dial. Each ends in one of three ways:
	// Successful became ready; Failed did not, because the dial, the handshake or
	// the set-up failed; Aborted were given up by a command. One may be under way.
	Attempts, Successful, Failed, Aborted uint64
	// Disconnections counts the connections that were up and ended, ready or not.
	// Losses are those among them that ended without a command to the client.
	Disconnections, Losses uint64
	// Reconnections counts how often the client became ready again after a loss. One
	// that was held or told to reconnect, and so comes back, was not lost.
	Reconnections uint64
	// ConnectLatency is how long it took to get a connection: from the start of the
	// attempt, ClientOptions.Request included, until the handshake was done. It has
	// nothing of attempts that failed before.
	ConnectLatency Latency
	// PingRTT is the round trip of the pings that were answered.
	PingRTT Latency

	// Uptime is how long the client was Ready, in all and since it last became so.
	Uptime, CurrentUptime time.Duration
	// LastDisconnection is when a connection last ended, zero if none has, and
	// SinceDisconnection how long ago that is.
	LastDisconnection  time.Time
	SinceDisconnection time.Duration

	// MessagesSent counts the data messages that were written, MessagesReceived
	// those that came, the ones that set-up steps took included.
	MessagesSent, MessagesReceived uint64
	// BytesSent counts the bytes of the frames handed to the socket: headers, control
	// frames and what was sent again included, the opening handshake and TLS not.
	// BytesReceived counts the payload of the data messages received.
	BytesSent, BytesReceived uint64
	// These are the averages of the four over Age.
	MessagesSentPerSecond, MessagesReceivedPerSecond float64
	BytesSentPerSecond, BytesReceivedPerSecond       float64

	// Books say what became of the messages that Send accepted.
	Books Books
	// Queued and QueuedBytes are what is in the outbox, with frame headers.
	Queued, QueuedBytes int
	// Of the messages received, no module wanted the Unrouted; at the Faulted a
	// handler panicked; the Discarded fell to an overflow policy or a middleware.
	Unrouted, Faulted, Discarded uint64
	// Stale counts the late events of old incarnations that were dropped.
	Stale uint64
	// Restarts counts the restarts of modules and middleware.
	Restarts uint64

	// CloseCodes counts by code how connections ended: the code of the peer's close
	// frame, or 1006 if none came (RFC 6455 §7.1.5). Their sum is Disconnections.
	// HTTPStatuses counts the handshakes that were refused, by status. Both tell 64
	// numbers apart; others count under 0. Nil if there were none.
	CloseCodes   map[transport.CloseCode]uint64
	HTTPStatuses map[int]uint64

	// RetryDelay is how long the wait is in which the client is, and NextAttempt when
	// it ends; both are zero in all states but Backoff.
	RetryDelay  time.Duration
	NextAttempt time.Time
}

// Stats returns the statistics of the client. It asks no actor, so it works at any
// time, also after the client has stopped.
func (c *Client) Stats() Stats { return c.s.stats() }

// stats are the statistics at this moment.
func (s *session) stats() Stats {
	st := Stats{Name: s.name, ConnectLatency: s.life.connects.latency(), PingRTT: s.counters.rtt.latency()}
	c := &s.counters
	st.Books = s.books()
	st.Queued, st.QueuedBytes = s.out.size()
	st.MessagesSent, st.MessagesReceived = st.Books.Written+st.Books.Acked, c.received.Load()
	st.BytesSent, st.BytesReceived = c.bytesSent.Load(), c.bytesReceived.Load()
	st.Unrouted, st.Faulted, st.Discarded = c.unrouted.Load(), c.failed.Load(), c.discarded.Load()
	st.Stale, st.Restarts = c.stale.Load(), c.restarts.Load()
	s.life.report(&st, time.Now())
	st.MessagesSentPerSecond = perSecond(st.MessagesSent, st.Age)
	st.MessagesReceivedPerSecond = perSecond(st.MessagesReceived, st.Age)
	st.BytesSentPerSecond = perSecond(st.BytesSent, st.Age)
	st.BytesReceivedPerSecond = perSecond(st.BytesReceived, st.Age)
	return st
}

func perSecond(n uint64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// Availability returns the part of its age for which the client was ready, from 0
// to 1.
func (s Stats) Availability() float64 {
	if s.Age <= 0 {
		return 0
	}
	return min(float64(s.Uptime)/float64(s.Age), 1)
}

// SuccessRate returns the part of the attempts that became ready, from 0 to 1, and
// false as long as none has ended. Aborted ones do not count.
func (s Stats) SuccessRate() (float64, bool) {
	ended := s.Successful + s.Failed
	if ended == 0 {
		return 0, false
	}
	return float64(s.Successful) / float64(ended), true
}

// Health is a verdict on a client.
type Health uint8

// The verdicts, from the score of [Stats.Score].
const (
	// HealthUnknown: no attempt has ended yet.
	HealthUnknown Health = iota
	// HealthPoor: less than 50.
	HealthPoor
	// HealthFair: 50 or more.
	HealthFair
	// HealthGood: 70 or more.
	HealthGood
	// HealthExcellent: 90 or more.
	HealthExcellent
)

var healthNames = [...]string{"unknown", "poor", "fair", "good", "excellent"}

// String returns the verdict in one word.
func (h Health) String() string { return healthNames[h] }

// Health returns the verdict on the client: what its score amounts to, or
// HealthUnknown as long as no attempt has ended.
func (s Stats) Health() Health {
	if _, tried := s.SuccessRate(); !tried {
		return HealthUnknown
	}
	switch score := s.Score(); {
	case score >= 90:
		return HealthExcellent
	case score >= 70:
		return HealthGood
	case score >= 50:
		return HealthFair
	}
	return HealthPoor
}

// Score returns how well the client does, from 0 to 100. From 100 is taken
//
//	40 if less than half of the attempts were successful, else 20 if less than 80 % were;
//	30 for more than 5 losses an hour of its age, else 15 for more than 2; a first
//	   hour that is not over counts as a whole one;
//	20 if connecting takes more than 5 s on average, else 10 if more than 2 s;
//	25 if it is not connected.
func (s Stats) Score() int {
	score := 100
	rate, tried := s.SuccessRate()
	switch {
	case !tried:
	case rate < 0.5:
		score -= 40
	case rate < 0.8:
		score -= 20
	}
	switch losses := float64(s.Losses) / max(s.Age.Hours(), 1); {
	case losses > 5:
		score -= 30
	case losses > 2:
		score -= 15
	}
	switch mean := s.ConnectLatency.Mean; {
	case mean > 5*time.Second:
		score -= 20
	case mean > 2*time.Second:
		score -= 10
	}
	if !s.Connected {
		score -= 25
	}
	return max(score, 0)
}

// noticed is told what the supervisor of the modules and the middleware decided.
func (s *side) noticed(event any) {
	if _, ok := event.(*supervisor.RestartScheduled); ok {
		s.counters.restarts.Add(1)
	}
	s.publish(event)
}
