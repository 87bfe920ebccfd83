package main

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

// threshold is the length in bytes below which a message goes uncompressed: that of the
// other libraries.
const threshold = 512

const state = ws.StateServerSide | ws.StateExtended

// compressed is a connection with permessage-deflate, read and written as gobwas' README
// shows for wsutil. What is large, the compressors and decompressors, it takes from a
// pool for one message, as the README's own helpers do not.
type compressed struct {
	conn    net.Conn
	message wsflate.MessageState
	frames  *wsutil.Reader
	control wsutil.FrameHandlerFunc
	buffer  bytes.Buffer
}

func newCompressed(c net.Conn) *compressed {
	m := &compressed{conn: c, control: wsutil.ControlFrameHandler(c, ws.StateServerSide)}
	m.frames = &wsutil.Reader{
		Source: c, State: state, MaxMessageSize: peer.MaxMessage,
		Extensions: []wsutil.RecvExtension{&m.message}, OnIntermediate: m.control,
	}
	return m
}

func (m *compressed) read() (ws.OpCode, []byte, error) {
	for {
		h, err := m.frames.NextFrame()
		if err != nil {
			return 0, nil, err
		}
		if h.OpCode.IsControl() {
			if err := m.control(h, m.frames); err != nil {
				return 0, nil, err
			}
			continue
		}
		m.buffer.Reset()
		if m.message.IsCompressed() {
			err = m.inflate()
		} else {
			_, err = m.buffer.ReadFrom(m.frames)
		}
		return h.OpCode, m.buffer.Bytes(), err
	}
}

var inflaters = sync.Pool{New: func() any {
	return wsflate.NewReader(nil, func(r io.Reader) wsflate.Decompressor { return &inflater{flate.NewReader(r)} })
}}

// inflater lets wsflate use a decompressor again: flate's own Reset has an argument more.
type inflater struct{ io.ReadCloser }

// Reset implements wsflate.ReadResetter.
func (i *inflater) Reset(r io.Reader) { _ = i.ReadCloser.(flate.Resetter).Reset(r, nil) }

func (m *compressed) inflate() error {
	r := inflaters.Get().(*wsflate.Reader)
	r.Reset(m.frames)
	n, err := m.buffer.ReadFrom(io.LimitReader(r, peer.MaxMessage+1))
	if n > peer.MaxMessage {
		err = errors.New("message too big")
	}
	if err == nil {
		inflaters.Put(r)
	}
	return err
}

func (m *compressed) write(op ws.OpCode, p []byte) error { return deflate(m.conn, op, p) }

// deflater writes one message at a time.
type deflater struct {
	message    wsflate.MessageState
	extensions []wsutil.SendExtension // the message
	frames     *wsutil.Writer
	stream     *wsflate.Writer
}

var deflaters = sync.Pool{New: func() any {
	d := &deflater{
		frames: wsutil.NewWriter(nil, state, ws.OpText),
		stream: wsflate.NewWriter(nil, func(w io.Writer) wsflate.Compressor {
			f, _ := flate.NewWriter(w, flate.BestSpeed) // fails for unknown levels only
			return f
		}),
	}
	d.extensions = []wsutil.SendExtension{&d.message}
	return d
}}

// deflate writes a message to dst, compressed unless it is short.
func deflate(dst io.Writer, op ws.OpCode, p []byte) error {
	d := deflaters.Get().(*deflater)
	d.frames.Reset(dst, state, op)
	d.frames.SetExtensions(d.extensions...)
	d.message.SetCompressed(len(p) >= threshold)
	if err := d.write(p); err != nil {
		return err // the writers keep it: d is of no more use
	}
	deflaters.Put(d)
	return nil
}

func (d *deflater) write(p []byte) error {
	if !d.message.IsCompressed() {
		if _, err := d.frames.Write(p); err != nil {
			return err
		}
		return d.frames.Flush()
	}
	d.stream.Reset(d.frames)
	if _, err := d.stream.Write(p); err != nil {
		return err
	}
	if err := d.stream.Flush(); err != nil {
		return err
	}
	return d.frames.Flush()
}
