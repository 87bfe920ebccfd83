package transport

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wayIn sends raw to an Upgrader and returns the answer, what followed it until
// the end (nothing is read behind a 101), and the Upgrader's error.
type wayIn func(t *testing.T, u *Upgrader, raw string) (*http.Response, string, error)

var waysIn = map[string]wayIn{"raw": upgradeRaw, "net/http": upgradeViaHTTP}

type upgraded struct {
	c   *Conn
	r   *Request
	err error
}

// upgradeOn runs Upgrade and keeps its Conn from outliving the test.
func upgradeOn(t *testing.T, u *Upgrader, nc net.Conn) <-chan upgraded {
	t.Helper()
	done := make(chan upgraded, 1)
	go func() {
		c, r, err := u.Upgrade(nc)
		done <- upgraded{c, r, err}
	}()
	return done
}

func closeConn(t testing.TB, c *Conn) {
	t.Helper()
	if c != nil {
		_ = c.Close()
		wait(t, c.Done())
	}
}

func upgradeRaw(t *testing.T, u *Upgrader, raw string) (*http.Response, string, error) {
	t.Helper()
	client, server := tcpPair(t)
	defer client.Close()
	done := upgradeOn(t, u, server)
	resp, rest := exchange(t, client, raw)
	_ = client.Close() // it need not linger
	got := wait(t, done)
	closeConn(t, got.c)
	if got.err == nil != (resp.StatusCode == 101) {
		t.Errorf("status %d and error %v", resp.StatusCode, got.err)
	}
	return resp, rest, got.err
}

// exchange writes raw and reads the answer.
func exchange(t *testing.T, nc net.Conn, raw string) (*http.Response, string) {
	t.Helper()
	_ = nc.SetDeadline(time.Now().Add(patience))
	go func() { _, _ = io.WriteString(nc, raw) }()
	br := bufio.NewReader(nc)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	if resp.StatusCode == 101 {
		return resp, ""
	}
	rest, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("the body breaks off: %v", err)
	}
	if n, err := br.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the connection is not closed: %d, %v", n, err)
	}
	return resp, string(rest)
}

func TestUpgradeRefusesEachMalformedRequestWithItsStatus(t *testing.T) {
	for _, c := range badHandshakes() {
		t.Run(c.name, func(t *testing.T) {
			resp, body, err := upgradeRaw(t, &Upgrader{}, c.raw)
			checkRefusal(t, resp, body, err, c.status)
		})
	}
}

func checkRefusal(t *testing.T, resp *http.Response, body string, err error, status int) {
	t.Helper()
	if resp.StatusCode != status {
		t.Fatalf("answered %s, want %d", resp.Status, status)
	}
	if !resp.Close {
		t.Error("the answer does not say that the connection is closed")
	}
	if body == "" || strings.Contains(body, "hunter2") {
		t.Errorf("body %q", body)
	}
	switch status {
	case 405:
		if resp.Header.Get("Allow") != "GET" {
			t.Error("405 without Allow")
		}
	case 426:
		if resp.Header.Get("Upgrade") != "websocket" || resp.Header.Get("Sec-WebSocket-Version") != "13" {
			t.Errorf("426 with %v", resp.Header)
		}
	}
	var h *HandshakeError
	if !errors.As(err, &h) || h.Status != status {
		t.Errorf("error %v, want one with status %d", err, status)
	} else if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("secret in %v", err)
	}
}

