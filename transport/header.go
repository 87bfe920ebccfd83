package transport

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// How much header a handshake may bring, when nothing is said.
const (
	defaultMaxHeaderBytes = 8 << 10
	defaultMaxHeaders     = 64
)

// maxEmptyReads is how often a connection may return neither bytes nor an error
// before it counts as broken.
const maxEmptyReads = 100

// headFault says why bytes are no HTTP header. Its text never holds any of them.
type headFault struct {
	status int // what a server answers
	detail string
}

func (e *headFault) Error() string { return e.detail }

var (
	errBareLF         = &headFault{http.StatusBadRequest, "a line ends without CR"}
	errBareCR         = &headFault{http.StatusBadRequest, "CR inside a line"}
	errControlByte    = &headFault{http.StatusBadRequest, "control character in the header"}
	errNoFirstLine    = &headFault{http.StatusBadRequest, "the first line is empty"}
	errFoldedLine     = &headFault{http.StatusBadRequest, "folded header line"}
	errNoColon        = &headFault{http.StatusBadRequest, "header line without a colon"}
	errHeaderName     = &headFault{http.StatusBadRequest, "header name is not a token"}
	errHeaderTooBig   = &headFault{http.StatusRequestHeaderFieldsTooLarge, "header too big"}
	errTooManyHeaders = &headFault{http.StatusRequestHeaderFieldsTooLarge, "too many header lines"}
)

// headReader collects HTTP headers up to their empty line, and no more memory
// than its limit. Each byte is looked at once, when it comes, so that a fault
// ends the handshake at once and a trickle costs nothing extra. Lines end with
// CRLF only: a lone LF or CR is what request smuggling is made of
// (RFC 9112 §2.2).
type headReader struct {
	buf      *Buffer
	maxBytes int
	maxLines int
	prefix   string // what a header must begin with, or ""

	start   int // of the header being collected
	scanned int // bytes looked at
	line    int // start of the line being looked at
	lines   int // whole lines of this header
}

func newHeadReader(maxBytes, maxHeaders int) *headReader {
	h := makeHeadReader(maxBytes, maxHeaders)
	return &h
}

func makeHeadReader(maxBytes, maxHeaders int) headReader {
	if maxBytes <= 0 {
		maxBytes = defaultMaxHeaderBytes
	}
	if maxHeaders <= 0 {
		maxHeaders = defaultMaxHeaders
	}
	return headReader{maxBytes: maxBytes, maxLines: min(maxHeaders, maxBytes) + 1}
}

// next reads from r until a whole header is there and returns it with its empty
// line. It is valid until release. All headers of one headReader share its
// limit of bytes. At the end of r it returns io.EOF if nothing of a header has
// come, else io.ErrUnexpectedEOF.
func (h *headReader) next(r io.Reader) ([]byte, error) {
	h.start, h.line, h.lines = h.scanned, h.scanned, 0
	return h.more(r)
}

