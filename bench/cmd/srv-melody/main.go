// srv-melody is a server with olahol/melody on net/http: gorilla's connections, each with
// a goroutine that writes what a channel brings, and a hub of its own for the fan-out.
package main

import (
	"net/http"

	"github.com/olahol/melody"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

func main() {
	peer.Know(peer.Deflate, peer.TLS)
	subscribers := hub()
	mux := http.NewServeMux()
	mux.Handle(peer.EchoPath, handler(echo(peer.None)))
	mux.Handle(peer.SlowPath, handler(echo(peer.Stall)))
	mux.Handle(peer.SubPath, handler(subscribers))
	mux.Handle(peer.PubPath, handler(publisher(subscribers)))
	peer.Fail(http.Serve(peer.Listen(), mux))
}

// hub has the defaults of melody but for the size of a message, which would be 512 bytes.
func hub() *melody.Melody {
	m := melody.New()
	m.Config.MaxMessageSize = peer.MaxMessage
	m.Upgrader.EnableCompression = peer.Variant(peer.Deflate)
	return m
}

func handler(m *melody.Melody) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = m.HandleRequest(w, r) // it has answered, and returns when the client goes
	})
}

// echo answers its own sessions. An error of Write means that the session has ended.
func echo(work peer.Work) *melody.Melody {
	m := hub()
	m.HandleMessage(func(s *melody.Session, p []byte) {
		work()
		_ = s.Write(p)
	})
	m.HandleMessageBinary(func(s *melody.Session, p []byte) {
		work()
		_ = s.WriteBinary(p)
	})
	return m
}

// publisher broadcasts to the sessions of another hub, which is never closed.
func publisher(subscribers *melody.Melody) *melody.Melody {
	m := hub()
	m.HandleMessage(func(_ *melody.Session, p []byte) { _ = subscribers.Broadcast(p) })
	m.HandleMessageBinary(func(_ *melody.Session, p []byte) { _ = subscribers.BroadcastBinary(p) })
	return m
}
