package main

import (
	"errors"
	"strings"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// The events of serve in JSON.
type (
	listeningEvent struct {
		Event string `json:"event"`
		URL   string `json:"url"`
	}
	connectionEvent struct {
		Event  string `json:"event"` // "connected", "disconnected"
		ID     uint64 `json:"id"`
		Path   string `json:"path"`
		Remote string `json:"remote"`
		// Code and Cause say how a connection ended that the server did not end by itself,
		// as an end of the drain or a slow client: there is neither then. Code is 1006 if
		// there was no close frame.
		Code  int    `json:"code,omitempty"`
		Cause string `json:"cause,omitempty"`
	}
	refusedEvent struct {
		Event  string         `json:"event"`
		Counts map[int]uint64 `json:"counts"` // since the start, by status; 0: no answer
	}
	drainingEvent struct {
		Event       string `json:"event"`
		Connections int    `json:"connections"` // that are left
	}
	droppedEvent struct {
		Event string `json:"event"`
		Count uint64 `json:"count"` // events that are not told
	}
	stoppedEvent struct {
		Event         string                         `json:"event"`
		Connections   int                            `json:"connections"`
		Total         uint64                         `json:"total"`
		Refused       map[int]uint64                 `json:"refused"`
		Ended         map[transport.CloseCode]uint64 `json:"ended"` // by the client's code; 1006: none
		Sent          uint64                         `json:"messages_sent"`
		Received      uint64                         `json:"messages_received"`
		BytesSent     uint64                         `json:"bytes_sent"`
		BytesReceived uint64                         `json:"bytes_received"`
		Books         actors.Books                   `json:"books"`
		Dropped       map[string]uint64              `json:"dropped"` // of the books, by reason
		Balanced      bool                           `json:"balanced"`
		Unrouted      uint64                         `json:"unrouted"`
		Faulted       uint64                         `json:"faulted"`
		Discarded     uint64                         `json:"discarded"`
		Restarts      uint64                         `json:"restarts"`
		EventsDropped uint64                         `json:"events_dropped"`
	}
)

func newStoppedEvent(s actors.ServerStats, lost uint64) stoppedEvent {
	dropped := map[string]uint64{}
	for reason, n := range s.Books.Dropped {
		if n > 0 {
			dropped[actors.Reason(reason).String()] = n
		}
	}
	return stoppedEvent{
		Event: "stopped", Connections: s.Connections, Total: s.Total, Refused: present(s.Refused), Ended: present(s.Ended),
		Sent: s.MessagesSent, Received: s.MessagesReceived, BytesSent: s.BytesSent, BytesReceived: s.BytesReceived,
		Books: s.Books, Dropped: dropped, Balanced: s.Books.Balanced(),
		Unrouted: s.Unrouted, Faulted: s.Faulted, Discarded: s.Discarded, Restarts: s.Restarts, EventsDropped: lost,
	}
}

// present makes of nil an empty map: in JSON it is no null.
func present[K comparable](counts map[K]uint64) map[K]uint64 {
	if counts == nil {
		return map[K]uint64{}
	}
	return counts
}

// witness tells of connections. It wants no messages.
type witness struct{ tell func(event any) }

// wordly makes a name of a path.
var wordly = strings.NewReplacer("/", "-", "{", "", "}", "")

// newWitness makes a module that tells of the connections of a path. It is no
// middleware, which would see every message, and has the path of another module, so
// that other paths are still not found.
func newWitness(path string, tell func(event any)) actors.Module {
	return actors.Module{
		Name: "witness" + wordly.Replace(path), Path: path, New: func() actors.Handler { return witness{tell} },
		Match: func(transport.Message) bool { return false },
	}
}

// OnConnect tells of a connection.
func (w witness) OnConnect(ctx *actors.Context) error {
	w.tell(newConnectionEvent("connected", ctx.Conn()))
	return nil
}

// OnDisconnect tells of its end.
func (w witness) OnDisconnect(ctx *actors.Context, cause error) {
	e := newConnectionEvent("disconnected", ctx.Conn())
	if cause != nil {
		e.Code, e.Cause = closeCodeOf(cause), cause.Error()
	}
	w.tell(e)
}

// OnMessage implements actors.Handler. None comes.
func (witness) OnMessage(*actors.Context, transport.Message) {}

func newConnectionEvent(name string, c *actors.Conn) connectionEvent {
	return connectionEvent{Event: name, ID: c.ID(), Path: c.Path(), Remote: c.RemoteAddr().String()}
}

// closeCodeOf returns the code by which a connection ended, or 0 if it is not known.
func closeCodeOf(cause error) int {
	var (
		closed  interface{ CloseCode() uint16 }
		read    *transport.ReadError
		write   *transport.WriteError
		silent  *actors.HeartbeatError
		timeout *actors.CloseTimeoutError
	)
	switch {
	case errors.As(cause, &closed):
		return int(closed.CloseCode())
	case errors.As(cause, &read), errors.As(cause, &write), errors.As(cause, &silent), errors.As(cause, &timeout):
		return int(transport.Abnormal)
	}
	return 0
}
