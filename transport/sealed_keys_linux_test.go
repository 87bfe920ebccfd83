package transport

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
	"testing"
)

const (
	recordHandshake = 22
	recordData      = 23
)

// KeyUpdate messages (RFC 8446 §4.6.3).
var (
	keyUpdate          = []byte{24, 0, 0, 1, 0}
	keyUpdateRequested = []byte{24, 0, 0, 1, 1}
)

// keyed is one direction of a TLS 1.3 connection with TLS_AES_128_GCM_SHA256, by hand.
type keyed struct {
	t      *testing.T
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

// take makes secret the one that k uses from now on (RFC 8446 §7.3).
func (k *keyed) take(secret []byte) {
	block, err := aes.NewCipher(k.expand(secret, "key", 16))
	if err != nil {
		k.t.Fatal(err)
	}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		k.t.Fatal(err)
	}
	k.secret, k.iv, k.seq = secret, k.expand(secret, "iv", 12), 0
}

// update goes to the next generation (RFC 8446 §7.2).
func (k *keyed) update() { k.take(k.expand(k.secret, "traffic upd", sha256.Size)) }

// expand is HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
func (k *keyed) expand(secret []byte, label string, n int) []byte {
	label = "tls13 " + label
	info := string([]byte{byte(n >> 8), byte(n), byte(len(label))}) + label + "\x00"
	out, err := hkdf.Expand(sha256.New, secret, info, n)
	if err != nil {
		k.t.Fatal(err)
	}
	return out
}

func (k *keyed) nonce() []byte {
	nonce := bytes.Clone(k.iv)
	seq := binary.BigEndian.AppendUint64(nil, k.seq)
	for i, b := range seq {
		nonce[len(nonce)-8+i] ^= b
	}
	k.seq++
	return nonce
}

// seal appends a record (RFC 8446 §5.2).
func (k *keyed) seal(dst []byte, kind byte, content []byte) []byte {
	n := len(content) + 1 + k.aead.Overhead()
	header := []byte{recordData, 3, 3, byte(n >> 8), byte(n)}
	return k.aead.Seal(append(dst, header...), k.nonce(), append(bytes.Clone(content), kind), header)
}

// open reads the next record.
func (k *keyed) open(r io.Reader) (kind byte, content []byte) {
	k.t.Helper()
	header := make([]byte, 5)
	if _, err := io.ReadFull(r, header); err != nil {
		k.t.Fatal(err)
	}
	record := make([]byte, binary.BigEndian.Uint16(header[3:]))
	if _, err := io.ReadFull(r, record); err != nil {
		k.t.Fatal(err)
	}
	content, err := k.aead.Open(record[:0], k.nonce(), record, header)
	if err != nil || len(content) == 0 {
		k.t.Fatalf("a record of %d bytes does not open: %v", len(record), err)
	}
	return content[len(content)-1], content[:len(content)-1]
}

// handMade is a connection whose peer goes on by hand after the handshake.
type handMade struct {
	*sealedEnd
	in    *inbox
	out   *sender
	tap   tap
	said  *keyed // of the peer
	heard *keyed // of the Conn
}

func eachHandMade(t *testing.T, f func(t *testing.T, h *handMade)) {
	k := newSealing(t, newTestPoller(t, PollerOptions{}), tls.VersionTLS13)
	k.eachRole(t, func(t *testing.T, e *sealedEnd) {
		if suite := e.peer.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
			t.Skip("only TLS_AES_128_GCM_SHA256 is made by hand here, and this is ", tls.CipherSuiteName(suite))
		}
		h := &handMade{
			sealedEnd: e, in: newInbox(), out: &sender{done: make(chan error, 1<<10)},
			said: &keyed{t: t}, heard: &keyed{t: t},
		}
		client, server := h.said, h.heard
		if !e.c.Server() {
			client, server = h.heard, h.said
		}
		client.take(secret(t, e.keys.String(), "CLIENT_TRAFFIC_SECRET_0"))
		server.take(secret(t, e.keys.String(), "SERVER_TRAFFIC_SECRET_0"))
		if !e.c.Server() {
			client.seq, server.seq = 1, 1 // the request and its answer
		}
		h.tap.open(e.c, funcs{h.in.Readable, h.out.writable})
		f(t, h)
	})
}

