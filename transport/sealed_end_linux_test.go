package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
)

// failure waits for the error that ended reading.
func failure(t *testing.T, in *inbox) error {
	t.Helper()
	err := wait(t, in.failed)
	var re *ReadError
	if !errors.As(err, &re) {
		t.Fatalf("got %v, not a *ReadError", err)
	}
	return err
}

func TestSealedDataAndCloseNotifyInOneSegmentAreDataAndThenTheEnd(t *testing.T) {
	eachSealed(t, func(t *testing.T, e *sealedEnd) {
		in, out := newInbox(), &sender{}
		e.c.Start(funcs{in.Readable, out.writable})
		e.wire.shut = true
		for i := range 3 {
			e.say(t, e.frame(fmt.Sprint(i)))
		}
		if err := errors.Join(e.peer.CloseWrite(), e.wire.spill()); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if got := wait(t, in.messages); got != fmt.Sprint(i) {
				t.Fatalf("got %q", got)
			}
		}
		if err := failure(t, in); !errors.Is(err, io.EOF) {
			t.Fatalf("got %v", err)
		}
		// The other direction still works.
		out.send(e.c, []byte("answer"))
		e.hear(t, []byte("answer"))
		if len(in.failed) > 0 {
			t.Fatal("the end was told twice")
		}
	})
}

func TestSealedStreamsThatBreakOff(t *testing.T) {
	eachSealed(t, func(t *testing.T, e *sealedEnd) {
		in := newInbox()
		e.c.Start(in)
		e.wire.shut = true
		e.say(t, e.frame("whole"))
		whole := len(e.wire.held)
		e.say(t, e.frame("torn"))
		e.wire.held = e.wire.held[:whole+7]
		if err := errors.Join(e.wire.spill(), e.wire.CloseWrite()); err != nil {
			t.Fatal(err)
		}
		if got := wait(t, in.messages); got != "whole" {
			t.Fatalf("got %q", got)
		}
		if err := failure(t, in); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("got %v", err)
		}
	})
}

