package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/modules/rooms"
	"github.com/hawser-go/hawser/transport"
)

// The ends that are for the person: the page shows the words, and does not come back
// by itself. A browser tells its page nothing of a refused handshake, so whoever cannot
// be let in is connected, and told.
const (
	codeReplaced transport.CloseCode = 4000 + iota
	codeTaken
	codeBadName
	codeFull
)

const (
	wordsReplaced = "You have gone on in another window."
	wordsTaken    = "Somebody in this room has that name. Take another one."
	wordsBadName  = "A name has 1 to 32 characters that can be seen. So has a room."
	wordsFull     = "This room is full. Try another one."
	wordsNoRoom   = "There are too many rooms. Enter one that is there."
	wordsBroken   = "The page sent what the server does not understand. Load it again."

	whyBadLine = "a line has 1 to 1000 characters"
	whyBusy    = "the room is too busy; try again"
)

// joinTimeout bounds the waiting for a room. It is for a room that is flooded; others
// take microseconds.
const joinTimeout = 2 * time.Second

// chat is what outlives the module's actor: a restart of it loses neither people nor
// what was said. Only the actor touches it.
type chat struct {
	rooms    *rooms.Rooms        // who is where
	halls    map[string]*hall    // what was said there, by folded name
	visitors map[uint64]*visitor // by connection
	now      func() time.Time
}

// visitor is a connection that has joined.
type visitor struct {
	hall *hall
	person
	key string
}

// newChat returns the modules of a chat.
func newChat() ([]actors.Module, error) {
	r, err := rooms.New(rooms.Options{
		MaxRooms: maxRooms, MaxMembers: maxPeople, MaxRoomsPerConn: 1, MaxName: 8 * maxName,
		Slow:     rooms.CloseSlow, // it comes back, and asks for what it has missed
		Presence: presenceOf,
	})
	if err != nil {
		return nil, err
	}
	c := &chat{rooms: r, halls: map[string]*hall{}, visitors: map[uint64]*visitor{}, now: time.Now}
	module := modules.Define("chat", func(r *modules.Routes) {
		modules.On(r, typeJoin, c.join)
		modules.On(r, typeSay, c.say)
		modules.On(r, typeBeat, func(ctx *modules.Ctx, _ struct{}) error { return ctx.Send(typeBeat, nil) })
		r.OnDisconnect(func(ctx *modules.Ctx, _ error) { delete(c.visitors, ctx.Conn().ID()) })
	}, modules.WithErrors(hangUp), modules.With(func(m *actors.Module) {
		m.Path, m.Rule = socketPath, nil // all messages: those without a route are errors
		m.Async = true                   // Join waits for the room
	}))
	return []actors.Module{module, r.Module()}, nil
}

// presenceOf tells the page who came and went.
func presenceOf(_ string, d rooms.Diff) (transport.Message, bool) {
	p := presence{All: d.State, Joined: people(d.Joined), Left: people(d.Left)}
	payload, err := modules.JSON{}.Append(nil, modules.Header{Type: []byte(typePresence)}, p)
	return transport.Message{Kind: transport.Text, Payload: payload}, err == nil
}

func people(members []rooms.Member) []person {
	all := make([]person, len(members))
	for i, m := range members {
		all[i], _ = m.Meta.(person)
	}
	return all
}

// hangUp ends a connection that says what no page of ours says.
func hangUp(ctx *modules.Ctx, err error) {
	if ctx.Conn() != nil && !errors.Is(err, actors.ErrStopped) {
		ctx.Conn().Close(transport.PolicyViolation, wordsBroken)
	}
}

// sendAway ends a connection for a reason that the person should know.
func sendAway(ctx *modules.Ctx, code transport.CloseCode, words string) error {
	ctx.Conn().Close(code, words)
	return nil
}

var errOrder = errors.New("join comes first, and once")

// join gives a place to a connection, and tells it what its page has not seen.
func (c *chat) join(ctx *modules.Ctx, m join) error {
	name, ok1 := tidy(m.Name)
	room, ok2 := tidy(m.Room)
	switch {
	case c.visitors[ctx.Conn().ID()] != nil || !isID(m.Key):
		return errOrder
	case !ok1 || !ok2:
		return sendAway(ctx, codeBadName, wordsBadName)
	}
	h := c.enter(room)
	if h == nil {
		return sendAway(ctx, codeFull, wordsNoRoom)
	}
	v := &visitor{hall: h, person: person{ID: fold(name), Name: name}, key: m.Key}
	var full *rooms.LimitError
	switch err := c.seat(ctx.Conn(), v); {
	case errors.Is(err, errTaken):
		return sendAway(ctx, codeTaken, wordsTaken)
	case errors.As(err, &full):
		return sendAway(ctx, codeFull, wordsFull)
	case err != nil:
		return sendAway(ctx, transport.TryAgainLater, "")
	}
	c.visitors[ctx.Conn().ID()] = v
	return ctx.Send(typeWelcome, h.welcome(v.Name, m))
}

var errTaken = errors.New("somebody else has that name")

// seat makes a connection a member of the room. An older connection of the same page,
// which may be dead without anybody having noticed, makes room for it.
func (c *chat) seat(conn *actors.Conn, v *visitor) error {
	wait, cancel := context.WithTimeout(context.Background(), joinTimeout)
	defer cancel()
	room := c.rooms.Room(v.hall.id)
	for _, old := range room.Conns(v.ID) {
		before := c.visitors[old.ID()]
		if before != nil && subtle.ConstantTimeCompare([]byte(before.key), []byte(v.key)) == 0 {
			return errTaken
		}
		if err := room.Leave(wait, old); err != nil && !errors.Is(err, rooms.ErrNotMember) {
			return err
		}
		old.Close(codeReplaced, wordsReplaced)
	}
	return room.Join(wait, conn, rooms.Member{ID: v.ID, Meta: v.person})
}

// say tells everybody in the room a line, once.
func (c *chat) say(ctx *modules.Ctx, m say) error {
	v := c.visitors[ctx.Conn().ID()]
	if v == nil || !isID(m.ID) {
		return errOrder
	}
	text, ok := tidyText(m.Text)
	if !ok {
		return refuse(ctx, m.ID, whyBadLine)
	}
	if l, known := v.hall.history.find(m.ID); known {
		return ctx.Send(typeSaid, l) // it had arrived; only the page does not know
	}
	l := said{Seq: v.hall.history.last + 1, ID: m.ID, Name: v.Name, At: c.now().UnixMilli(), Text: text}
	payload, err := ctx.Codec().Append(nil, modules.Header{Type: []byte(typeSaid)}, l)
	if err != nil {
		return err
	}
	if err := c.rooms.Room(v.hall.id).Broadcast(transport.Message{Kind: transport.Text, Payload: payload}); err != nil {
		return refuse(ctx, m.ID, whyBusy)
	}
	v.hall.history.add(l)
	return nil
}

// refuse tells the page that a line is not said.
func refuse(ctx *modules.Ctx, id, why string) error {
	return ctx.Send(typeRefused, refusal{ID: id, Why: why})
}
