package supervisor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The errors of the tests have what those of a transport have.
type (
	closeError  uint16
	closeLater  time.Duration
	statusError struct {
		status int
		after  time.Duration
		cause  error
	}
	finalError bool
)

func (e closeError) Error() string             { return fmt.Sprintf("close %d", uint16(e)) }
func (e closeError) CloseCode() uint16         { return uint16(e) }
func (e closeLater) Error() string             { return "close 1013" }
func (e closeLater) CloseCode() uint16         { return 1013 }
func (e closeLater) RetryAfter() time.Duration { return time.Duration(e) }
func (e *statusError) Error() string           { return fmt.Sprintf("status %d", e.status) }
func (e *statusError) Unwrap() error           { return e.cause }
func (e finalError) Error() string             { return "url" }
func (e finalError) Terminal() bool            { return bool(e) }

func (e *statusError) HTTPStatus() (status int, retryAfter time.Duration) { return e.status, e.after }

func TestClassifyFollowsTheTable(t *testing.T) {
	retry, stop, once := Verdict{}, Verdict{Action: Stop}, Verdict{Once: true}
	later := Verdict{Action: RetryAfter, After: 7 * time.Second}
	_, badURL := url.Parse(strings.TrimSuffix("ws://[::1]", "]"))
	type row struct {
		err  error
		want Verdict
	}
	rows := []row{
		{nil, retry},
		{io.EOF, retry},
		{errors.New("nobody thought of it"), retry},
		{&PanicError{Value: "bug"}, retry},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, retry},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, retry},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, retry},
		{os.ErrDeadlineExceeded, retry},
		{context.DeadlineExceeded, retry},
		{context.Canceled, retry},
		{tls.AlertError(40), retry},
		{badURL, stop},
		{&url.Error{Op: "Get", Err: io.EOF}, retry},
		{finalError(true), stop},
		{finalError(false), retry},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, stop},
		{x509.UnknownAuthorityError{}, stop},
		{x509.HostnameError{Certificate: &x509.Certificate{}}, stop},
		{x509.CertificateInvalidError{Reason: x509.Expired}, stop},
		{&statusError{status: 0, cause: io.EOF}, retry},
		{&statusError{status: 0, cause: x509.UnknownAuthorityError{}}, stop},
		{closeLater(7 * time.Second), later},
		{closeLater(0), retry},
	}
	codes := func(want Verdict, codes ...uint16) {
		for _, c := range codes {
			rows = append(rows, row{closeError(c), want})
		}
	}
	codes(Verdict{Normal: true}, 1000)
	codes(retry, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015, 3000, 3499, 4000, 4499)
	codes(stop, 1002, 1003, 1007, 1008, 1009, 1010, 3500, 3999, 4500, 4999)
	statuses := func(want Verdict, after time.Duration, statuses ...int) {
		for _, s := range statuses {
			rows = append(rows, row{&statusError{status: s, after: after}, want})
		}
	}
	statuses(once, 0, 401, 403, 407)
	statuses(stop, 0, 301, 302, 307, 400, 404, 405, 410, 426)
	statuses(retry, 0, 200, 408, 425, 429, 500, 502, 503, 504)
	statuses(later, 7*time.Second, 408, 425, 429, 500, 503)
	for _, r := range rows {
		for _, err := range []error{r.err, fmt.Errorf("wrapped: %w", r.err)} {
			if got := Classify(err); got != r.want {
				t.Errorf("%v (%T): got %+v, want %+v", err, r.err, got, r.want)
			}
		}
	}
}

func TestNamesOfActionsAndRestartTypes(t *testing.T) {
	for v, want := range map[fmt.Stringer]string{
		Retry: "retry", RetryNow: "retry now", RetryAfter: "retry after", Stop: "stop", Escalate: "escalate",
		Action(9): "unknown action", Permanent: "permanent", Transient: "transient", Temporary: "temporary",
		RestartType(9): "unknown restart type",
	} {
		if v.String() != want {
			t.Errorf("got %q, want %q", v, want)
		}
	}
}
