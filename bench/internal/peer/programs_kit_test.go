package peer_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	_ "github.com/hawser-go/hawser/modules/rooms" // with it all that srv-hawser is made of, for the same reason as look
)

// patience bounds everything that is waited for.
const patience = 10 * time.Second

// folder has the programs, built once for all tests.
var folder string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if folder, err = os.MkdirTemp("", "peer"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := look(); err != nil {
		panic(err)
	}
	build := exec.Command("go", "build", "-o", folder, "../../cmd/srv-...", "../../cmd/cli-...")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "building the programs:", err)
		return 1
	}
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// look looks at every source of this module, and at no content. Without it `go test` would
// not know what the build depends on, and take the result of a run before the last change.
func look() error {
	return filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" {
			_, err = os.Stat(path)
		}
		return err
	})
}

// program starts one of them, which dies with the test or with the test's process. It
// returns what it prints, line by line.
func program(t *testing.T, command string) (lines <-chan string) {
	t.Helper()
	words := strings.Fields(command)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(folder, words[0]), words[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := make(chan string, 16)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(out)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			out <- s.Text()
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-read
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: stderr: %s", command, complaints.String())
		}
	})
	return out
}

// line is the next line of a program.
func line(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case l, ok := <-lines:
		if !ok {
			t.Fatal("the program ended")
		}
		return l
	case <-time.After(patience):
		t.Fatal("the program says nothing")
	}
	return ""
}

// server starts a server and returns its address.
func server(t *testing.T, command string) (url string) {
	t.Helper()
	lines := program(t, command)
	url = line(t, lines)
	scheme := "ws"
	if strings.Contains(command, " tls") {
		scheme = "wss"
	}
	if !strings.HasPrefix(url, scheme+"://127.0.0.1:") {
		t.Fatalf("the first line is %q, want %s://127.0.0.1:port", url, scheme)
	}
	page, ok := strings.CutPrefix(line(t, lines), "stats ")
	if !ok {
		t.Fatal("the second line is no statistics page")
	}
	answer, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the statistics page answers %s", answer.Status)
	}
	return url
}

// connection is a client's, which knows how many bytes have come from the server.
type connection struct {
	*websocket.Conn
	extensions string
	received   *atomic.Int64
}

// dial connects and offers compression.
func dial(t *testing.T, url string) *connection {
	t.Helper()
	c := &connection{received: new(atomic.Int64)}
	dialer := websocket.Dialer{
		HandshakeTimeout:  patience,
		EnableCompression: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // its certificate is a few milliseconds old
		NetDial: func(network, addr string) (net.Conn, error) {
			conn, err := net.Dial(network, addr)
			return &counting{conn, c.received}, err
		},
	}
	conn, answer, err := dialer.Dial(url, nil)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	c.Conn, c.extensions = conn, answer.Header.Get("Sec-WebSocket-Extensions")
	t.Cleanup(func() { _ = c.Close() })
	deadline := time.Now().Add(patience)
	if err := errors.Join(c.SetReadDeadline(deadline), c.SetWriteDeadline(deadline)); err != nil {
		t.Fatal(err)
	}
	return c
}

type counting struct {
	net.Conn
	received *atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

func (c *connection) send(t *testing.T, kind int, payload string) {
	t.Helper()
	if err := c.WriteMessage(kind, []byte(payload)); err != nil {
		t.Fatal(err)
	}
}

func (c *connection) receive(t *testing.T) (kind int, payload string) {
	t.Helper()
	kind, p, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return kind, string(p)
}

// echoes checks that a message comes back as it went.
func (c *connection) echoes(t *testing.T, kind int, payload string) {
	t.Helper()
	c.send(t, kind, payload)
	if k, p := c.receive(t); k != kind || p != payload {
		t.Errorf("the echo of %d bytes, kind %d, has %d bytes, kind %d", len(payload), kind, len(p), k)
	}
}

// ends checks that the server answers a close frame and then ends the connection.
func (c *connection) ends(t *testing.T) {
	t.Helper()
	c.send(t, websocket.CloseMessage, string(websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")))
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("the close frame was answered with %v, want 1000", err)
	}
	if n, err := c.NetConn().Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("behind the close frame came %d bytes, %v, want the end of the stream", n, err)
	}
}