// crypto/tls takes the end of TCP between two records for the end.
func TestSealedStreamsThatEndWithoutCloseNotify(t *testing.T) {
	eachSealed(t, func(t *testing.T, e *sealedEnd) {
		in := newInbox()
		e.c.Start(in)
		e.say(t, e.frame("last"))
		if err := e.wire.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := wait(t, in.messages); got != "last" {
			t.Fatalf("got %q", got)
		}
		if err := failure(t, in); !errors.Is(err, io.EOF) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestGarbageBehindSealedDataIsAnErrorAndThePeerIsTold(t *testing.T) {
	garbage := map[string]string{
		"wrong version": "GET / HTTP/1.1\r\n\r\n",
		"too long":      "\x17\x03\x03\xff\xff",
		"bad tag":       "\x17\x03\x03\x00\x40" + strings.Repeat("x", 64),
		"no such type":  "\x63\x03\x03\x00\x40" + strings.Repeat("x", 64),
	}
	eachVersion(t, func(t *testing.T, k *sealing) {
		for name, bytes := range garbage {
			t.Run(name, func(t *testing.T) {
				k.eachRole(t, func(t *testing.T, e *sealedEnd) {
					in := newInbox()
					e.c.Start(in)
					e.wire.shut = true
					e.say(t, e.frame("good"))
					_, _ = io.WriteString(e.wire, bytes)
					if err := e.wire.spill(); err != nil {
						t.Fatal(err)
					}
					if got := wait(t, in.messages); got != "good" {
						t.Fatalf("got %q", got)
					}
					if err := failure(t, in); errors.Is(err, io.EOF) {
						t.Fatalf("got %v", err)
					}
					if _, err := e.peer.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "remote error") {
						t.Errorf("the peer was told %v", err)
					}
					var we *WriteError
					if _, err := e.c.Write([]byte("x")); !errors.As(err, &we) {
						t.Errorf("Write: %v", err)
					}
				})
			})
		}
	})
}

func TestAFatalAlertIsAnErrorThatIsNotTheEnd(t *testing.T) {
	eachSealed(t, func(t *testing.T, e *sealedEnd) {
		in := newInbox()
		e.c.Start(in)
		e.wire.spoil.Store(true)
		if _, err := e.c.Write([]byte("this will be spoilt")); err != nil {
			t.Fatal(err)
		}
		if _, err := e.peer.Read(make([]byte, 100)); err == nil {
			t.Fatal("it was not")
		}
		if err := failure(t, in); errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "bad record MAC") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestResetOfEitherSealedSideIsAnErrorForTheOther(t *testing.T) {
	eachVersion(t, func(t *testing.T, k *sealing) {
		k.eachRole(t, func(t *testing.T, e *sealedEnd) {
			in := newInbox()
			e.c.Start(in)
			_ = e.wire.SetLinger(0)
			_ = e.wire.Close()
			if err := failure(t, in); !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("got %v", err)
			}
			if _, err := e.c.Write([]byte("x")); err == nil {
				t.Fatal("a Write after a reset worked")
			}
		})
		k.eachRole(t, func(t *testing.T, e *sealedEnd) {
			e.c.Start(newInbox())
			if err := e.c.Reset(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(e.peer); !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("got %v", err)
			}
		})
	})
}

func TestSealedCloseWriteIsACloseNotifyBehindTheData(t *testing.T) {
	writes := map[string]func(c *Conn, p []byte) (int, error){"Write": (*Conn).Write, "WriteLast": (*Conn).WriteLast}
	eachVersion(t, func(t *testing.T, k *sealing) {
		for name, write := range writes {
			t.Run(name, func(t *testing.T) {
				k.eachRole(t, func(t *testing.T, e *sealedEnd) {
					in := newInbox()
					e.c.Start(in)
					if n, err := write(e.c, []byte("bye")); n != 3 || err != nil {
						t.Fatalf("%d bytes, %v", n, err)
					}
					if err := errors.Join(e.c.CloseWrite(), e.c.CloseWrite()); err != nil {
						t.Fatal(err)
					}
					got, err := io.ReadAll(e.peer) // fails at the end of TCP within a record only
					if string(got) != "bye" || err != nil {
						t.Fatalf("got %q, %v", got, err)
					}
					// TCP has not ended, so that was a close_notify.
					e.say(t, e.frame("still heard"))
					if got := wait(t, in.messages); got != "still heard" {
						t.Fatalf("got %q", got)
					}
					var we *WriteError
					if _, err := e.c.Write([]byte("x")); !errors.As(err, &we) {
						t.Errorf("Write: %v", err)
					}
				})
			})
		}
	})
}

func TestSealedCloseWriteBehindAWriteThatWasCutShort(t *testing.T) {
	eachSealed(t, func(t *testing.T, e *sealedEnd) {
		in, writable := newInbox(), make(chan struct{}, 16)
		e.c.Start(funcs{in.Readable, func(*Conn) { writable <- struct{}{} }})
		piece, total := pattern(50000), 0
		for cut := false; !cut; {
			n, err := e.c.Write(piece)
			if err != nil || n != 0 && n != len(piece) {
				t.Fatalf("%d bytes, %v", n, err)
			}
			total += len(piece)
			cut = n == 0
		}
		if err := e.c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		e.hear(t, bytes.Repeat(piece, total/len(piece)))
		if n, err := e.peer.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Fatalf("%d bytes, %v", n, err)
		}
		e.say(t, e.frame("still heard"))
		if got := wait(t, in.messages); got != "still heard" {
			t.Fatalf("got %q", got)
		}
		wait(t, writable)
		if n, err := e.c.Write(piece); n != len(piece) || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
		var we *WriteError
		if _, err := e.c.Write(piece); !errors.As(err, &we) {
			t.Fatalf("a Write behind the end: %v", err)
		}
	})
}
