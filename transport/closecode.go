package transport

import (
	"fmt"
	"unicode/utf8"
)

// CloseCode is the status code of a close frame (RFC 6455 §7.4).
type CloseCode uint16

// The registered close codes. NoStatus, Abnormal and TLSFailure are never sent.
const (
	NormalClosure    CloseCode = 1000
	GoingAway        CloseCode = 1001
	ProtocolFailure  CloseCode = 1002
	UnsupportedData  CloseCode = 1003
	NoStatus         CloseCode = 1005
	Abnormal         CloseCode = 1006
	InvalidPayload   CloseCode = 1007
	PolicyViolation  CloseCode = 1008
	MessageTooBig    CloseCode = 1009
	MissingExtension CloseCode = 1010
	InternalError    CloseCode = 1011
	ServiceRestart   CloseCode = 1012
	TryAgainLater    CloseCode = 1013
	BadGateway       CloseCode = 1014
	TLSFailure       CloseCode = 1015
)

var closeCodeNames = map[CloseCode]string{
	NormalClosure:    "normal closure",
	GoingAway:        "going away",
	ProtocolFailure:  "protocol error",
	UnsupportedData:  "unsupported data",
	NoStatus:         "no status",
	Abnormal:         "abnormal closure",
	InvalidPayload:   "invalid payload",
	PolicyViolation:  "policy violation",
	MessageTooBig:    "message too big",
	MissingExtension: "missing extension",
	InternalError:    "internal error",
	ServiceRestart:   "service restart",
	TryAgainLater:    "try again later",
	BadGateway:       "bad gateway",
	TLSFailure:       "TLS failure",
}

// String returns the code's name, or its range.
func (c CloseCode) String() string {
	if s, ok := closeCodeNames[c]; ok {
		return s
	}
	switch {
	case c >= 3000 && c < 4000:
		return "registered by a framework"
	case c >= 4000 && c < 5000:
		return "private use"
	}
	return fmt.Sprintf("undefined %d", uint16(c))
}

// Sendable reports whether the code may stand in a close frame. RFC 6455 §7.4
// and the IANA registry allow 1000–1003, 1007–1014 and 3000–4999.
func (c CloseCode) Sendable() bool {
	switch {
	case c >= 1000 && c <= 1003, c >= 1007 && c <= 1014, c >= 3000 && c <= 4999:
		return true
	}
	return false
}

// maxReason is what a close frame has room for behind its code
// (RFC 6455 §5.5: control frames carry 125 bytes).
const maxReason = 123

// AppendClosePayload appends the payload of a close frame to dst. A reason that
// is too long is cut at a rune; bytes that are not UTF-8 are replaced. For
// NoStatus the payload is empty.
func AppendClosePayload(dst []byte, code CloseCode, reason string) []byte {
	if code == NoStatus {
		return dst
	}
	dst = append(dst, byte(code>>8), byte(code))
	end := len(dst) + maxReason
	for _, r := range reason {
		if len(dst)+utf8.RuneLen(r) > end {
			break
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
