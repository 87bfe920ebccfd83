// Package recorder is a middleware that keeps the last messages of a client or a
// server: for tests, and to see afterwards what led to a failure. What it keeps is
// bounded in messages and in bytes, can be written as JSON lines, read again, and
// replayed.
//
// By default it keeps when, which way, how large and of what kind a message was,
// and nothing of its contents: in these stand passwords, tokens and people's data.
// Options.Payload turns contents on, and Options.Redact takes out of them what must
// not be kept.
package recorder
