package modules

import (
	"reflect"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// keptScratch is the largest buffer for encoding that a module keeps.
const keptScratch = 64 << 10

// Ctx is what a function of a module has at hand. It is valid until the function
// returns, and belongs to its goroutine; Conn may be kept.
type Ctx struct {
	actor   *actors.Context
	codecs  Codecs
	message transport.Message
	routed  bool // there is a message, and its turn writes the replies
	header  Header
	read    Parts // parts of the header that have been read
	codec   Codec // of conn
	json    JSON  // codec, if isJSON
	isJSON  bool
	conn    *actors.Conn
	scratch []byte // for the payload of what is sent
	typ     []byte // for its type
}

// enter makes c the context of a call by the actor.
func (c *Ctx) enter(ctx *actors.Context) {
	c.actor, c.routed, c.read = ctx, false, 0
	c.message, c.header = transport.Message{}, Header{}
	if conn := ctx.Conn(); conn != c.conn || c.codec == nil {
		c.conn, c.codec = conn, c.codecs.Of("")
		if conn != nil {
			c.codec = c.codecs.Of(conn.Subprotocol())
		}
		c.json, c.isJSON = c.codec.(JSON)
	}
}

// receive makes c the context of a message.
func (c *Ctx) receive(ctx *actors.Context, m transport.Message) {
	c.enter(ctx)
	c.message, c.routed = m, true
}

// leave lets go of what is valid only during the call.
func (c *Ctx) leave() {
	c.actor, c.routed, c.read = nil, false, 0
	c.message, c.header = transport.Message{}, Header{}
}

// Actor returns the module's actors.Context: PIDs, spawning, requests, replies of
// bytes.
func (c *Ctx) Actor() *actors.Context { return c.actor }

// Conn returns the connection that the message came from, or that a hook is about;
// nil where there is none. It may be kept.
func (c *Ctx) Conn() *actors.Conn { return c.conn }

// Codec returns the codec of the connection.
func (c *Ctx) Codec() Codec { return c.codec }

// Message returns the message as it came. In a hook it is empty.
func (c *Ctx) Message() transport.Message { return c.message }

// Type returns the type of the message, or "".
func (c *Ctx) Type() string { return string(c.peeked(TypePart).Type) }

// ID returns the id of the message, which Reply will carry, or "".
func (c *Ctx) ID() string { return string(c.peeked(IDPart).ID) }

// peeked returns the header with the parts that the message has of those wanted.
func (c *Ctx) peeked(want Parts) Header {
	if c.routed && c.read&want != want {
		// A message that cannot be read has no type and no id: whoever decodes it is
		// told why.
		c.header, _ = peek(c.codec, c.message, c.read|want)
		c.read |= want
	}
	return c.header
}

// decode decodes the content of the message into v, of which s is the shape. JSON reads
// the header on the way: a reply wants the id.
func (c *Ctx) decode(v any, s *shape) (err error) {
	if !c.isJSON || s == nil {
		return decode(c.codec, c.message, c.header.Type, v)
	}
	defer func() {
		if r := recover(); r != nil {
			err = c.undecodable(&PanicError{Value: r})
		}
	}()
	var h Header
	if c.json.read(c.message.Payload, s, reflect.ValueOf(v).Elem(), &h) {
		c.header, c.read = h, TypePart|IDPart|ErrorPart
		return nil
	}
	if err := c.json.decode(c.message, v); err != nil {
		return c.undecodable(err)
	}
	return nil
}

func (c *Ctx) undecodable(err error) error {
	return &CodecError{Codec: c.json.Name(), Op: "decode", Type: string(c.header.Type), Err: err}
}

// Send accepts a message of a type for the peer. v is its content, or nil. An error
// says why it was not accepted: ErrNotReady where there is no connection, a
// *CodecError, or what Conn.Send says.
func (c *Ctx) Send(typ string, v any) error {
	return c.send(typ, Header{}, v)
}

// Reply is Send with the id of the message that is being handled, if it has one.
func (c *Ctx) Reply(typ string, v any) error {
	asked := c.peeked(IDPart)
	return c.send(typ, Header{ID: asked.ID, number: asked.number}, v)
}

// ReplyError is Reply that says that the request failed, and why. Text goes to the
// peer as it is: say nothing in it that is not meant for them.
func (c *Ctx) ReplyError(typ, text string) error {
	asked := c.peeked(IDPart)
	return c.send(typ, Header{ID: asked.ID, Error: []byte(text), number: asked.number}, nil)
}

func (c *Ctx) send(typ string, h Header, v any) error {
	if c.conn == nil {
		return ErrNotReady
	}
	h.Type = append(c.typ[:0], typ...)
	scratch := c.scratch
	c.typ, c.scratch = nil, nil // whoever encodes v may send too
	b, err := encode(c.codec, scratch[:0], h, v)
	if c.typ = h.Type; err != nil {
		return err
	}
	if cap(b) <= keptScratch {
		c.scratch = b
	}
	if c.routed { // leaves with the other replies of the turn
		_, err = c.actor.Reply(c.codec.Kind(), b)
	} else {
		_, err = c.conn.Send(c.codec.Kind(), b)
	}
	return err
}