// more is next for a reader that has nothing at the moment and said so with an error:
// it goes on where that left off.
func (h *headReader) more(r io.Reader) ([]byte, error) {
	for {
		if done, err := h.scan(); done || err != nil {
			return h.bytes()[h.start:h.scanned], err
		}
		if err := h.fill(r); err != nil {
			if err == io.EOF && len(h.bytes()) > h.start {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// rest returns what came behind the last header. It is valid until release.
func (h *headReader) rest() []byte { return h.bytes()[h.scanned:] }

// release gives the memory back.
func (h *headReader) release() {
	if h.buf != nil {
		h.buf.Release()
		h.buf = nil
	}
}

// tidy gives memory back in which there is nothing.
func (h *headReader) tidy() {
	if len(h.bytes()) == 0 {
		h.release()
	}
}

func (h *headReader) bytes() []byte {
	if h.buf == nil {
		return nil
	}
	return h.buf.B
}

// fill does one read that brings bytes.
func (h *headReader) fill(r io.Reader) error {
	n := len(h.bytes())
	if n >= h.maxBytes {
		return errHeaderTooBig
	}
	if h.buf == nil || n == cap(h.buf.B) {
		bigger := NewBuffer(n + 1)
		bigger.B = append(bigger.B, h.bytes()...)
		h.release()
		h.buf = bigger
	}
	free := h.buf.B[n:min(cap(h.buf.B), h.maxBytes)]
	for range maxEmptyReads {
		got, err := r.Read(free)
		if got > 0 {
			h.buf.B = h.buf.B[:n+got]
			return nil // an error comes again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// scan looks at the bytes that are new. It stops behind the empty line.
func (h *headReader) scan() (done bool, err error) {
	p := h.bytes()
	for h.scanned < len(p) {
		i := h.scanned
		c := p[i]
		h.scanned++
		switch {
		case i-h.start < len(h.prefix) && c != h.prefix[i-h.start]:
			return false, errNotHTTP
		case i > h.line && p[i-1] == '\r' && c != '\n':
			return false, errBareCR
		case c == '\n':
			if done, err = h.endLine(p[h.line:i]); done || err != nil {
				return done, err
			}
		case c < ' ' && c != '\t' && c != '\r' || c == 0x7f:
			return false, errControlByte
		}
	}
	return false, nil
}

// endLine takes one line without its LF.
func (h *headReader) endLine(line []byte) (done bool, err error) {
	switch {
	case len(line) == 0 || line[len(line)-1] != '\r':
		return false, errBareLF
	case len(line) == 1 && h.lines == 0:
		return false, errNoFirstLine
	case len(line) == 1:
		return true, nil
	}
	h.lines++
	h.line = h.scanned
	if h.lines > h.maxLines {
		return false, errTooManyHeaders
	}
	return false, nil
}

var (
	crlf       = []byte("\r\n")
	errNotHTTP = errors.New("not HTTP")
)

// parseHead splits a whole header, as headReader returns it, into its first line
// and its fields (RFC 9112 §5). Whatever two parsers could read differently is
// refused. Names in the result are canonical; nothing points into head, and all of it into
// one copy of that.
func parseHead(head []byte) (first string, header http.Header, err error) {
	lines := bytes.Count(head, crlf) - 2
	f := fields{header: make(http.Header, lines), values: make([]string, 0, lines)}
	first, err = f.parse(string(head))
	if err != nil {
		return first, nil, err
	}
	return first, f.header, nil
}

// fields are those of a header while it is parsed.
type fields struct {
	header http.Header
	values []string // memory for the first value of each
}

// parse splits a whole header, as parseHead does. What it yields points into head.
func (f *fields) parse(head string) (first string, err error) {
	first, rest, _ := strings.Cut(head, "\r\n")
	for line := ""; ; {
		line, rest, _ = strings.Cut(rest, "\r\n")
		if line == "" {
			return first, nil
		}
		if err := f.add(line); err != nil {
			return first, err
		}
	}
}

// add takes a line.
func (f *fields) add(line string) error {
	if line[0] == ' ' || line[0] == '\t' {
		return errFoldedLine
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return errNoColon
	}
	if !isToken(name) {
		return errHeaderName
	}
	name, value = canonical(name), strings.Trim(value, " \t")
	if before, ok := f.header[name]; ok {
		f.header[name] = append(before, value)
		return nil
	}
	n := len(f.values)
	f.values = append(f.values, value)
	f.header[name] = f.values[n : n+1 : n+1]
	return nil
}

// keptFields is how many fields a private header may have had whose memory is used
// again.
const keptFields = 64

var privateFields = sync.Pool{New: func() any { return &fields{header: http.Header{}} }}

// forget gives the memory back of a header that nobody looks at any more.
func (f *fields) forget() {
	if len(f.values) > keptFields {
		return
	}
	clear(f.header)
	clear(f.values)
	f.values = f.values[:0]
	privateFields.Put(f)
}

// canonical is http.CanonicalHeaderKey, without the memory for the names that RFC 6455
// writes in its own way.
func canonical(name string) string {
	switch name {
	case "Sec-WebSocket-Key":
		return "Sec-Websocket-Key"
	case "Sec-WebSocket-Version":
		return "Sec-Websocket-Version"
	case "Sec-WebSocket-Extensions":
		return "Sec-Websocket-Extensions"
	case "Sec-WebSocket-Protocol":
		return "Sec-Websocket-Protocol"
	}
	return http.CanonicalHeaderKey(name)
}
