package recorder

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mw "github.com/hawser-go/hawser/internal/middlewaretest"
	"github.com/hawser-go/hawser/transport"
)

func TestWhatWasExportedIsReadAgain(t *testing.T) {
	r := record(t, Options{Payload: 12})
	inWorld(t, r, func(w *mw.World) {
		for _, m := range []transport.Message{
			{Kind: transport.Text, Payload: []byte("line\nbreak \"quoted\"")},
			{Kind: transport.Text},
			{Kind: transport.Text, Payload: []byte("<a>&ü\u2028")},
			{Kind: transport.Binary, Payload: []byte{0, 0xff}},
			{Kind: transport.Binary},
		} {
			if _, err := w.Client.Send(m.Kind, m.Payload); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
	})
	var b bytes.Buffer
	if err := r.Export(&b); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != 10 {
		t.Errorf("%d lines, want one for each of 10 records", n)
	}
	var read []Record
	for r, err := range Read(&b) {
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, r)
	}
	want := r.Records()
	for i := range read {
		read[i].At = read[i].At.Local()
	}
	for i := range want {
		want[i].At = want[i].At.Local()
	}
	if !reflect.DeepEqual(read, want) {
		t.Errorf("read\n%v, want\n%v", read, want)
	}
}

func TestARecordIsOneLineOfJSON(t *testing.T) {
	r := record(t, Options{})
	r.ring.add(Record{
		At: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), Connection: 7, Epoch: 2,
		Direction: Outbound, Kind: transport.Text, Size: 9, Payload: []byte("hello"), Cut: true,
	})
	var b strings.Builder
	if err := r.Export(&b); err != nil {
		t.Fatal(err)
	}
	const want = `{"at":"2026-01-02T03:04:05.000006Z","connection":7,"epoch":2,"direction":"outbound","kind":"text","size":9,"text":"hello","cut":true}` + "\n"
	if b.String() != want {
		t.Errorf("%swant %s", b.String(), want)
	}
}

// full is a writer to which nothing can be written.
type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestExportTellsWhenItCannotWrite(t *testing.T) {
	r := record(t, Options{})
	r.ring.add(Record{Kind: transport.Text})
	if err := r.Export(full{}); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}

func TestReadNamesTheBadLine(t *testing.T) {
	const good = `{"at":"2026-01-02T03:04:05Z","direction":"inbound","kind":"text"}` + "\n"
	for name, bad := range map[string]string{
		"no JSON":    "hello",
		"direction":  `{"direction":"up","kind":"text"}`,
		"kind":       `{"direction":"inbound","kind":"ping"}`,
		"more":       `{"direction":"inbound","kind":"text","colour":"red"}`,
		"cut off":    `{"direction":"inbou`,
		"other JSON": `7`,
	} {
		good, failed := good, false
		n := 0
		for _, err := range Read(strings.NewReader(good + bad)) {
			if n++; err != nil {
				failed = true
				if n != 2 || !strings.Contains(err.Error(), "record 2") {
					t.Errorf("%s: %v, at record %d", name, err, n)
				}
			}
		}
		if !failed {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReplayKeepsThePace(t *testing.T) {
	var records []Record
	for _, s := range []int{100, 101, 103, 103, 3703} {
		records = append(records, Record{At: time.Unix(int64(s), 0), Size: s})
	}
	for speed, want := range map[float64][]time.Duration{
		0: {0, 0, 0, 0, 0},
		1: {0, time.Second, 3 * time.Second, 3 * time.Second, 3603 * time.Second},
		2: {0, time.Second / 2, 3 * time.Second / 2, 3 * time.Second / 2, 3603 * time.Second / 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			var got []time.Duration
			for r := range Replay(t.Context(), slices.Values(records), speed) {
				if r.Size != records[len(got)].Size {
					t.Errorf("record %v in place %d", r, len(got))
				}
				got = append(got, time.Since(begin))
			}
			if !slices.Equal(got, want) {
				t.Errorf("speed %v: at %v, want %v", speed, got, want)
			}
		})
	}
}

func TestReplayEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		n := 0
		for range Replay(ctx, slices.Values([]Record{{At: time.Unix(0, 0)}, {At: time.Unix(3600, 0)}}), 1) {
			n++
		}
		if n != 1 {
			t.Errorf("%d records in a minute, want the first", n)
		}
	})
}
