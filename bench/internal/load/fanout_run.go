package load

import "fmt"

// Verify publishes once and checks what every subscriber gets; with permessage-deflate
// twice, as only a second message can depend on the first. A server may take subscribers
// up behind its answer to the handshake, so leave it a moment between NewFanout and this.
func (f *Fanout) Verify() error {
	defer func() {
		for _, c := range f.subscribers {
			c.parser.keep, c.parser.kept = false, nil
		}
	}()
	for range f.o.rounds() {
		for _, c := range f.subscribers {
			c.parser.keep, c.parser.kept = true, c.parser.kept[:0]
		}
		payload := f.o.Payloads[f.publisher.place.frame]
		if err := f.once(); err != nil {
			return err
		}
		for i, c := range f.subscribers {
			if err := f.o.judge(payload, c.parser.kept); err != nil {
				return fmt.Errorf("subscriber %d of %d: %w", i+1, len(f.subscribers), err)
			}
		}
	}
	return nil
}

// once publishes one message and waits until all have it.
func (f *Fanout) once() error {
	start := now()
	if err := f.publish(1, start); err != nil {
		return err
	}
	for f.publisher.flight.open > 0 {
		_, err := f.poll(pollInterval, func(c *conn, messages int) error {
			complete, err := f.deliver(c, messages)
			for range complete {
				f.publisher.flight.pop()
			}
			return err
		})
		if err != nil {
			return err
		}
		if now()-start > int64(f.patience) {
			return fmt.Errorf("after %v %s", f.patience, f.behind())
		}
	}
	return nil
}

// broadcast is a run of Fanout in progress.
type broadcast struct {
	phases
	f *Fanout
	m Measurement
}

// Run keeps publishes outstanding for the window and then waits until every subscriber
// has everything.
func (f *Fanout) Run(o Window) (Measurement, error) {
	b := broadcast{f: f}
	b.start(o, f.patience, f.resetLatencies)
	if err := f.publish(len(f.missing), now()); err != nil {
		return b.m, err
	}
	got := b.got
	for f.publisher.flight.open > 0 {
		events, err := f.poll(pollInterval, got)
		if err != nil {
			return b.m, err
		}
		if err := b.advance(events); err != nil {
			return b.m, fmt.Errorf("%w, %s", err, f.behind())
		}
	}
	f.summarize(&b.m)
	return b.m, nil
}

func (b *broadcast) got(c *conn, messages int) error {
	complete, err := b.f.deliver(c, messages)
	if err != nil {
		return err
	}
	if b.counting {
		b.m.Messages += uint64(messages)
	}
	if complete == 0 {
		return nil
	}
	t := now()
	for range complete {
		publishedAt := b.f.publisher.flight.pop()
		if b.counting {
			b.complete = true
			b.f.shared.Add(t - publishedAt)
		}
	}
	if b.draining {
		return nil
	}
	return b.f.publish(complete, t)
}
