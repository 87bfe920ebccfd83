package main

import (
	"io"
	"os"
	"sync"
)

// lineWriter lets many goroutines write whole lines to the same place. Each Write
// is one or more whole lines and reaches the other side at once: nothing is kept
// back, and lines never mix.
type lineWriter struct {
	mu   sync.Mutex
	w    io.Writer
	err  error         // of the first write that failed; nothing is written after it
	dead chan struct{} // if not nil, closed at that moment
}

func newLineWriter(w io.Writer) *lineWriter { return &lineWriter{w: w, dead: make(chan struct{})} }

// Write implements io.Writer.
func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.w.Write(p)
	if err != nil {
		l.err = err
		if l.dead != nil {
			close(l.dead)
		}
	}
	return n, err
}

// failed is closed when nobody takes what is written any more.
func (l *lineWriter) failed() <-chan struct{} { return l.dead }

// isTerminal reports whether w is a screen rather than a file or a pipe.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// wantsColour reports whether colours are for w (https://no-color.org).
func wantsColour(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}
