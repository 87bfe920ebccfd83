package actors

import (
	"net"
	"net/netip"

	"github.com/hawser-go/hawser/transport"
)

// Admission bounds who may connect, and how often. The zero value lets everybody in.
// Who is refused gets a Retry-After that is spread out, so that those who were
// refused together do not come back together.
//
// A bound that counts by key needs memory for each key, some 200 bytes: while it has
// connections, and until its buckets are full again. There are at most 100,000 keys;
// others are refused with 503 until there is room.
type Admission struct {
	// MaxConnections is how many connections the server has at most, those in the
	// handshake behind Authenticate included. Others get 503. Default, also for
	// negative values: no limit.
	MaxConnections int
	// PerKey is how many connections a key may have. Others get 429. Default, also
	// for negative values: no limit.
	PerKey int
	// Key says on whose account a connection goes. It must not block. Default: what
	// Principal.Identity returns, or for those who have none, or an empty one, the address that the
	// connection comes from: of IPv6 the first 64 bits. Behind a proxy that is the
	// proxy's, so a Key is needed that knows the client.
	Key func(*transport.Request, Principal) string
	// Rate is how many handshakes a second a key may begin, Burst how many at once
	// after a pause. Others get 429. Handshakes that Authenticate refuses count for
	// the address. Default, also for negative values: Rate without limit, Burst one
	// second's worth.
	Rate  float64
	Burst int
	// TotalRate and TotalBurst are the same for all together. Others get 503.
	TotalRate  float64
	TotalBurst int
}

// Rates bound what a client may send. Who exceeds one is closed with 1008, behind the
// messages that were within it. Bursts are how much may come at once after a pause;
// the default, also for negative values, is one second's worth.
type Rates struct {
	// Messages is how many data messages a second may come on one connection.
	// Default, also for negative values: no limit.
	Messages     float64
	MessageBurst int
	// Bytes is how many bytes of payload a second may come on one connection. A single
	// message may exceed ByteBurst if the bucket is full; one that comes before that is
	// made up for is too much.
	// Default, also for negative values: no limit.
	Bytes     float64
	ByteBurst int
	// Controls is how many pings and pongs a second may come on one connection, and
	// ControlBurst how many at once. Default 50 and 200; negative: no limit.
	Controls     float64
	ControlBurst int
	// KeyMessages is Messages for all connections of a key together (see
	// Admission.Key). A new connection does not get a fresh bucket. Default, also for
	// negative values: no limit.
	KeyMessages     float64
	KeyMessageBurst int
}

func (r Rates) withDefaults() Rates {
	if r.Controls == 0 {
		r.Controls = 50
		if r.ControlBurst <= 0 {
			r.ControlBurst = 200
		}
	}
	return r
}

// accounts reports whether something is counted by key.
func (a *Admission) accounts(r *Rates) bool {
	return a.PerKey > 0 || a.Rate > 0 || r.KeyMessages > 0
}

// addressKey is the key of an address. Keys of other kinds begin with other signs.
func addressKey(a net.Addr) string { return "@" + networkOf(a) }

// networkOf is the address without its port, and of IPv6 the network.
func networkOf(a net.Addr) string {
	var ip netip.Addr
	switch a := a.(type) {
	case *net.TCPAddr:
		ip = a.AddrPort().Addr()
	case nil:
		return ""
	default:
		ap, err := netip.ParseAddrPort(a.String())
		if err != nil {
			return a.String()
		}
		ip = ap.Addr()
	}
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