func TestUpgradeAcceptsWhatTheRFCAllows(t *testing.T) {
	for name, raw := range map[string]string{
		"plain":             goodRequest + "\r\n",
		"own page":          goodRequest + "Origin: http://example.com\r\n\r\n",
		"lists":             strings.NewReplacer("Connection: Upgrade", "Connection: keep-alive, upgrade", "Upgrade: websocket", "Upgrade: WebSocket, h2c").Replace(goodRequest) + "\r\n",
		"Connection twice":  goodRequest + "Connection: keep-alive\r\n\r\n",
		"names in any case": strings.ToLower("HOST: example.com\r\n") + strings.Replace(goodRequest, "Host: example.com\r\n", "", 1) + "\r\n",
		"strange extension": goodRequest + "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7, foo=bar;;\r\n\r\n",
		"no value":          goodRequest + "X-Empty:\r\n\r\n",
		"value in Latin-1":  goodRequest + "X-Name: gr\xfc\xdfe\r\n\r\n",
	} {
		if name == "names in any case" {
			first, rest, _ := strings.Cut(goodRequest, "\r\n")
			raw = first + "\r\n" + strings.ToLower("HOST: example.com\r\nUPGRADE: websocket\r\nCONNECTION: upgrade\r\n") +
				rest[strings.Index(rest, "Sec-"):] + "\r\n"
		}
		for way, up := range waysIn {
			t.Run(name+"/"+way, func(t *testing.T) {
				resp, _, err := up(t, &Upgrader{}, raw)
				if resp.StatusCode != 101 || err != nil {
					t.Fatalf("%s, %v", resp.Status, err)
				}
				// RFC 6455 §1.3 gives this pair as its example.
				if got := resp.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
					t.Errorf("Accept %q", got)
				}
				if resp.Header["Sec-Websocket-Extensions"] != nil || resp.Header["Sec-Websocket-Protocol"] != nil {
					t.Errorf("header %v", resp.Header)
				}
			})
		}
	}
}

func TestUpgradeClosesASlowHandshakeAtItsDeadline(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration
		piece string
	}{
		{"byte by byte", 100 * time.Millisecond, "a"},
		{"line by line", 900 * time.Millisecond, "X: y\r\n"},
		{"mute", time.Hour, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				defer client.Close()
				var slow sync.WaitGroup
				defer slow.Wait()
				slow.Go(func() {
					_, err := io.WriteString(client, "GET / HTTP/1.1\r\n")
					for err == nil {
						time.Sleep(c.every)
						_, err = io.WriteString(client, c.piece)
					}
				})
				start := time.Now()
				done := upgradeOn(t, &Upgrader{}, server)
				resp, err := http.ReadResponse(bufio.NewReader(client), nil)
				if err != nil || resp.StatusCode != http.StatusRequestTimeout {
					t.Fatal(resp, err)
				}
				_, _ = io.Copy(io.Discard, client)
				if took := time.Since(start); took != defaultUpgradeTimeout {
					t.Errorf("closed after %v", took)
				}
				var h *HandshakeError
				if got := <-done; !errors.As(got.err, &h) || h.Status != 408 {
					t.Error(got.err)
				}
			})
		})
	}
}

func TestUpgradeIsNotHeldByAPeerThatDoesNotRead(t *testing.T) {
	for name, first := range map[string]string{"mute": "", "refused": "POST / HTTP/1.1\r\n\r\n", "accepted": goodRequest + "\r\n"} {
		for _, timeout := range []time.Duration{time.Second, -1} {
			if timeout < 0 && name != "refused" {
				continue // without a deadline these wait for ever, as asked
			}
			t.Run(fmt.Sprint(name, timeout), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, server := net.Pipe()
					defer client.Close()
					start := time.Now()
					done := upgradeOn(t, &Upgrader{Timeout: timeout}, server)
					_, _ = io.WriteString(client, first)
					if got := <-done; got.err == nil {
						t.Error("no error")
					}
					if took := time.Since(start); took > 1100*time.Millisecond {
						t.Errorf("took %v", took)
					}
				})
			})
		}
	}
}

// bomb is a client that sends text for ever and takes any answer.
type bomb struct {
	net.Conn
	in     io.Reader
	closed bool
}

func (b *bomb) Read(p []byte) (int, error)  { return b.in.Read(p) }
func (b *bomb) Write(p []byte) (int, error) { return len(p), nil }
func (b *bomb) SetDeadline(time.Time) error { return nil }
func (b *bomb) RemoteAddr() net.Addr        { return textAddr("bomb") }
func (b *bomb) Close() error                { b.closed = true; return nil }

