package supervisor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// What an error may have, found with errors.As, so that no package needs to be
// known here. An error with Terminal() true is never retried; RetryAfter is the
// delay that a close frame may ask for.
type (
	terminal interface {
		error
		Terminal() bool
	}
	closed interface {
		error
		CloseCode() uint16
	}
	answered interface {
		error
		HTTPStatus() (status int, retryAfter time.Duration)
	}
	delayed interface {
		error
		RetryAfter() time.Duration
	}
	unauthorized interface {
		error
		Unauthorized() bool
	}
)

// Classify is the default table of what a failure means. It looks, in this order,
// for an error in the chain
//
//   - with a method Terminal() bool that is true, an untrusted certificate or a
//     malformed URL: Stop;
//   - with a method Unauthorized() bool that is true: one more attempt, as with 401;
//   - with a method CloseCode() uint16, a WebSocket close code (RFC 6455 §7.4);
//   - with a method HTTPStatus() (int, time.Duration), an HTTP status other than 0
//     and its Retry-After.
//
// All else is Retry: DNS failures, refused and reset connections, time-outs, EOF,
// panics, and what nobody has thought of.
func Classify(err error) Verdict {
	if hopeless(err) {
		return Verdict{Action: Stop}
	}
	if u, ok := errors.AsType[unauthorized](err); ok && u.Unauthorized() {
		return Verdict{Once: true}
	}
	if c, ok := errors.AsType[closed](err); ok {
		return classifyClose(c.CloseCode(), err)
	}
	if h, ok := errors.AsType[answered](err); ok {
		if status, after := h.HTTPStatus(); status != 0 {
			return classifyStatus(status, after)
		}
	}
	return Verdict{}
}

// hopeless reports whether an attempt with the same input fails the same way.
func hopeless(err error) bool {
	if t, ok := errors.AsType[terminal](err); ok && t.Terminal() {
		return true
	}
	if e, ok := errors.AsType[*url.Error](err); ok && e.Op == "parse" {
		return true
	}
	return untrusted(err)
}

// untrusted reports whether the peer's certificate was not accepted.
func untrusted(err error) bool {
	for _, is := range []func(error) bool{
		is[*tls.CertificateVerificationError],
		is[x509.UnknownAuthorityError],
		is[x509.HostnameError],
		is[x509.CertificateInvalidError],
		is[x509.UnhandledCriticalExtension],
		is[x509.InsecureAlgorithmError],
		is[x509.ConstraintViolationError],
	} {
		if is(err) {
			return true
		}
	}
	return false
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func classifyClose(code uint16, err error) Verdict {
	switch {
	case code == 1000:
		return Verdict{Normal: true}
	case code == 1002, code == 1003, code >= 1007 && code <= 1010:
		return Verdict{Action: Stop} // what we did, or what the peer is, would be the same again
	case code == 1012, code == 1013:
		if r, ok := errors.AsType[delayed](err); ok {
			return after(r.RetryAfter())
		}
	case code >= 3500 && code <= 3999, code >= 4500 && code <= 4999:
		return Verdict{Action: Stop} // the ranges by which Centrifugo tells its clients not to come back
	}
	return Verdict{}
}

func classifyStatus(status int, wait time.Duration) Verdict {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return Verdict{Once: true}
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusTooEarly:
		return after(wait)
	}
	switch {
	case status >= 300 && status < 500:
		return Verdict{Action: Stop}
	case status >= 500:
		return after(wait)
	}
	return Verdict{} // 1xx and 2xx: something in between answered, and may not the next time
}

func after(d time.Duration) Verdict {
	if d <= 0 {
		return Verdict{}
	}
	return Verdict{Action: RetryAfter, After: d}
}
