package load

// flight is the messages of a connection that are sent and not answered, as a ring of
// their send times. Answers come in the order of the messages.
type flight struct {
	sent       []int64
	head, tail int
	open       int
}

func newFlight(size int) flight { return flight{sent: make([]int64, max(size, 1))} }

// push adds a message sent at t. The ring must not be full.
func (f *flight) push(t int64) {
	f.sent[f.head] = t
	if f.head++; f.head == len(f.sent) {
		f.head = 0
	}
	f.open++
}

// pop takes the oldest message out and returns when it was sent.
func (f *flight) pop() (sentAt int64) {
	sentAt = f.sent[f.tail]
	if f.tail++; f.tail == len(f.sent) {
		f.tail = 0
	}
	f.open--
	return sentAt
}

func (f *flight) full() bool { return f.open == len(f.sent) }