func TestUpgradeTakesBoundedMemoryFromAHeaderBomb(t *testing.T) {
	for name, text := range map[string]string{"one line": "a", "many lines": "a: b\r\n"} {
		nc := &bomb{in: io.MultiReader(strings.NewReader("GET / HTTP/1.1\r\n"), &endless{text: text})}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := new(Upgrader).Upgrade(nc)
		runtime.ReadMemStats(&after)
		var h *HandshakeError
		if !errors.As(err, &h) || h.Status != 431 || !nc.closed {
			t.Errorf("%s: %v, closed %v", name, err, nc.closed)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
}

// half is a client that can be told that we have said all.
type half struct {
	bomb
	read, readAtClose int
	said              bool
}

func (h *half) Read(p []byte) (int, error) {
	n, err := h.bomb.Read(p)
	h.read += n
	return n, err
}

func (h *half) CloseWrite() error { h.said = true; return nil }

func (h *half) Close() error {
	h.readAtClose = h.read
	return h.bomb.Close()
}

// If the socket is closed with bytes unread, its reset can overtake the answer.
func TestARefusalWaitsForWhatTheClientStillSends(t *testing.T) {
	const behind = 100 << 10
	for name, c := range map[string]struct {
		in       io.Reader
		min, max int
	}{
		"to its end":      {strings.NewReader("x\r\n" + strings.Repeat("y", behind)), behind, behind + 3},
		"but not forever": {&endless{text: "x\r\n"}, lingerBytes, lingerBytes + 16<<10},
	} {
		nc := &half{bomb: bomb{in: c.in}}
		if _, _, err := new(Upgrader).Upgrade(nc); err == nil {
			t.Error("accepted")
		}
		if !nc.said || !nc.closed || nc.readAtClose < c.min || nc.readAtClose > c.max {
			t.Errorf("%s: read %d bytes, closed %v", name, nc.readAtClose, nc.closed)
		}
	}
}

func TestUpgradeClosesTheConnectionOnEveryError(t *testing.T) {
	for name, raw := range map[string]string{
		"nothing":        "",
		"torn":           "GET / HT",
		"malformed":      "x\r\n\r\n",
		"not allowed":    goodRequest + "Origin: null\r\n\r\n",
		"not authorized": goodRequest + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			client, server := tcpPair(t)
			defer client.Close()
			done := upgradeOn(t, &Upgrader{Authorize: func(*Request) error { return errors.New("no") }}, server)
			_, _ = io.WriteString(client, raw)
			_ = client.CloseWrite()
			_ = client.SetDeadline(time.Now().Add(patience))
			answer, err := io.ReadAll(client)
			if err != nil || (len(answer) == 0) != (raw == "") {
				t.Errorf("%q, %v", answer, err)
			}
			got := wait(t, done)
			if got.err == nil || got.c != nil {
				t.Error(got)
			}
			if _, err := server.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("still open: %v", err)
			}
		})
	}
}

func TestFramesBehindTheRequestAreKept(t *testing.T) {
	client, server := tcpPair(t)
	defer client.Close()
	early := append(clientFrame(opText, "early"), clientFrame(opText, "bird")[:3]...)
	done := upgradeOn(t, &Upgrader{}, server)
	if _, err := io.WriteString(client, goodRequest+"\r\n"+string(early)); err != nil {
		t.Fatal(err)
	}
	got := wait(t, done)
	if got.err != nil {
		t.Fatal(got.err)
	}
	defer closeConn(t, got.c)
	in := newInbox()
	got.c.Start(in)
	if m := wait(t, in.messages); m != "early" {
		t.Errorf("got %q", m)
	}
}

func TestConnHasNoDeadlineAfterUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		done := upgradeOn(t, &Upgrader{}, server)
		exchange(t, client, goodRequest+"\r\n")
		_ = client.SetDeadline(time.Time{})
		got := <-done
		in := newInbox()
		got.c.Start(in)
		time.Sleep(time.Hour)
		go func() { _, _ = client.Write(clientFrame(opText, "late")) }()
		select {
		case m := <-in.messages:
			if m != "late" {
				t.Errorf("got %q", m)
			}
		case err := <-in.failed:
			t.Error(err)
		}
		closeConn(t, got.c)
	})
}

func TestSubprotocolIsTheServersFirstThatTheClientOffers(t *testing.T) {
	for _, c := range []struct {
		offer  string
		speaks []string
		want   string
	}{
		{"a, b", []string{"b", "a"}, "b"},
		{"a, b", []string{"c", "a"}, "a"},
		{"a, b", []string{"c"}, ""},
		{"a", nil, ""},
		{"A", []string{"a"}, ""},
		{"", []string{"a"}, ""},
	} {
		for way, up := range waysIn {
			resp, _, err := up(t, &Upgrader{Subprotocols: c.speaks}, goodRequest+"Sec-WebSocket-Protocol: "+c.offer+"\r\n\r\n")
			if err != nil || resp.Header.Get("Sec-WebSocket-Protocol") != c.want {
				t.Errorf("%s: %q to %q: %v, %v", way, c.offer, c.speaks, resp.Header, err)
			}
		}
	}
}

