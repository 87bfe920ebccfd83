package peer

import "time"

// Work is what a handler does for a message before it answers.
type Work func()

// None is the work of /echo.
func None() {}

// stall is what the slow module takes for one message.
const stall = 50 * time.Millisecond

// Stall blocks its goroutine for 50 ms, as a module that waits for a database does.
func Stall() { <-time.After(stall) }
