// Package actorstest helps to test programs that use package actors: an actor
// system that reports what went wrong in it, a [Probe], an actor that records what
// it receives, and a [Peer], a WebSocket server that does what the test says and
// breaks when it says so. [DialPeer] is the same as a client, to test a server.
//
// All work with real time and inside a testing/synctest bubble. In a bubble all
// of it must be made inside: the system, the probes, the peer and what is tested.
//
//	func TestGreeting(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			system := actorstest.System(t)
//			probe := actorstest.Spawn(t, system)
//			system.Root.RequestWithCustomSender(greeter, &Hello{}, probe.PID())
//			got := actorstest.Expect[*Welcome](probe)
//			…
//			actorstest.ExpectNone(probe)
//		})
//	}
//
// A test that a client comes back after a loss, and subscribes again:
//
//	peer := actorstest.NewPeer(t) // the client's NetDial is peer.Dial, its URL peer.URL()
//	…
//	peer.Accept().Cut()
//	peer.Accept().ExpectJSON(`{"op":"subscribe"}`)
//
// docs/testing.md shows more.
package actorstest
