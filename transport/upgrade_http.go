package transport

import (
	"bufio"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// UpgradeHTTP answers a handshake that net/http has read. It makes the same
// checks as Upgrade, as far as net/http lets us see what was sent, and all of
// them before it takes the connection over: a refusal is a normal HTTP answer,
// and the connection stays net/http's. After an answer has begun, or when it
// fails later, the connection is closed. The Request is never nil. Errors are
// *HandshakeError.
//
// Deadlines that http.Server has set are lifted. Headers that were set on w do
// not go out with the answer that accepts; use Header.
func (u *Upgrader) UpgradeHTTP(w http.ResponseWriter, r *http.Request) (*Conn, *Request, error) {
	req, refusal := u.requestOf(r)
	var agreed terms
	if refusal == nil {
		agreed, refusal = u.decide(req)
	}
	if refusal != nil {
		if r.ContentLength != 0 {
			// net/http waits for the body that was announced; not long, please.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerTime))
		}
		answerHTTP(w, refusal)
		return nil, req, refusal
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		refusal = &HandshakeError{
			Status: http.StatusInternalServerError,
			Detail: "this http.ResponseWriter cannot be taken over (HTTP/2, or a wrapper without Unwrap)",
			Err:    err,
		}
		answerHTTP(w, refusal)
		return nil, req, refusal
	}
	c, err := u.takeOver(nc, rw.Reader, req, agreed)
	if err != nil {
		_ = nc.Close()
		return nil, req, err
	}
	return c, req, nil
}

func (u *Upgrader) takeOver(nc net.Conn, br *bufio.Reader, r *Request, agreed terms) (*Conn, error) {
	u.startDeadlines(nc)
	if err := u.accept(nc, r, agreed); err != nil {
		return nil, err
	}
	if err := nc.SetDeadline(time.Time{}); err != nil {
		return nil, &HandshakeError{Detail: "the deadline cannot be lifted", Err: err}
	}
	early, err := br.Peek(br.Buffered())
	if err != nil {
		return nil, &HandshakeError{Detail: "what came with the request is lost", Err: err}
	}
	return u.newConn(nc, early, agreed), nil
}

// requestOf makes a Request of net/http's and checks it.
func (u *Upgrader) requestOf(r *http.Request) (*Request, *HandshakeError) {
	req := &Request{
		Host:       r.Host,
		Header:     r.Header,
		RemoteAddr: addrOf(r.RemoteAddr),
		TLS:        r.TLS,
		Context:    r.Context(),
		pathValue:  r.PathValue,
	}
	if fault := u.checkSize(r); fault != nil {
		return req, refuse(fault.status, fault.detail)
	}
	if r.ProtoMajor != 1 || r.ProtoMinor != 1 {
		return req, refuse(http.StatusHTTPVersionNotSupported, "WebSocket needs HTTP/1.1")
	}
	// RequestURI is what was sent; r.URL may have been rewritten by a mux.
	if bad := req.setURI(r.RequestURI); bad != nil && r.Method == http.MethodGet {
		return req, bad
	}
	if r.URL != nil {
		req.Path = r.URL.Path
	}
	if bad := req.checkHandshake(r.Method); bad != nil {
		return req, bad
	}
	if r.ContentLength != 0 || len(r.TransferEncoding) > 0 {
		return req, badRequest("a handshake has no body")
	}
	return req, nil
}

// checkSize applies our limits to what net/http has let through.
func (u *Upgrader) checkSize(r *http.Request) *headFault {
	limit := newHeadReader(u.MaxHeaderBytes, u.MaxHeaders)
	size, lines := len(r.Method)+len(r.RequestURI)+len(" HTTP/1.1\r\n\r\n")+len("Host: \r\n")+len(r.Host), 2
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(": \r\n") + len(v)
			lines++
		}
	}
	switch {
	case size > limit.maxBytes:
		return errHeaderTooBig
	case lines > limit.maxLines:
		return errTooManyHeaders
	}
	return nil
}

// answerHTTP sends a refusal. A client that was refused has nothing more to say
// on its connection, and what it sent may not be what it seems.
func answerHTTP(w http.ResponseWriter, e *HandshakeError) {
	h := w.Header()
	for name, values := range e.answerHeader() {
		h[name] = values
	}
	if e.Status == http.StatusUpgradeRequired {
		h["Connection"] = []string{"close", "Upgrade"} // net/http looks at the first
	} else {
		h.Set("Connection", "close")
	}
	w.WriteHeader(e.Status)
	_, _ = w.Write(e.answerBody())
}

// addrOf makes an address of what net/http, or a middleware that knows the proxy
// in front, has written down.
func addrOf(s string) net.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return net.TCPAddrFromAddrPort(ap)
	}
	return textAddr(s)
}

// textAddr is an address that is known as text only.
type textAddr string

func (a textAddr) Network() string { return "tcp" }
func (a textAddr) String() string  { return string(a) }
