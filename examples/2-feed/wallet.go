package main

import (
	"context"
	"errors"
	"sync"

	"github.com/hawser-go/hawser/actors"
)

// wallet has the token of a user, and fetches a new one when the old one is no good
// any more.
type wallet struct {
	user  string
	fetch func(user string) string // asks the exchange

	mu      sync.Mutex
	token   string
	fetched int
}

// logIn is the client's ClientOptions.Authenticate: the first thing on every
// connection. What it sends goes ahead of everything that waits, what it receives no
// module sees.
func (w *wallet) logIn(ctx context.Context, o *actors.Setup) error {
	token := w.get()
	m := message(typeLogin, login{User: w.user, Token: token})
	if _, err := o.Send(m.Kind, m.Payload); err != nil {
		return err
	}
	for {
		m, err := o.Receive(ctx)
		if err != nil {
			return err
		}
		var yes welcome
		var no denied
		switch {
		case read(m, typeWelcome, &yes):
			o.Identify(yes.User)
			return nil
		case read(m, typeDenied, &no):
			// The client tries once more, and stops if it is refused again: it must bring
			// another token then. (Attempt.Refused would say so to a step that has no
			// memory of its own.)
			w.forget(token)
			return &actors.AuthError{Err: errors.New(no.Reason)}
		}
	}
}

// get returns the token, a new one if there is none.
func (w *wallet) get() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.token == "" {
		w.token = w.fetch(w.user)
		w.fetched++
	}
	return w.token
}

// forget throws a token away that is no good any more.
func (w *wallet) forget(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.token == token {
		w.token = ""
	}
}