func TestAuthorizeDecidesAboutTheAnswer(t *testing.T) {
	boom := errors.New("token of alice: hunter2")
	for _, c := range []struct {
		name   string
		f      func(*Request) error
		status int
		body   string
		header map[string]string
	}{
		{"any error", func(*Request) error { return boom }, 403, "Forbidden\n", nil},
		{"wrapped status", func(*Request) error {
			return fmt.Errorf("x: %w", &HandshakeError{
				Status: 401, Detail: "hunter2", Body: []byte("log in"), RetryAfter: 1500 * time.Millisecond,
				Header: http.Header{"WWW-Authenticate": {"Basic"}, "Content-Length": {"999"}, "X-Bad": {"a\r\nSet-Cookie: b"}, "Bad Name": {"x"}},
			})
		}, 401, "log in", map[string]string{"Www-Authenticate": "Basic", "Retry-After": "2", "X-Bad": "", "Set-Cookie": ""}},
		{"status that is no refusal", func(*Request) error { return &HandshakeError{Status: 101} }, 403, "Forbidden\n", nil},
		{"panic", func(*Request) error { panic(boom) }, 500, "Internal Server Error\n", nil},
	} {
		for way, up := range waysIn {
			t.Run(c.name+"/"+way, func(t *testing.T) {
				resp, body, err := up(t, &Upgrader{Authorize: c.f}, goodRequest+"\r\n")
				if resp.StatusCode != c.status || body != c.body {
					t.Errorf("%s with %q", resp.Status, body)
				}
				for name, want := range c.header {
					if got := resp.Header.Get(name); got != want {
						t.Errorf("%s: %q", name, got)
					}
				}
				var h *HandshakeError
				if !errors.As(err, &h) || h.Status != c.status {
					t.Errorf("error %v", err)
				}
				if c.name == "any error" && !errors.Is(err, boom) || c.name == "panic" && !errors.Is(err, boom) {
					t.Errorf("the cause is lost: %v", err)
				}
			})
		}
	}
}

func TestCheckOriginDecidesAndFailsClosed(t *testing.T) {
	for _, c := range []struct {
		f      func(*Request) bool
		status int
	}{
		{func(r *Request) bool { return r.Origin == "http://evil.com" }, 101},
		{func(*Request) bool { return false }, 403},
		{func(*Request) bool { panic("x") }, 500},
	} {
		for way, up := range waysIn {
			resp, _, _ := up(t, &Upgrader{CheckOrigin: c.f}, goodRequest+"Origin: http://evil.com\r\n\r\n")
			if resp.StatusCode != c.status {
				t.Errorf("%s: %s, want %d", way, resp.Status, c.status)
			}
		}
	}
}

func TestUpgraderSendsItsHeaderOnlyIfItIsSafe(t *testing.T) {
	for way, up := range waysIn {
		resp, _, err := up(t, &Upgrader{Header: http.Header{"Server": {"hawser"}}}, goodRequest+"\r\n")
		if err != nil || resp.Header.Get("Server") != "hawser" {
			t.Errorf("%s: %v, %v", way, resp.Header, err)
		}
		for _, u := range []*Upgrader{
			{Header: http.Header{"X": {"a\r\nSet-Cookie: b"}}},
			{Header: http.Header{"Sec-WebSocket-Protocol": {"x"}}},
			{Subprotocols: []string{"a\r\nSet-Cookie: b"}},
		} {
			resp, _, err := up(t, u, goodRequest+"\r\n")
			if resp.StatusCode != 500 || resp.Header.Get("Set-Cookie") != "" || err == nil {
				t.Errorf("%s: %s, %v", way, resp.Status, err)
			}
		}
	}
}

func TestUpgradeClosesWhenAuthorizeEndsItsGoroutine(t *testing.T) {
	client, server := tcpPair(t)
	defer client.Close()
	go func() {
		_, _, _ = (&Upgrader{Authorize: func(*Request) error { runtime.Goexit(); return nil }}).Upgrade(server)
	}()
	_, _ = io.WriteString(client, goodRequest+"\r\n")
	_ = client.SetDeadline(time.Now().Add(patience))
	if got, err := io.ReadAll(client); len(got) != 0 || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
