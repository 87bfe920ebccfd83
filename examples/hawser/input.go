package main

import (
	"bufio"
	"errors"
	"io"
)

// inputBuffer is how much of the input is read at once.
const inputBuffer = 64 << 10

// lineReader reads lines of any length up to a limit, give or take their ends.
type lineReader struct {
	r     *bufio.Reader
	limit int
}

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, inputBuffer), limit: limit}
}

// next returns the next line without its end (LF or CRLF); it is valid until the
// following call. Of a line beyond the limit the length alone is told. The last
// line needs no end; at the end of the input the error is io.EOF.
func (l *lineReader) next() (line []byte, tooLong bool, err error) {
	for {
		part, err := l.r.ReadSlice('\n')
		whole := err == nil
		if whole && line == nil {
			return trimEnd(part), len(part) > l.limit+2, nil // the common case copies nothing
		}
		if tooLong = tooLong || len(line)+len(part) > l.limit+2; tooLong {
			line = line[:0]
		} else {
			line = append(line, part...)
		}
		switch {
		case whole, err != nil && !errors.Is(err, bufio.ErrBufferFull) && (len(line) > 0 || tooLong):
			return trimEnd(line), tooLong, nil // an error comes again with the next call
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		}
	}
}

func trimEnd(line []byte) []byte {
	n := len(line)
	if n > 0 && line[n-1] == '\n' {
		if n--; n > 0 && line[n-1] == '\r' {
			n--
		}
	}
	return line[:n]
}
