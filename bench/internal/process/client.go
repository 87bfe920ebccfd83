package process

import (
	"context"
	"io"
)

// maxLines bounds what a client may print unread; the rest is lost.
const maxLines = 16

// Client is one running client under test. It prints a line when it begins to measure
// and one with its figures when it has done so.
type Client struct {
	*child
	lines chan string
}

// StartClient runs argv with env added to the environment. The client is killed when the
// thread that started it ends; see Start.
func StartClient(argv, env []string) (*Client, error) {
	c := &Client{lines: make(chan string, maxLines)}
	var err error
	c.child, err = start(argv, env, func(line string) {
		select {
		case c.lines <- line:
		default:
		}
	}, func() { close(c.lines) })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Line waits for the next line. The error is io.EOF when the client has ended its output.
func (c *Client) Line(ctx context.Context) (string, error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case line, ok := <-c.lines:
		if !ok {
			return "", io.EOF
		}
		return line, nil
	}
}
