package peer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/hawser-go/hawser/bench/internal/peer"
	"github.com/hawser-go/hawser/bench/internal/runner"
)

// text is JSON-like, as what the generator sends.
func text(size int) string {
	const item = `{"symbol":"SYM042","bid":101.25,"ask":101.50,"ok":true},`
	return strings.Repeat(item, size/len(item)+1)[:size]
}

// servers is servers.txt: what a line promises by its letters is what is tested.
func servers(t *testing.T) []runner.Candidate {
	t.Helper()
	list, err := runner.ReadServers("../../servers.txt")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// command is how the test starts a candidate.
func command(c runner.Candidate) string {
	return strings.Join(append([]string{filepath.Base(c.Argv[0])}, c.Argv[1:]...), " ")
}

func TestEveryServerKeepsTheContract(t *testing.T) {
	for _, c := range servers(t) {
		t.Run(c.Name, func(t *testing.T) {
			url := server(t, command(c))
			echoes(t, url)
			fansOut(t, url)
			if strings.Contains(c.Tags, "S") {
				dial(t, url+peer.SlowPath).echoes(t, websocket.TextMessage, "late")
			}
			if strings.Contains(c.Tags, "W") {
				acknowledges(t, url)
			}
		})
		if strings.Contains(c.Tags, "F") {
			t.Run(c.Name+" deflate", func(t *testing.T) {
				url := server(t, command(c)+" deflate")
				echoes(t, url)
				deflates(t, url)
				fansOut(t, url)
			})
		}
		if strings.Contains(c.Tags, "T") {
			t.Run(c.Name+" tls", func(t *testing.T) {
				url := server(t, command(c)+" tls")
				echoes(t, url)
				fansOut(t, url)
			})
		}
	}
}

func echoes(t *testing.T, url string) {
	c := dial(t, url+peer.EchoPath)
	for _, size := range []int{1, 64, 1024, 64 << 10, peer.MaxMessage} {
		c.echoes(t, websocket.TextMessage, text(size))
	}
	c.echoes(t, websocket.BinaryMessage, "\xff\x00")
	c.ends(t)
}

// deflates checks that both directions are compressed, each message for itself.
func deflates(t *testing.T, url string) {
	c := dial(t, url+peer.EchoPath)
	for _, word := range []string{"permessage-deflate", "server_no_context_takeover", "client_no_context_takeover"} {
		if !strings.Contains(c.extensions, word) {
			t.Errorf("the extensions are %q, want %s", c.extensions, word)
		}
	}
	before := c.received.Load()
	for range 2 {
		c.echoes(t, websocket.TextMessage, text(1024))
	}
	if n := c.received.Load() - before; n > 1024 {
		t.Errorf("two echoes of 1 KiB took %d bytes", n)
	}
	c.ends(t)
}

// fansOut checks that every message of a publisher goes to every subscriber, in order,
// and nothing else does.
func fansOut(t *testing.T, url string) {
	const last = "last"
	subscribers := make([]chan string, 3)
	for i := range subscribers {
		c := dial(t, url+peer.SubPath)
		c.send(t, websocket.TextMessage, "what subscribers say is ignored")
		heard := make(chan string, 10_000)
		subscribers[i] = heard
		go func() {
			defer close(heard)
			for {
				_, p, err := c.ReadMessage()
				if err != nil {
					return
				}
				if heard <- string(p); string(p) == last {
					return
				}
			}
		}()
	}
	publisher := dial(t, url+peer.PubPath)
	published := untilAllHear(t, publisher, subscribers)
	for range 10 {
		published++
		publisher.send(t, websocket.TextMessage, numbered(published))
	}
	publisher.send(t, websocket.TextMessage, last)
	for i, heard := range subscribers {
		from, until := 0, 0
		for message := range heard {
			number, err := strconv.Atoi(strings.TrimSpace(message))
			switch {
			case message == last:
				number, err = until+1, nil
			case from == 0:
				from, until = number, number-1
			}
			if until++; err != nil || number != until {
				t.Fatalf("subscriber %d heard %q behind number %d", i, message, until-1)
			}
		}
		if until != published+1 {
			t.Errorf("subscriber %d heard numbers %d to %d, want all to %d and the last", i, from, until, published)
		}
	}
	publisher.ends(t)
}

// numbered is a message that is long enough to be compressed.
func numbered(n int) string { return fmt.Sprintf("%-1024d", n) }

// untilAllHear publishes until each subscriber has heard something: no server says when a
// subscription has begun. What they have heard stays in their channels.
func untilAllHear(t *testing.T, publisher *connection, subscribers []chan string) (published int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		published++
		publisher.send(t, websocket.TextMessage, numbered(published))
		select {
		case <-deadline:
			t.Fatal("not every subscriber hears the publisher")
		case <-time.After(5 * time.Millisecond):
		}
		heard := 0
		for _, s := range subscribers {
			heard += min(len(s), 1)
		}
		if heard == len(subscribers) {
			return published
		}
	}
}

// acknowledges checks that the typed route answers every type.
func acknowledges(t *testing.T, url string) {
	c := dial(t, url+peer.TypedPath)
	types := slices.Concat(peer.Types(), peer.Types())
	for seq, name := range types {
		c.send(t, websocket.TextMessage, fmt.Sprintf(`{"type":%q,"symbol":"SYM%03d","bid":101.25,"ask":101.5,"seq":%d}`, name, seq, seq))
	}
	for seq := range types {
		_, p := c.receive(t)
		var got struct {
			Type string `json:"type"`
			peer.Ack
		}
		if err := json.Unmarshal([]byte(p), &got); err != nil {
			t.Fatal(err)
		}
		if got.Type != "ack" || got.Symbol != fmt.Sprintf("SYM%03d", seq) || got.Seq != uint64(seq) {
			t.Errorf("answer %d is %s", seq, p)
		}
	}
}

func TestAServerRefusesAWordThatItDoesNotKnow(t *testing.T) {
	within, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, words := range [][]string{{"srv-floor", "tls"}, {"srv-hawser", "tuned"}, {"srv-coder", "deflated"}} {
		out, err := exec.CommandContext(within, filepath.Join(folder, words[0]), words[1]).CombinedOutput()
		if err == nil || !strings.Contains(string(out), strconv.Quote(words[1])) {
			t.Errorf("%v: %v, %s", words, err, out)
		}
	}
}

func TestEveryClientMeasuresItsEchoes(t *testing.T) {
	list, err := runner.ReadClients("../../clients.txt")
	if err != nil {
		t.Fatal(err)
	}
	url := server(t, "srv-floor")
	for _, c := range list {
		t.Run(c.Name, func(t *testing.T) {
			lines := program(t, command(c)+" -url "+url+peer.EchoPath+" -conns 3 -inflight 4 -size 1024 -warm 10ms -dur 50ms")
			if l := line(t, lines); l != "start" {
				t.Fatalf("the first line is %q, want start", l)
			}
			fields := strings.Fields(line(t, lines))
			if len(fields) != 7 || fields[0] != "end" {
				t.Fatalf("the second line is %q, want end and six numbers", fields)
			}
			for i, f := range fields[1:] {
				v, err := strconv.ParseFloat(f, 64)
				if counts := i < 4; err != nil || v < 0 || counts && v == 0 { // all but the allocations
					t.Errorf("number %d is %q, in %q", i, f, fields)
				}
			}
		})
	}
}
