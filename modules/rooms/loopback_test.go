package rooms

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-go/hawser/actors"
)

// Over real sockets: 200 connections, each in three rooms, and several who broadcast
// at once. Each member gets each message of each of its rooms once, and in the order
// in which its sender sent them.
func TestRoomsOverRealSockets(t *testing.T) {
	const connections, senders, each = 200, 4, 25
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	w := newWorld(t, setting{}, func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, ln.Addr().String())
	})
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(ln) }()
	all := make([]*visitor, connections)
	for i := range all {
		all[i] = w.visit()
		for j := range 3 {
			w.join(fmt.Sprint("room", (i+j)%10), fmt.Sprint(i), all[i])
		}
	}
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for n := range each {
				for room := range 10 {
					err := w.rooms.Room(fmt.Sprint("room", room)).Broadcast(text(fmt.Sprintf("room%d %d %d", room, s, n)))
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	want := 3 * senders * each
	deadline := time.Now().Add(20 * time.Second)
	for i, v := range all {
		for v.count() < want && time.Now().Before(deadline) {
			<-time.After(5 * time.Millisecond)
		}
		v.inOrder(t, i, want)
	}
	if got := w.rooms.Stats(); got.Reached != connections*uint64(want) || got.Skipped+got.Failed+got.Busy != 0 {
		t.Errorf("%+v", got)
	}
	for _, v := range all[:connections/2] {
		if err := v.Close(bg); err != nil {
			t.Error(err)
		}
	}
	for w.rooms.Stats().Memberships > 3*connections/2 && time.Now().Before(deadline) {
		<-time.After(5 * time.Millisecond)
	}
	if s := w.rooms.Stats(); s.Memberships != 3*connections/2 || s.Connections != connections/2 {
		t.Errorf("half of them have gone: %+v", s)
	}
	w.close()
	if err := <-served; !errors.Is(err, actors.ErrServerClosed) {
		t.Errorf("serve returned %v", err)
	}
	w.nothingLeft()
}

func (v *visitor) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.came)
}

// inOrder checks that a visitor got the messages of its rooms.
func (v *visitor) inOrder(t *testing.T, number, want int) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	next := map[string]int{} // by room and sender
	rooms := []string{}
	for _, s := range v.came {
		var n int
		i := strings.LastIndex(s, " ")
		if _, err := fmt.Sscan(s[i+1:], &n); err != nil || next[s[:i]] != n {
			t.Fatalf("visitor %d got %q, want number %d", number, s, next[s[:i]])
		}
		next[s[:i]]++
		if room, _, _ := strings.Cut(s, " "); !slices.Contains(rooms, room) {
			rooms = append(rooms, room)
		}
	}
	if len(v.came) != want || len(rooms) != 3 {
		t.Errorf("visitor %d got %d messages of %q, want %d of three rooms", number, len(v.came), rooms, want)
	}
}
