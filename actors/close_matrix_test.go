package actors

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
)

const (
	matrixTimeout = 5 * time.Second        // CloseTimeout, which is the default
	matrixSlack   = 500 * time.Millisecond // beyond it, until the socket is gone
	matrixQueue   = 64 << 10
	matrixMessage = 8 << 10
)

// TestCloseMatrix plays every way in which a connection ends, with every code, in
// every state of its queues, on a server and on a client. What must come of it is
// closeWanted's.
func TestCloseMatrix(t *testing.T) {
	for _, server := range []bool{true, false} {
		name := map[bool]string{true: "server", false: "client"}[server]
		t.Run(name, func(t *testing.T) {
			cells, failures, codes := 0, 0, closeCodes
			if raceEnabled || testing.Short() {
				codes = []int{1000, 1011, 4999, noCode, 1005, 0}
			}
			slowest := time.Duration(0)
			for _, mode := range closeModes {
				for _, state := range closeStates {
					t.Run(fmt.Sprint(mode, ", ", state), func(t *testing.T) {
						for _, code := range codes {
							c := &closeCell{server: server, code: code, mode: mode, state: state, number: cells}
							inWorld(t, c.play)
							cells++
							slowest = max(slowest, c.took)
							if len(c.faults) > 0 {
								failures++
								t.Errorf("code %d: %s", code, strings.Join(c.faults, "; "))
							}
						}
					})
				}
			}
			t.Logf("%s: %d cells, %d failures; the slowest socket was gone %v after the close began (time-out %v)", name, cells, failures, slowest, matrixTimeout)
			if want := len(codes) * len(closeModes) * len(closeStates); cells != want {
				t.Errorf("%d cells, want %d", cells, want)
			}
		})
	}
}

// closeCell is one cell of the matrix.
type closeCell struct {
	server bool
	code   int
	mode   closeMode
	state  closeState
	number int

	w      *world
	client *Client
	conn   *Conn
	peer   *peer
	causes chan error
	sent   int // messages that were accepted
	seen   closeSight
	took   time.Duration
	faults []string
}

// closeSight is what the peer sees from the close on.
type closeSight struct {
	data   int // messages before the close frame
	broken bool
	frames []string // close frames
	behind int      // frames behind the first
	end    string
}

func (c *closeCell) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// play is the whole cell.
func (c *closeCell) play(t *testing.T, w *world) {
	c.w, c.causes = w, make(chan error, 1)
	if c.server {
		c.acceptOne()
	} else {
		c.dialOne(t)
	}
	c.prepare()
	time.Sleep(time.Duration(c.number*7%1000) * time.Millisecond) // at any time between two looks of a shard
	began := time.Now()
	gone := make(chan time.Duration, 1)
	wire := c.conn.wire
	go func() {
		<-wire.Done()
		gone <- time.Since(began)
	}()
	c.begin()
	select {
	case c.took = <-gone:
	case <-time.After(time.Minute):
		c.took = time.Since(began)
		c.fault("the socket is still there after a minute")
	}
	_ = c.peer.nc.Close()
	synctest.Wait()
	c.judge()
	c.finish()
}

// closeProbe shows the connection and its end.
type closeProbe struct {
	conns  chan *Conn
	causes chan error
}

func (p closeProbe) OnMessage(ctx *Context, m transport.Message) {
	if string(m.Payload) == "hello" {
		p.conns <- ctx.Conn()
	}
}

func (p closeProbe) OnDisconnect(_ *Context, cause error) { p.causes <- cause }

func (c *closeCell) probe() (Module, chan *Conn) {
	p := closeProbe{conns: make(chan *Conn, 1), causes: c.causes}
	return Module{Name: "probe", New: func() Handler { return p }}, p.conns
}

func (c *closeCell) acceptOne() {
	m, conns := c.probe()
	c.w.serve(ServerOptions{Modules: []Module{m}, Outbox: OutboxLimits{Bytes: matrixQueue, Overflow: RejectNewest}})
	c.peer = c.w.meet("/")
	c.peer.text("hello")
	c.conn = <-conns
}

