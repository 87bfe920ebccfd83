// Package transport carries WebSocket messages over sockets (RFC 6455). It
// knows handshakes, frames, close codes and the poller. It knows no actors and
// never reconnects.
//
// A [Conn] is one connection after its handshake. [Dialer] and [Upgrader] make
// them. Whoever owns a Conn gives it a [Handler] and is told when there is
// something to read or room to write; it then calls [Conn.Read], which yields
// every whole message of one read as a [Batch], and [Conn.Write], which never
// blocks. On Linux a TCP connection that is idle holds neither a goroutine nor
// a buffer, also under TLS if it is a client's or one of [TLSServer]; elsewhere
// and for wrapped connections a goroutine stands behind the same contract.
//
// What holds for every Conn:
//
//   - Handler calls of one direction never overlap.
//   - A Batch is what one read completed: no more than one per Readable.
//   - After Close returns, Read and Write do nothing; a Handler call that a loop
//     was about to make may still come.
//   - Limits are checked on a frame's header, before memory is taken for it.
package transport
