package metrics

// Count is a number of messages and of their payload bytes.
type Count struct {
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
}

// Kinds are the counts of one direction.
type Kinds struct {
	Text   Count `json:"text"`
	Binary Count `json:"binary"`
}

// All returns both kinds together.
func (k Kinds) All() Count {
	return Count{Messages: k.Text.Messages + k.Binary.Messages, Bytes: k.Text.Bytes + k.Binary.Bytes}
}

// Snapshot is what has been counted so far. While messages pass, its numbers are
// those of slightly different moments.
type Snapshot struct {
	// Inbound and Outbound are messages that came to the middleware. An outbound one
	// that goes through it again, because the socket died under it, counts again.
	Inbound  Kinds `json:"inbound"`
	Outbound Kinds `json:"outbound"`
	// Attempts are those of clients, and Failures the attempts that came to no
	// connection.
	Attempts uint64 `json:"attempts"`
	Failures uint64 `json:"failures"`
	// Connects are connections that came up, Disconnects those that ended, and Active
	// the difference.
	Connects    uint64 `json:"connects"`
	Disconnects uint64 `json:"disconnects"`
	Active      uint64 `json:"active"`
}

// Snapshot returns the counters as they are now.
func (m *Metrics) Snapshot() Snapshot {
	s := Snapshot{Attempts: m.attempts.Load(), Failures: m.failures.Load()}
	s.Disconnects = m.disconnects.Load() // before Connects: no connection ends before it begins
	s.Connects = m.connects.Load()
	s.Active = s.Connects - s.Disconnects
	for i := range m.shards {
		for direction, to := range []*Kinds{inbound: &s.Inbound, outbound: &s.Outbound} {
			for kind, to := range []*Count{&to.Text, &to.Binary} {
				to.Messages += m.shards[i].messages[direction][kind].Load()
				to.Bytes += m.shards[i].bytes[direction][kind].Load()
			}
		}
	}
	return s
}