func (c *closeCell) dialOne(t *testing.T) {
	m, conns := c.probe()
	var err error
	c.client, err = Dial(t.Context(), c.w.system, "ws://hawser.test/", ClientOptions{
		NetDial: c.w.listener.Dial, Restart: supervisor.Temporary, Modules: []Module{m}, Outbox: OutboxLimits{Bytes: matrixQueue},
	})
	if err != nil {
		t.Fatal(err)
	}
	nc, _ := c.w.listener.Accept()
	if _, err := ws.Upgrade(nc); err != nil {
		t.Fatal(err)
	}
	c.peer = &peer{t: t, nc: nc, in: bufio.NewReader(nc)}
	c.peer.text("hello")
	c.conn = <-conns
}

// prepare brings the connection into its state.
func (c *closeCell) prepare() {
	switch c.state {
	case midMessage:
		c.peer.write(piece{head: text & more, body: "begin"})
	case queueFull:
		for ; c.sent < 1000; c.sent++ {
			message := make([]byte, matrixMessage)
			binary.BigEndian.PutUint32(message, uint32(c.sent))
			if _, err := c.conn.Send(transport.Binary, message); err != nil {
				break
			}
			synctest.Wait()
		}
		if c.sent < 12 || c.sent == 1000 {
			c.fault("the queue was not filled: %d messages", c.sent)
		}
	case whileIdle:
	}
	synctest.Wait()
}

// begin lets the close happen, and plays the peer to its end.
func (c *closeCell) begin() {
	theirs := piece{head: bye}
	if c.code != noCode {
		theirs.body = closeBody(c.code, "theirs")
	}
	ours := func() { c.conn.Close(transport.CloseCode(max(c.code, 0)), "ours") }
	switch c.mode {
	case weFirst:
		ours()
		c.read(true)
	case peerFirst:
		c.peer.write(theirs)
		c.read(false)
	case bothAtOnce:
		way := c.w.link()
		there, back := c.ways()
		way.Stall(there)
		c.peer.write(theirs)
		way.Stall(back)
		ours()
		synctest.Wait()
		way.Unstall(there)
		way.Unstall(back)
		c.read(false)
	case noReply:
		ours()
		if c.state == queueFull {
			time.Sleep(time.Minute)
		}
		c.read(false)
	case halfClose:
		c.peer.write(theirs)
		_ = c.peer.nc.(interface{ CloseWrite() error }).CloseWrite()
		c.read(false)
	case resetByIt:
		ours()
		synctest.Wait()
		c.w.link().Reset()
		c.read(false)
	}
}

// read reads to the end. A peer that answers completes its message first, and then
// echoes the close frame.
func (c *closeCell) read(answers bool) {
	p := c.peer
	for {
		_ = p.nc.SetReadDeadline(time.Now().Add(time.Minute))
		f, err := readFrame(p.in)
		if err != nil {
			c.seen.end = endOf(err)
			if c.seen.end == "EOF" {
				_ = p.nc.Close() // as a polite peer does
			}
			return
		}
		c.take(ws.UnmaskFrameInPlace(f))
		if f.Header.OpCode == ws.OpClose && answers {
			answers = false
			if c.state == midMessage {
				p.write(piece{head: last, body: "end"})
			}
			p.write(piece{head: bye, body: string(f.Payload)})
		}
	}
}

func endOf(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case err == io.EOF: //nolint:errorlint // what readers return, never wrapped
		return "EOF"
	}
	return err.Error()
}

func (c *closeCell) take(f ws.Frame) {
	s := &c.seen
	if len(s.frames) > 0 {
		s.behind++
	}
	switch f.Header.OpCode {
	case ws.OpClose:
		s.frames = append(s.frames, show(ws.OpClose, string(f.Payload)))
	case ws.OpBinary:
		s.broken = s.broken || len(f.Payload) != matrixMessage || binary.BigEndian.Uint32(f.Payload) != uint32(s.data)
		s.data++
	default:
		s.broken = s.broken || f.Header.OpCode != ws.OpPing
	}
}