// secret finds a secret in what a KeyLogWriter got.
func secret(t *testing.T, keys, label string) []byte {
	t.Helper()
	for line := range strings.Lines(keys) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == label {
			s, err := hex.DecodeString(f[2])
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	t.Fatalf("no %s in %q", label, keys)
	return nil
}

// update appends the peer's KeyUpdate and makes it use its next key.
func (h *handMade) update(dst, message []byte) []byte {
	dst = h.said.seal(dst, recordHandshake, message)
	h.said.update()
	return dst
}

// data appends a record with a message.
func (h *handMade) data(dst []byte, payload string) []byte {
	return h.said.seal(dst, recordData, h.frame(payload))
}

func (h *handMade) send(t *testing.T, wire []byte) {
	t.Helper()
	if _, err := h.wire.Write(wire); err != nil {
		t.Fatal(err)
	}
}

func (h *handMade) want(t *testing.T, payload string) {
	t.Helper()
	if got := wait(t, h.in.messages); got != payload {
		t.Fatalf("got %q, want %q", got, payload)
	}
}

// expect fails unless the next record of the Conn is this one.
func (h *handMade) expect(t *testing.T, kind byte, content []byte) {
	t.Helper()
	if k, got := h.heard.open(h.wire); k != kind || !bytes.Equal(got, content) {
		t.Fatalf("got %q of kind %d, want %q of kind %d", got, k, content, kind)
	}
}

func TestAKeyUpdateThatAsksForOneIsAnsweredWithoutAWrite(t *testing.T) {
	whole := func(t *testing.T, h *handMade, wire []byte) { h.send(t, wire) }
	bytewise := func(t *testing.T, h *handMade, wire []byte) {
		for i := range wire {
			h.send(t, wire[i:i+1])
			h.tap.drained()
		}
	}
	alone := func(h *handMade) []byte { return h.update(nil, keyUpdateRequested) }
	torn := func(h *handMade) []byte { // over two records
		return h.update(h.said.seal(nil, recordHandshake, keyUpdateRequested[:2]), keyUpdateRequested[2:])
	}
	between := func(h *handMade) []byte {
		return h.data(h.update(h.data(nil, "before"), keyUpdateRequested), "behind")
	}
	cases := map[string]struct {
		make     func(h *handMade) []byte
		send     func(t *testing.T, h *handMade, wire []byte)
		messages []string
	}{
		"alone":                   {alone, whole, nil},
		"byte by byte":            {alone, bytewise, nil},
		"in two records":          {torn, whole, nil},
		"between":                 {between, whole, []string{"before", "behind"}},
		"between, byte by byte":   {between, bytewise, []string{"before", "behind"}},
		"two parts, byte by byte": {torn, bytewise, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			eachHandMade(t, func(t *testing.T, h *handMade) {
				for range 3 { // generations
					c.send(t, h, c.make(h))
					h.expect(t, recordHandshake, keyUpdate)
					h.heard.update()
					for _, m := range c.messages {
						h.want(t, m)
					}
					h.send(t, h.data(nil, "under the next key"))
					h.want(t, "under the next key")
					h.out.send(h.c, []byte("answer"))
					h.expect(t, recordData, []byte("answer"))
				}
			})
		})
	}
}

func TestAKeyUpdateThatAsksForNothingIsNotAnswered(t *testing.T) {
	eachHandMade(t, func(t *testing.T, h *handMade) {
		h.send(t, h.data(h.update(nil, keyUpdate), "under the next key"))
		h.want(t, "under the next key")
		h.out.send(h.c, []byte("under the old one"))
		h.expect(t, recordData, []byte("under the old one"))
	})
}

func TestAnswersToKeyUpdatesGoOutInOrderWithAWriteThatWasCutShort(t *testing.T) {
	eachHandMade(t, func(t *testing.T, h *handMade) {
		want := pattern(12 << 20)
		h.out.send(h.c, want)
		if len(h.out.done) > 0 {
			t.Fatal("the socket has taken everything: this proves nothing")
		}
		const rounds = 1000 // what waits needs a bigger buffer for the answers
		var wire []byte
		for range rounds {
			wire = h.data(h.update(wire, keyUpdateRequested), "behind the update")
		}
		h.send(t, wire)
		for range rounds {
			h.want(t, "behind the update")
		}
		var got []byte
		updates := 0
		for r := bufio.NewReader(h.wire); len(got) < len(want); {
			kind, content := h.heard.open(r)
			if kind == recordData {
				got = append(got, content...)
				continue
			}
			if kind != recordHandshake || !bytes.Equal(content, keyUpdate) {
				t.Fatalf("got %q of kind %d", content, kind)
			}
			h.heard.update()
			updates++
		}
		if !bytes.Equal(got, want) || updates != rounds {
			t.Fatalf("%d updates, and the data is right: %v", updates, bytes.Equal(got, want))
		}
		if err := wait(t, h.out.done); err != nil {
			t.Fatal(err)
		}
	})
}

// Whoever makes us speak and does not listen must not make us hold what we say.
func TestKeyUpdatesWithoutEndThatAreAnsweredToNobodyEndTheConn(t *testing.T) {
	eachHandMade(t, func(t *testing.T, h *handMade) {
		fillSocket(h.c)
		for range 100 {
			var burst []byte
			for range 200 {
				burst = h.data(h.update(burst, keyUpdateRequested), "x")
			}
			h.send(t, burst)
			for range 200 {
				select {
				case <-h.in.messages:
				case err := <-h.in.failed:
					if _, held := h.waiting(); held > 512<<10 {
						t.Errorf("%v, but %d bytes are held", err, held)
					}
					return
				}
			}
		}
		_, held := h.waiting()
		t.Fatalf("%d bytes are held, and more would be", held)
	})
}

// What crypto/tls says of this message it says only once.
func TestAHandshakeMessageOutOfPlaceBehindDataEndsTheConn(t *testing.T) {
	eachHandMade(t, func(t *testing.T, h *handMade) {
		finished := append([]byte{20, 0, 0, 32}, make([]byte, 32)...)
		h.send(t, h.said.seal(h.data(nil, "before"), recordHandshake, finished))
		h.want(t, "before")
		if err := failure(t, h.in); !strings.Contains(err.Error(), "unexpected handshake message") {
			t.Fatalf("got %v", err)
		}
		if kind, content := h.heard.open(h.wire); kind != 21 || !bytes.Equal(content, []byte{2, 10}) {
			t.Fatalf("got %q of kind %d, not the alert", content, kind)
		}
		assertQuiet(t, h.c.s.(*sealedStream).l.p)
	})
}
