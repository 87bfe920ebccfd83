package transport

import (
	"bytes"
	"errors"
	"sync"
	"testing"
)

func prepare(t testing.TB, kind Kind, p []byte) *Prepared {
	t.Helper()
	m, err := Prepare(kind, p)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPreparedHoldsACopy(t *testing.T) {
	p := []byte("what was said")
	m := prepare(t, Binary, p)
	copy(p, "x")
	if m.Kind() != Binary || string(m.Payload()) != "what was said" {
		t.Errorf("%v %q", m.Kind(), m.Payload())
	}
	for _, n := range []int{0, 125, 126, 65535, 65536} {
		m := prepare(t, Text, prose(1, n))
		frame := m.Frame(bareConn(true, Compression{}, nil))
		if !bytes.Equal(frame, AppendFrame(nil, opText, prose(1, n), false)) || !bytes.Equal(m.Payload(), prose(1, n)) || m.Kind() != Text {
			t.Errorf("%d bytes: a frame of %d", n, len(frame))
		}
	}
}

func TestOnlyGoodMessagesCanBePrepared(t *testing.T) {
	for name, c := range map[string]struct {
		kind Kind
		p    string
		good bool
	}{
		"a text": {Text, "κόσμε", true}, "nothing": {Text, "", true}, "bytes": {Binary, "\xff", true},
		"a text that is not UTF-8": {Text, "\xff", false}, "a ping": {9, "", false}, "a continuation": {0, "", false},
	} {
		m, err := Prepare(c.kind, []byte(c.p))
		var bad *MessageError
		if (err == nil) != c.good || (m == nil) == c.good || err != nil && !errors.As(err, &bad) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

func TestPreparedIsMadeOncePerSetting(t *testing.T) {
	m := prepare(t, Text, prose(3, 4000))
	noisy := prepare(t, Binary, noise(3, 4000))
	short := prepare(t, Text, prose(3, 100))
	plain := bareConn(true, Compression{}, nil)
	settings := []*Conn{
		bareConn(true, Compression{Level: 1}, &deflateParams{}),
		bareConn(true, Compression{Level: 6}, &deflateParams{}),
		bareConn(true, Compression{}, &deflateParams{serverBits: 8}),
		bareConn(true, Compression{}, &deflateParams{serverBits: 12}),
	}
	seen := map[*byte]bool{&m.Frame(plain)[0]: true}
	for i, c := range settings {
		frame := m.Frame(c)
		if seen[&frame[0]] || frame[0] != finBit|rsv1Bit|opText || len(frame) > 3000 {
			t.Errorf("setting %d: a frame of %d bytes that begins with %x", i, len(frame), frame[0])
		}
		seen[&frame[0]] = true
		if again := m.Frame(c); &again[0] != &frame[0] {
			t.Errorf("setting %d: it is made twice", i)
		}
		if got := decodeWith(t, withoutTakeover(), bytes.Clone(frame), false, Limits{}, nil); !got.equal(result{events: []string{"text " + string(prose(3, 4000))}}) {
			t.Errorf("setting %d: got %.100v", i, got)
		}
		if &noisy.Frame(c)[0] != &noisy.plain[0] || &short.Frame(c)[0] != &short.plain[0] {
			t.Errorf("setting %d: what is not shorter or too short is not the plain frame", i)
		}
	}
	// The peer's choice about context takeover, and the threshold, make no other frame.
	same := bareConn(true, Compression{Level: 1, Threshold: 3000}, &deflateParams{serverFresh: true, clientBits: 9})
	if &m.Frame(same)[0] != &m.Frame(settings[0])[0] {
		t.Error("the same setting has two frames")
	}
}

func TestPreparedIsMadeOnceUnderContention(t *testing.T) {
	for range 50 {
		m := prepare(t, Text, prose(4, 2000))
		const each = 8
		frames := make([][]byte, 3*each)
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range frames {
			c := bareConn(true, Compression{}, &deflateParams{serverBits: int8(8 + i%3)})
			all.Go(func() {
				<-start
				frames[i] = m.Frame(c)
			})
		}
		close(start)
		all.Wait()
		for i, f := range frames {
			if &f[0] != &frames[i%3][0] || i < 3 && i > 0 && &f[0] == &frames[0][0] {
				t.Fatalf("frame %d is not shared as it should be", i)
			}
		}
	}
}

func TestOurOwnMessagesReferToNothingBeforeAPrepared(t *testing.T) {
	c := bareConn(true, Compression{}, &deflateParams{})
	text := prose(6, 3000)
	own := func() int { return len(c.Compress(nil, AppendFrame(nil, opText, text, false))) }
	first, second := own(), own()
	m := prepare(t, Text, prose(7, 1000)).Frame(c)
	if out := c.Compress(nil, m); !bytes.Equal(out, m) {
		t.Error("the prepared frame is changed")
	}
	if third, fourth := own(), own(); second > first/5 || third != first || fourth != second {
		t.Errorf("%d, %d, then %d, %d bytes", first, second, third, fourth)
	}
}
