package dedup

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPeersThatLeftAreBounded(t *testing.T) {
	p := newServer(id, name, Options{Peers: 100}).peers
	here := p.acquire("here")
	back := p.acquire("back")
	p.release(back)
	p.acquire("back")
	for i := range 1000 {
		p.release(p.acquire(fmt.Sprint(i)))
	}
	if len(p.all) != 102 || p.gone.Len() != 100 {
		t.Errorf("%d peers, %d of them gone; want 102 and 100", len(p.all), p.gone.Len())
	}
	if p.acquire("here") != here || p.acquire("back") != back || p.all["899"] != nil || p.all["900"] == nil {
		t.Error("not those that left last are remembered")
	}
}

func TestAKeyTakesAFewHundredBytes(t *testing.T) {
	const n = 100_000
	o := Options{Keys: n}.withDefaults()
	before := heap()
	m := newMemory(&o)
	for i := range 3 * n {
		m.see(fmt.Sprintf("%s %d", strings.Repeat("x", 1000), i), 1, time.Unix(0, 0), true)
	}
	if each := (heap() - before) / n; each > 400 {
		t.Errorf("%d bytes each", each)
	} else {
		t.Logf("%d bytes each", each)
	}
	runtime.KeepAlive(m)
}

func heap() int {
	var s runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&s)
	return int(s.HeapAlloc)
}

func TestLongKeysAreToldApartAndKeptShort(t *testing.T) {
	o := Options{}.withDefaults()
	m := newMemory(&o)
	long := strings.Repeat("x", 1<<20)
	for _, key := range []string{long + "1", long + "2", strings.Repeat("k", longest), strings.Repeat("k", longest+1)} {
		if m.see(key, 1, time.Now(), true) != first || m.see(key, 1, time.Now(), true) != duplicate {
			t.Errorf("a key of %d bytes is not told apart", len(key))
		}
	}
	for key := range m.known {
		if len(key) > longest {
			t.Errorf("a key of %d bytes is kept", len(key))
		}
	}
}

// A memory does what a slow one does that keeps everything in a list.
func TestMemoryIsAListOfTheLatestKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Keys: rapid.IntRange(1, 5).Draw(t, "keys"), Window: time.Duration(rapid.IntRange(-1, 20).Draw(t, "window"))}.withDefaults()
		m, now := newMemory(&o), time.Unix(0, 0)
		var model []entry
		find := func(key string) int {
			for i := range model {
				if model[i].key == key {
					return i
				}
			}
			return -1
		}
		drop := func(i int) { model = append(model[:i:i], model[i+1:]...) }
		t.Repeat(map[string]func(*rapid.T){
			"see": func(t *rapid.T) {
				key, conn := rapid.StringMatching("[a-g]").Draw(t, "key"), rapid.Uint64Range(1, 2).Draw(t, "conn")
				done := rapid.Bool().Draw(t, "done")
				now = now.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "later")))
				for o.Window >= 0 && len(model) > 0 && now.Sub(model[0].at) >= o.Window {
					drop(0)
				}
				want := first
				if i := find(key); i >= 0 {
					switch {
					case model[i].done:
						want = duplicate
					case model[i].conn == conn:
						want = underway
					default:
						drop(i)
					}
				}
				if want == first {
					if len(model) == o.Keys {
						drop(0)
					}
					model = append(model, entry{key, now, conn, done})
				}
				if got := m.see(key, conn, now, done); got != want {
					t.Fatalf("see %s on %d: %d, want %d", key, conn, got, want)
				}
			},
			"finish": func(t *rapid.T) {
				key := rapid.StringMatching("[a-g]").Draw(t, "key")
				if i := find(key); i >= 0 {
					model[i].done = true
				}
				m.finish(key)
			},
			"forget": func(t *rapid.T) {
				key := rapid.StringMatching("[a-g]").Draw(t, "key")
				if i := find(key); i >= 0 {
					drop(i)
				}
				m.forget(key)
			},
			"": func(t *rapid.T) {
				if len(m.known) != len(model) || m.order.Len() != len(model) {
					t.Fatalf("%d keys in the map and %d in the list, want %d", len(m.known), m.order.Len(), len(model))
				}
			},
		})
	})
}
