package load

import (
	"bytes"
	"compress/flate"
	"io"
)

// tail is what the end of a compressed message leaves out (RFC 7692 §7.2.1); a final,
// empty block behind it ends the stream for the inflater.
const tail = "\x00\x00\xff\xff" + "\x01\x00\x00\xff\xff"

// deflate compresses the payload of a message.
func deflate(p []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestSpeed) // the level is valid
	_, _ = w.Write(p)                            // a buffer takes all
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte(tail[:4]))
}

// inflate is the inverse; it gives up behind most bytes.
func inflate(p []byte, most int) ([]byte, error) {
	r := flate.NewReader(io.MultiReader(bytes.NewReader(p), bytes.NewReader([]byte(tail))))
	defer func() { _ = r.Close() }()
	return io.ReadAll(io.LimitReader(r, int64(most)+1))
}
