package recorder

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// Export writes what is kept now as JSON lines, the oldest first.
func (r *Recorder) Export(w io.Writer) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	for _, record := range r.Records() {
		if err := e.Encode(record); err != nil {
			return fmt.Errorf("recorder: export: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("recorder: export: %w", err)
	}
	return nil
}

// Read yields the records of JSON lines that Export wrote. It ends with an error
// that names the line, if there is one.
func Read(r io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		d := json.NewDecoder(r)
		for n := 1; ; n++ {
			var record Record
			err := d.Decode(&record)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("recorder: record %d: %w", n, err))
				return
			}
			if !yield(record, nil) {
				return
			}
		}
	}
}

// Replay yields records at the pace at which they were made, made faster by speed:
// 2 is twice as fast. With 0 or less it does not wait. It ends early when ctx is
// done. To filter what is replayed, filter records.
//
// In a testing/synctest bubble an hour of records takes no time.
func Replay(ctx context.Context, records iter.Seq[Record], speed float64) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		var first, begin time.Time
		for r := range records {
			if first.IsZero() {
				first, begin = r.At, time.Now()
			}
			if !wait(ctx, begin, r.At.Sub(first), speed) || !yield(r) {
				return
			}
		}
	}
}

// wait waits until a record is due that came after its first one by offset. It
// reports false if ctx is done.
func wait(ctx context.Context, begin time.Time, offset time.Duration, speed float64) bool {
	if ctx.Err() != nil {
		return false
	}
	if speed <= 0 {
		return true
	}
	left := time.Duration(float64(offset)/speed) - time.Since(begin)
	if left <= 0 {
		return true
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
