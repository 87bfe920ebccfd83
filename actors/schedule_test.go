package actors

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/hawser-go/hawser/supervisor"
	"github.com/hawser-go/hawser/transport"
	"github.com/hawser-go/hawser/transport/transporttest"
)

var (
	scheduleSeed  = flag.Uint64("schedule.seed", 0, "seed of the random schedules; 0: a new one each time")
	scheduleCount = flag.Int("schedule.count", 0, "number of random schedules; 0: 10000, fewer with -short or the race detector")
)

// bubbleSize is how many schedules share one bubble and one actor system, of
// which each costs some milliseconds.
const bubbleSize = 250

// TestRandomSchedulesKeepTheInvariants runs a client and a server through random
// dial results, cuts, sends, commands, crashes and clock advances. Each schedule
// ends with Close, and then: the events are in a legal order with exactly one
// end, every message has one outcome and is where it says, nothing is left.
func TestRandomSchedulesKeepTheInvariants(t *testing.T) {
	seed := *scheduleSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	count := *scheduleCount
	switch {
	case count > 0:
	case testing.Short():
		count = 500
	case raceEnabled && os.Getenv("HAWSER_NIGHT") == "":
		count = 2000
	default:
		count = 10_000
	}
	t.Logf("%d schedules; run again with -schedule.seed=%d", count, seed)
	jobs := make(chan int)
	go func() {
		defer close(jobs)
		for first := 0; first < count; first += bubbleSize {
			jobs <- first
		}
	}()
	for range runtime.GOMAXPROCS(0) {
		t.Run("worker", func(t *testing.T) {
			t.Parallel()
			for first := range jobs {
				synctest.Test(t, func(t *testing.T) {
					system := quietSystem()
					for n := first; n < min(first+bubbleSize, count) && !t.Failed(); n++ {
						(&schedule{seed: seed, n: n}).run(t, system)
					}
					nothingLeft(t, system)
				})
			}
		})
	}
}

// schedule is one random life of a client.
type schedule struct {
	seed  uint64
	n     int
	rand  *rand.Rand
	w     *world
	sent  int
	steps []string
}

func (s *schedule) compression() transport.Compression {
	return transport.Compression{
		Enabled: s.rand.IntN(3) > 0, Threshold: s.rand.IntN(40) - 20, ContextTakeover: s.rand.IntN(2) == 0,
	}
}

func (s *schedule) run(t *testing.T, system *actor.ActorSystem) {
	s.rand = rand.New(rand.NewPCG(s.seed, uint64(s.n)))
	s.w = newWorld(t, system)
	s.w.shared = true
	book := &desk{}
	s.w.serve(ServerOptions{
		Shards: 1, Routing: ToFirst, Modules: []Module{book.module(), s.w.echo()},
		Compression: s.compression(),
	})
	options := ClientOptions{
		Outbox: OutboxLimits{
			Messages: 50 + s.rand.IntN(200), Age: time.Duration(s.rand.IntN(40)-5) * time.Second,
			Overflow: OverflowPolicy(s.rand.IntN(policies)), AckTimeout: time.Duration(s.rand.IntN(40)-5) * time.Second,
		},
		Backoff: supervisor.Backoff{MaxAttempts: s.rand.IntN(3) * s.rand.IntN(8)},
		Restart: supervisor.RestartType(s.rand.IntN(3) * s.rand.IntN(2)),
		Rand:    rand.New(rand.NewPCG(s.seed+1, uint64(s.n))).Float64, // the client's own
		// On some connections of a life there may be none: what was written for one that
		// compresses must be good for the next, too.
		Compression: s.compression(),
	}
	if s.rand.IntN(3) == 0 {
		options.Middleware = []Middleware{{Name: "passer", New: func() Interceptor { return passer{} }}}
	}
	var lives []*biography
	if s.rand.IntN(2) == 0 {
		module, around := s.biography("module"), s.biography("middleware")
		lives = append(lives, module, around)
		options.Modules = []Module{s.w.sink(), {Name: "lively", New: func() Handler { return lively{module} }}}
		options.Middleware = append(options.Middleware, Middleware{
			Name: "passing", Inline: s.rand.IntN(2) == 0, New: func() Interceptor { return passing{around} },
		})
	}
	s.w.dial(options)
	for range 5 + s.rand.IntN(20) {
		s.step()
	}
	s.w.listener.Refuse(false)
	s.w.end()
	s.w.delivered(true)
	for _, l := range lives {
		for _, fault := range l.ended() {
			t.Error(fault)
		}
	}
	for _, fault := range book.failed {
		t.Error(fault)
	}
	if t.Failed() {
		t.Logf("schedule %d of seed %d: %v\n%s", s.n, s.seed, s.steps, s.w.story())
	}
}

