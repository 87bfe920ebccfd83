// Package transporttest has what tests of WebSocket code need instead of a
// network: connections in memory that behave like sockets and can be cut,
// stalled, slowed down and corrupted at a chosen byte, a [Listener] that makes
// them, and a [FakeHTTP] server that refuses handshakes in all the usual ways.
//
// Nothing here touches the network or waits in real time, so everything works
// inside a testing/synctest bubble, where an hour of stalls takes no time:
//
//	synctest.Test(t, func(t *testing.T) {
//		client, server, link := transporttest.Pipe(transporttest.PipeOptions{})
//		defer link.Close()
//		client.Start(h)
//		server.Start(h)
//		link.Stall(transporttest.ToClient) // the client's peer is gone, silently
//		synctest.Wait()
//	})
package transporttest
