package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// ErrUnknownToken is why a token was refused, a missing one included. The client is
// told no more than 401.
var ErrUnknownToken = errors.New("auth: unknown token")

// Bearer returns the token of the request's Authorization header (RFC 6750 §2.1), or
// "". A browser cannot set that header: use a cookie, and check the origin.
func Bearer(r *transport.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Cookie returns a find for Tokens: the value of a cookie, or "". Since browsers send
// cookies along with whatever page asks, CheckOrigin must not let every page in.
func Cookie(name string) func(*transport.Request) string {
	return func(r *transport.Request) string {
		for _, line := range r.Header["Cookie"] {
			cookies, err := http.ParseCookie(line)
			if err != nil {
				continue
			}
			for _, c := range cookies {
				if c.Name == name {
					return c.Value
				}
			}
		}
		return ""
	}
}

// Tokens returns an actors.ServerOptions.Authenticate that knows these tokens. find
// takes the token out of a request; nil is [Bearer]. Who has none, or an unknown one,
// gets 401. How long it takes tells nothing about the tokens.
func Tokens(tokens map[string]actors.Principal, find func(*transport.Request) string) func(context.Context, *transport.Request) (actors.Principal, error) {
	if find == nil {
		find = Bearer
	}
	known := make(map[[sha256.Size]byte]actors.Principal, len(tokens))
	for token, p := range tokens {
		if token != "" && p != nil {
			known[sha256.Sum256([]byte(token))] = p
		}
	}
	return func(_ context.Context, r *transport.Request) (actors.Principal, error) {
		p, ok := known[sha256.Sum256([]byte(find(r)))]
		if !ok {
			return nil, &transport.HandshakeError{
				Status: http.StatusUnauthorized, Detail: "unknown token", Err: ErrUnknownToken,
				Header: http.Header{"Www-Authenticate": {"Bearer"}},
			}
		}
		return p, nil
	}
}
