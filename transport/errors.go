package transport

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// ErrClosed is returned by calls on a Conn that has been closed on this side.
var ErrClosed = errors.New("transport: connection closed")

// ReadError says that the socket could not be read any more. Err is io.EOF when
// the peer went away without a close frame (close code 1006, RFC 6455 §7.1.5).
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return "transport: read: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ReadError) Unwrap() error { return e.Err }

// WriteError says that the socket could not be written any more.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return "transport: write: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// CloseError is a close frame: one that the peer sent, or that we owe it.
// Code is 1005 when the frame had none (RFC 6455 §7.1.5).
type CloseError struct {
	Code   CloseCode
	Reason string
}

func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("transport: closed by peer with %d (%s)", uint16(e.Code), e.Code)
	}
	return fmt.Sprintf("transport: closed by peer with %d (%s): %q", uint16(e.Code), e.Code, e.Reason)
}

// CloseCode returns the code, for those who do not import this package.
func (e *CloseError) CloseCode() uint16 { return uint16(e.Code) }

// ProtocolError says which rule or limit the peer broke, and with which code
// the connection is closed for it.
type ProtocolError struct {
	Code   CloseCode
	Detail string
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("transport: %s (%d)", e.Detail, uint16(e.Code))
}

// CloseCode returns the code, for those who do not import this package.
func (e *ProtocolError) CloseCode() uint16 { return uint16(e.Code) }

// DialError says that no connection came about before the handshake. Op is the
// step that failed: "url", "resolve", "connect", "proxy" or "tls". It never
// holds the URL's query, user or password.
type DialError struct {
	Op   string
	Addr string
	Err  error
}

func (e *DialError) Error() string {
	if e.Addr == "" {
		return "transport: " + e.Op + ": " + e.Err.Error()
	}
	return "transport: " + e.Op + " " + e.Addr + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *DialError) Unwrap() error { return e.Err }

// HandshakeError says that the opening handshake was refused or went wrong
// (RFC 6455 §4). On the client Status is what the server answered, or 0 when
// its answer was no valid handshake. On the server it is what we answered.
type HandshakeError struct {
	// Status is the HTTP status, or 0.
	Status int
	// RetryAfter is the server's Retry-After, made relative; 0 if it gave none.
	RetryAfter time.Duration
	// Header is the header of the answer.
	Header http.Header
	// Body is the start of the answer's body, at most 4 KiB.
	Body []byte
	// Detail says what was wrong, in words.
	Detail string
	// Err is the cause, if there is one.
	Err error
}

func (e *HandshakeError) Error() string {
	s := "transport: handshake"
	if e.Status != 0 {
		s += fmt.Sprintf(": status %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *HandshakeError) Unwrap() error { return e.Err }

// HTTPStatus returns the status and the Retry-After, for those who do not
// import this package.
func (e *HandshakeError) HTTPStatus() (status int, retryAfter time.Duration) {
	return e.Status, e.RetryAfter
}