// step does one random thing and, mostly, lets its consequences happen.
func (s *schedule) step() {
	actions := []func() string{
		s.send, s.send, s.send, s.want, s.unwant, s.cut, s.halfOpen, s.refuse, s.accept, s.answer, s.command, s.crash, s.advance, s.advance, s.advance,
	}
	s.steps = append(s.steps, actions[s.rand.IntN(len(actions))]())
	if s.rand.IntN(4) > 0 {
		synctest.Wait()
	}
}

func (s *schedule) send() string {
	n := 1 + s.rand.IntN(20)
	for range n {
		text := fmt.Sprint("m", s.sent)
		id, err := s.give(text)
		if err != nil {
			continue
		}
		s.sent++
		s.w.mu.Lock()
		s.w.ids[text] = id
		s.w.mu.Unlock()
	}
	return fmt.Sprint("send ", n)
}

// newest is the newest link, or nil.
func (s *schedule) newest() *transporttest.Link {
	links := s.w.listener.Links()
	if len(links) == 0 {
		return nil
	}
	return links[len(links)-1]
}

func (s *schedule) direction() transporttest.Direction {
	return []transporttest.Direction{transporttest.ToServer, transporttest.ToClient}[s.rand.IntN(2)]
}

func (s *schedule) cut() string {
	link := s.newest()
	if link == nil {
		return "nothing to cut"
	}
	after := s.rand.IntN(300)
	link.Cut(s.direction(), after)
	return fmt.Sprint("cut after ", after)
}

func (s *schedule) halfOpen() string {
	if link := s.newest(); link != nil {
		link.Stall(s.direction())
	}
	return "stall"
}

func (s *schedule) refuse() string {
	s.w.listener.Refuse(true)
	return "refuse"
}

func (s *schedule) accept() string {
	s.w.listener.Refuse(false)
	s.w.listener.OnLink(nil)
	return "accept"
}

// answer makes the next links die during or right behind their handshake.
func (s *schedule) answer() string {
	after := s.rand.IntN(400)
	s.w.listener.OnLink(func(l *transporttest.Link) { l.Cut(transporttest.ToClient, after) })
	return fmt.Sprint("links that die after ", after)
}

func (s *schedule) command() string {
	c := []Command{Connect, Connect, Disconnect, Hold, Reconnect, Shutdown}[s.rand.IntN(6)]
	if c == Shutdown && s.rand.IntN(4) > 0 {
		c = Connect
	}
	s.w.system.Root.Send(s.w.client.pid, &Do{Command: c})
	return c.String()
}

func (s *schedule) crash() string {
	c := s.w.client.s.line.Load()
	if c == nil {
		return "nothing to crash"
	}
	switch s.rand.IntN(3) {
	case 0:
		killLight(&c.reader.light)
	case 1:
		killLight(&c.writer.light)
	default:
		s.w.system.Root.Send(c.pid, (*pongReceived)(nil))
	}
	return "crash"
}

// advance lets between a millisecond and half a minute pass.
func (s *schedule) advance() string {
	d := time.Millisecond << s.rand.IntN(16)
	time.Sleep(d)
	return d.String()
}
