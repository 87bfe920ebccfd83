package main

import (
	"context"
	"sync"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// topic takes what is published to all who have subscribed. It does not wait for them:
// what a subscriber has no room for is decided by the policy of its outbox. It outlives
// the handlers of its modules, which may be restarted.
type topic struct {
	latest bool // of what waits for a subscriber only the latest is kept

	mu          sync.RWMutex
	subscribers map[*actors.Conn]struct{}
}

func newTopic(latest bool) *topic {
	return &topic{latest: latest, subscribers: map[*actors.Conn]struct{}{}}
}

// subscribe makes the module for those who want what is published. A connection does
// from a moment on that comes shortly after its handshake.
func (t *topic) subscribe(path string) actors.Module {
	return actors.Module{Name: "subscribe", Path: path, New: func() actors.Handler { return subscriber{t} }}
}

// publish makes the module for those who publish. It is one actor, so that all
// subscribers get everything in the same order.
func (t *topic) publish(path string) actors.Module {
	handle := actors.HandlerFunc(func(ctx *actors.Context, m transport.Message) { t.send(m) })
	return actors.Module{Name: "publish", Path: path, New: func() actors.Handler { return handle }}
}

// send gives a message to everybody who is there. It is encoded once, and compressed
// once for all who have agreed on the same.
func (t *topic) send(m transport.Message) {
	p, err := transport.Prepare(m.Kind, m.Payload)
	if err != nil {
		return // it has come in a frame, so it can go in one
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	for c := range t.subscribers {
		if t.latest {
			o := actors.Outgoing{Kind: m.Kind, Payload: m.Payload, Class: actors.KeepLatest, Key: "published"}
			_, _ = c.Post(context.Background(), o) // as below; it does not wait
			continue
		}
		_, _ = c.SendPrepared(p) // the policy has been applied, or the connection is ending
	}
}

// subscriber is the handler of those who have subscribed.
type subscriber struct{ topic *topic }

// OnConnect notes a subscriber.
func (s subscriber) OnConnect(ctx *actors.Context) error {
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscribers[ctx.Conn()] = struct{}{}
	return nil
}

// OnDisconnect forgets it.
func (s subscriber) OnDisconnect(ctx *actors.Context, _ error) {
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.subscribers, ctx.Conn())
}

// OnMessage implements actors.Handler: nobody is interested.
func (subscriber) OnMessage(*actors.Context, transport.Message) {}
