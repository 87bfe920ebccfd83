package transport

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// piece is a connection that yields its bytes in pieces and keeps what is
// written.
type pieces struct {
	net.Conn
	in  []byte
	n   int
	out bytes.Buffer
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.n)], p.in)
	p.in = p.in[n:]
	return n, nil
}

func (p *pieces) Write(b []byte) (int, error)     { return p.out.Write(b) }
func (p *pieces) SetDeadline(time.Time) error     { return nil }
func (p *pieces) SetReadDeadline(time.Time) error { return nil }
func (p *pieces) RemoteAddr() net.Addr            { return textAddr("fuzz") }
func (p *pieces) Close() error                    { return nil }

// FuzzUpgradeRequest holds the strict reader against net/http's: what we accept,
// it must accept too and read alike, or a proxy could be led astray.
func FuzzUpgradeRequest(f *testing.F) {
	f.Add([]byte(goodRequest+"\r\n"), byte(255))
	f.Add([]byte(goodRequest+"Origin: http://example.com\r\nSec-WebSocket-Protocol: a, b\r\n\r\n\x81\x80"), byte(1))
	for _, c := range badHandshakes() {
		f.Add([]byte(c.raw), byte(len(c.raw)))
	}
	f.Fuzz(func(t *testing.T, raw []byte, n byte) {
		whole := &pieces{in: raw, n: len(raw) + 1}
		h := newHeadReader(0, 0)
		defer h.release()
		r, refusal := readRequest(whole, h)

		chunked := &pieces{in: raw, n: int(n)%32 + 1}
		h2 := newHeadReader(0, 0)
		defer h2.release()
		r2, refusal2 := readRequest(chunked, h2)
		if statusOf(refusal) != statusOf(refusal2) {
			t.Fatalf("whole %v, in pieces %v", refusal, refusal2)
		}
		if refusal != nil {
			answer := appendRefusal(nil, refusal)
			if refusal.Status != 0 {
				checkAnswer(t, answer, refusal.Status)
			}
			return
		}
		if r.URI != r2.URI || r.Host != r2.Host || string(h.rest())+string(whole.in) != string(h2.rest())+string(chunked.in) {
			t.Fatalf("in pieces it is another request: %+v, %+v", r, r2)
		}
		checkSameForNetHTTP(t, raw, r, string(h.rest())+string(whole.in))
		checkAnswer(t, switchProtocols(nil, r.key(), terms{}, nil), 101)
	})
}

func statusOf(e *HandshakeError) int {
	if e == nil {
		return 101
	}
	return e.Status
}

func checkAnswer(t *testing.T, answer []byte, status int) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%q: %v", answer, err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatalf("%q: %v", answer, err)
	}
}

func checkSameForNetHTTP(t *testing.T, raw []byte, r *Request, rest string) {
	t.Helper()
	br := bufio.NewReaderSize(bytes.NewReader(raw), len(raw)+16)
	std, err := http.ReadRequest(br)
	if err != nil {
		t.Fatalf("net/http refuses what we accept: %v", err)
	}
	if std.Method != "GET" || std.RequestURI != r.URI || std.Host != r.Host || std.URL.Path != r.Path || std.ContentLength != 0 {
		t.Fatalf("net/http reads %+v, we %+v", std, r)
	}
	if len(std.Header) != len(r.Header) {
		t.Fatalf("net/http reads %v, we %v", std.Header, r.Header)
	}
	for name, values := range r.Header {
		if strings.Join(std.Header[name], "\x00") != strings.Join(values, "\x00") {
			t.Fatalf("%s: net/http reads %q, we %q", name, std.Header[name], values)
		}
	}
	behind, _ := io.ReadAll(br)
	if string(behind) != rest {
		t.Fatalf("net/http ends elsewhere: %q, we %q", behind, rest)
	}
}

// FuzzDialAnswer feeds a client any answer. It must end with a connection or a
// HandshakeError, alike however the bytes come, and never tell our secrets.
func FuzzDialAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 503 x\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\nab"), byte(3))
	f.Add([]byte("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x00"), byte(1))
	f.Add([]byte("HTTP/1.1 500 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), byte(9))
	f.Add([]byte("\x15\x03\x01\x00\x02\x02\x16"), byte(2))
	f.Add([]byte("SSH-2.0-x\r\n"), byte(200))
	f.Fuzz(func(t *testing.T, raw []byte, n byte) {
		u, err := ParseURL("ws://h/?hunter2")
		if err != nil {
			t.Fatal(err)
		}
		d := &Dialer{Header: http.Header{"Authorization": {"hunter2"}}}
		var texts [2]string
		for i, size := range []int{len(raw) + 1, int(n)%32 + 1} {
			a, err := d.handshake(t.Context(), &pieces{in: raw, n: size}, u)
			if err == nil {
				t.Fatal("nobody can know our key") // the accept key would have to match
			}
			texts[i] = err.Error()
			if e, ok := err.(*HandshakeError); !ok || len(e.Body) > maxBody || e.RetryAfter < 0 {
				t.Fatalf("%T: %v", err, err)
			}
			a.h.release()
		}
		if texts[0] != texts[1] && !bytes.HasPrefix(raw, []byte{0x15}) && !strings.Contains(texts[0], "not HTTP") {
			t.Fatalf("whole: %s\nin pieces: %s", texts[0], texts[1])
		}
		if strings.Contains(texts[0], "hunter2") && !bytes.Contains(raw, []byte("hunter2")) {
			t.Fatalf("secret in %s", texts[0])
		}
	})
}
