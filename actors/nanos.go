package actors

import "time"

// Times are kept as nanoseconds that no setting of the system's clock moves: a jump
// of it must not end connections, or keep messages for longer. They look like Unix
// times but for the jumps; 0 stands for no time.
var (
	origin      = time.Now()
	originNanos = origin.UnixNano()
)

// nanos is now.
func nanos() int64 { return originNanos + int64(time.Since(origin)) }

// instant is a time that came from time.Now.
func instant(t time.Time) int64 { return originNanos + int64(t.Sub(origin)) }

// moment is the inverse of instant.
func moment(n int64) time.Time { return origin.Add(time.Duration(n - originNanos)) }
