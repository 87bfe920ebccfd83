package actors

import "context"

// Receipt tells how one message of Client.Post ends. All methods are safe for
// concurrent use, and may be called as often as one likes, also after the end.
// Every accepted message has an outcome when its client has ended, so no waiting
// outlives the client.
type Receipt struct {
	id      uint64
	written chan struct{} // closed when first is set
	done    chan struct{} // closed when last is set; the same channel without Ack
	first   Outcome
	last    Outcome
}

func newReceipt(ack bool) Receipt {
	r := Receipt{done: make(chan struct{})}
	if r.written = r.done; ack {
		r.written = make(chan struct{})
	}
	return r
}

// ID is the number that names the message in its Outcome.
func (r *Receipt) ID() uint64 { return r.id }

// Written waits until the message is written, or has ended otherwise. The Result
// is Written for every message that was handed to the operating system, whatever
// became of its acknowledgement. The error is that of ctx, or nil.
func (r *Receipt) Written(ctx context.Context) (Outcome, error) {
	if err := until(ctx, r.written); err != nil {
		return Outcome{}, err
	}
	return r.first, nil
}

// Acked waits for the outcome of the message: for one with Ack that is Acked, if
// all goes well, for others Written. The error is that of ctx, or nil.
func (r *Receipt) Acked(ctx context.Context) (Outcome, error) {
	if err := until(ctx, r.done); err != nil {
		return Outcome{}, err
	}
	return r.last, nil
}

// Done is closed when the message has its outcome.
func (r *Receipt) Done() <-chan struct{} { return r.done }

// wrote notes that a message that waits for its acknowledgement is written. The
// outbox is locked, as in finish.
func (r *Receipt) wrote() {
	r.first = Outcome{ID: r.id, Result: Written}
	close(r.written)
}

// finish notes the outcome.
func (r *Receipt) finish(end Outcome) {
	r.last = end
	if r.written == r.done {
		r.first = end
	} else if r.first.ID == 0 {
		if r.first = end; end.Result == Acked {
			r.first = Outcome{ID: r.id, Result: Written}
		}
		close(r.written)
	}
	close(r.done)
}

// until waits until c is closed. What has happened already counts more than a
// context that is done.
func until(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	default:
	}
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
