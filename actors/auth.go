package actors

import (
	"errors"
	"net/http"

	"github.com/hawser-go/hawser/transport"
)

// AuthError says that the peer did not accept our credentials. An Authenticate step
// returns it: the next attempt may bring fresh ones; refused again, the client stops
// with it as the cause, or is held (ClientOptions.HoldOnAuthFailure).
type AuthError struct{ Err error }

func (e *AuthError) Error() string {
	if e.Err == nil {
		return "actors: credentials not accepted"
	}
	return "actors: credentials not accepted: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *AuthError) Unwrap() error { return e.Err }

// Unauthorized implements what supervisor.Classify looks for.
func (*AuthError) Unauthorized() bool { return true }

// Unauthorized reports whether err says that credentials were not accepted: an
// AuthError, or a handshake refused with 401, 403 or 407.
func Unauthorized(err error) bool {
	if _, ok := errors.AsType[*AuthError](err); ok {
		return true
	}
	h, ok := errors.AsType[*transport.HandshakeError](err)
	return ok && (h.Status == http.StatusUnauthorized || h.Status == http.StatusForbidden || h.Status == http.StatusProxyAuthRequired)
}
