//go:build linux

package siege

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// dialFunc opens the socket below a WebSocket.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// visitor is a client with a goroutine that reads, over any kind of connection. It
// answers pings and close frames as a polite peer does, and remembers when it ended.
type visitor struct {
	nc      net.Conn
	writing sync.Mutex

	mu     sync.Mutex
	heard  string        // the latest message
	change chan struct{} // closed when heard changes
	left   bool          // our close frame is out
	at     time.Time     // of the end

	ended chan struct{} // closed when nothing will come any more
}

// visit opens a WebSocket within the time of ctx.
func visit(ctx context.Context, dial dialFunc, addr string) (*visitor, error) {
	nc, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	end, _ := ctx.Deadline()
	_ = nc.SetDeadline(end)
	in := bufio.NewReaderSize(nc, 2<<10)
	if _, err = io.WriteString(nc, request("/")); err == nil {
		r := readReply(in)
		if err = r.err; err == nil && r.status != http.StatusSwitchingProtocols {
			err = fmt.Errorf("siege: answered %d", r.status)
		}
	}
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	_ = nc.SetDeadline(time.Time{})
	v := &visitor{nc: nc, change: make(chan struct{}), ended: make(chan struct{})}
	go v.read(in)
	return v, nil
}

// read reads until the end of the socket.
func (v *visitor) read(in *bufio.Reader) {
	defer close(v.ended)
	defer func() { _ = v.nc.Close() }()
	for {
		f, err := readFrame(in, false)
		if err != nil {
			v.mu.Lock()
			v.at = time.Now()
			v.mu.Unlock()
			return
		}
		switch f.op {
		case opPing:
			_ = v.write(opPong, f.payload)
		case opClose:
			_ = v.bye(f.payload)
		case opText:
			v.mu.Lock()
			v.heard = string(f.payload)
			close(v.change)
			v.change = make(chan struct{})
			v.mu.Unlock()
		}
	}
}

// bye sends a close frame, once.
func (v *visitor) bye(payload []byte) error {
	v.mu.Lock()
	left := v.left
	v.left = true
	v.mu.Unlock()
	if left {
		return nil
	}
	return v.write(opClose, payload)
}

func (v *visitor) write(op byte, payload []byte) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	_ = v.nc.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := v.nc.Write(appendFrame(nil, fin|op, payload))
	return err
}

// errEnded is why nothing is echoed any more.
var errEnded = errors.New("siege: the connection ended")

// ask sends a text and waits for its echo.
func (v *visitor) ask(text string, limit time.Duration) error {
	if err := v.write(opText, []byte(text)); err != nil {
		return err
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		v.mu.Lock()
		heard, change := v.heard, v.change
		v.mu.Unlock()
		if heard == text {
			return nil
		}
		select {
		case <-change:
		case <-v.ended:
			return errEnded
		case <-timer.C:
			return context.DeadlineExceeded
		}
	}
}

// over reports whether the socket has come to its end.
func (v *visitor) over() bool {
	select {
	case <-v.ended:
		return true
	default:
		return false
	}
}

// leave ends the connection in order, or by force when that takes too long.
func (v *visitor) leave(limit time.Duration) {
	_ = v.bye([]byte{0x03, 0xe8})
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-v.ended:
	case <-timer.C:
		_ = v.nc.Close()
		<-v.ended
	}
}
