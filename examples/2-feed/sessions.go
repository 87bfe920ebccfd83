package main

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// sessions knows who is logged in, and on which connection. Its module is the one
// that clients talk to first.
type sessions struct {
	mu     sync.Mutex
	issued int
	tokens map[string]string // user by token
	users  map[*actors.Conn]string
	denied int
}

func newSessions() *sessions {
	return &sessions{tokens: map[string]string{}, users: map[*actors.Conn]string{}}
}

// issue makes a token. A real exchange does that over HTTPS, for a password.
func (s *sessions) issue(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	token := fmt.Sprintf("%s-%d", user, s.issued)
	s.tokens[token] = user
	return token
}

// expire makes all tokens worthless. Who is logged in stays so.
func (s *sessions) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

func (s *sessions) module() actors.Module {
	return modules.Define("sessions", func(r *modules.Routes) {
		modules.On(r, typeLogin, func(c *modules.Ctx, l login) error {
			if err := s.enter(c.Conn(), l); err != nil {
				return c.Reply(typeDenied, denied{Reason: err.Error()})
			}
			return c.Reply(typeWelcome, welcome{User: l.User, Venue: c.Conn().Path()})
		})
		modules.On(r, typePresence, func(*modules.Ctx, struct{}) error { return nil })
		r.OnDisconnect(func(c *modules.Ctx, _ error) { s.leave(c.Conn()) })
	})
}

// errExpired is what a client is told whose token is no good.
var errExpired = errors.New("the token has expired")

// enter lets a client in that has a good token.
func (s *sessions) enter(conn *actors.Conn, l login) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.User == "" || s.tokens[l.Token] != l.User {
		s.denied++
		return errExpired
	}
	s.users[conn] = l.User
	return nil
}

func (s *sessions) leave(conn *actors.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.users, conn)
}

// knows reports whether somebody has logged in on a connection.
func (s *sessions) knows(conn *actors.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[conn] != ""
}

// close ends all connections with the close handshake.
func (s *sessions) close(code transport.CloseCode, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.users {
		conn.Close(code, reason)
	}
}
