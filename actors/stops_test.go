package actors

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// TestAThousandStopsAtRandomMomentsOfAFailure stops a client, in order or by
// force, while its tree is failing.
func TestAThousandStopsAtRandomMomentsOfAFailure(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		system := quietSystem()
		for n := range uint64(1000) {
			stopAtRandom(t, system, rand.New(rand.NewPCG(seed, n)))
			if t.Failed() {
				t.Fatalf("stop %d", n)
			}
		}
		nothingLeft(t, system)
	})
}

func stopAtRandom(t *testing.T, system *actor.ActorSystem, random *rand.Rand) {
	w := newWorld(t, system)
	w.shared = true
	w.serve(ServerOptions{Shards: 1})
	w.dial(ClientOptions{})
	w.ready()
	c := w.client.s.line.Load()
	for range 1 + random.IntN(3) {
		switch random.IntN(5) {
		case 0:
			killLight(&c.reader.light)
		case 1:
			killLight(&c.writer.light)
		case 2:
			system.Root.Send(c.pid, (*pongReceived)(nil))
		case 3:
			w.link().Reset()
		case 4:
			system.Root.Stop(c.pid) // a stranger stops the connection
		}
		if random.IntN(2) == 0 {
			time.Sleep(time.Duration(random.IntN(1000)) * time.Microsecond)
		}
	}
	if random.IntN(3) == 0 {
		system.Root.Stop(w.client.pid) // by force
	}
	start := time.Now()
	if err := w.client.Close(context.Background()); err != nil {
		t.Errorf("close: %v\n%s", err, w.story())
	}
	if took := time.Since(start); took > 5100*time.Millisecond {
		t.Errorf("close took %v", took)
	}
	w.end()
}
