package dedup

import (
	"container/list"
	"sync"
)

// peer is what is remembered of one peer, over all its connections.
type peer struct {
	inbound *memory

	// Under the lock of its peers.
	name  string
	users int           // connections that it has
	place *list.Element // among those without one; nil if it has one
}

func newPeer(o *Options, name string) *peer {
	return &peer{inbound: newMemory(o), name: name}
}

// peers are those of a server: all that have a connection, and the last that had
// one. It is used when a connection comes or goes, never for a message.
type peers struct {
	options *Options

	mu   sync.Mutex
	all  map[string]*peer
	gone list.List // of *peer, the one that left longest ago first
}

func newPeers(o *Options) *peers { return &peers{options: o, all: map[string]*peer{}} }

// acquire returns the peer of one more connection.
func (p *peers) acquire(name string) *peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.all[name]
	if one == nil {
		one = newPeer(p.options, name)
		p.all[name] = one
	}
	if one.place != nil {
		p.gone.Remove(one.place)
		one.place = nil
	}
	one.users++
	return one
}

// release takes a connection away from its peer.
func (p *peers) release(one *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one.users--; one.users > 0 {
		return
	}
	one.place = p.gone.PushBack(one)
	if p.gone.Len() > p.options.Peers {
		oldest := p.gone.Remove(p.gone.Front()).(*peer)
		delete(p.all, oldest.name)
	}
}
