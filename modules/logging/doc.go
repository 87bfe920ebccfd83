// Package logging is a middleware that logs the messages passing by: direction,
// connection, epoch, kind and size, and never a byte of their contents. A busy
// connection does not flood the log: it is sampled, and what was left out is told
// as a number.
package logging
