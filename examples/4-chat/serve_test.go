package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hawser-go/hawser/actors/actorstest"
	"github.com/hawser-go/hawser/transport"
)

// running is the chat on a loopback address, in this process.
type running struct {
	url    string
	stop   context.CancelFunc
	status chan int
	errs   bytes.Buffer
}

func startRunning(t *testing.T) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{stop: cancel, status: make(chan int, 1)}
	out, in := io.Pipe()
	go func() { r.status <- run(ctx, []string{"--addr", "127.0.0.1:0", "--drain", "2s"}, in, &r.errs) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	r.url = strings.TrimSpace(line)
	return r
}

func TestASignalSendsThePagesAwayToComeBack(t *testing.T) {
	r := startRunning(t)
	answer, err := http.Get(r.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if answer.StatusCode != http.StatusOK || string(body) != pageHTML {
		t.Errorf("status %d, %d bytes", answer.StatusCode, len(body))
	}
	p := &page{PeerConn: actorstest.DialPeer(t, "ws"+strings.TrimPrefix(r.url, "http")+socketPath, transport.Dialer{}), t: t, key: "key-of-the-page-1"}
	p.join("Ada", "harbour")
	expect[presence](p, typePresence)
	r.stop()
	p.ExpectClose(transport.ServiceRestart)
	if status := <-r.status; status != exitOK || r.errs.Len() > 0 {
		t.Errorf("status %d, stderr %q", status, r.errs.String())
	}
}

func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	r := startRunning(t)
	defer func() { r.stop(); <-r.status }()
	header := http.Header{"Origin": {"https://elsewhere.example"}}
	_, _, err := (&transport.Dialer{Header: header, Proxy: transport.NoProxy}).Dial(t.Context(), "ws"+strings.TrimPrefix(r.url, "http")+socketPath)
	var refused *transport.HandshakeError
	if !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("it gets %v, want 403", err)
	}
}

func TestWrongCallsExitWith2(t *testing.T) {
	for _, args := range [][]string{{"--addr", "8090"}, {"--drain", "0s"}, {"--drain", "soon"}, {"--nonsense"}, {"word"}} {
		var out, errs bytes.Buffer
		if status := run(t.Context(), args, &out, &errs); status != exitUsage || out.Len() > 0 || errs.Len() == 0 {
			t.Errorf("%q: status %d, stdout %q, stderr %q", args, status, out.String(), errs.String())
		}
	}
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"--help"}, &out, &errs); status != exitOK || errs.String() != usage {
		t.Errorf("--help: status %d, stderr %q", status, errs.String())
	}
}

func TestAnAddressThatIsTakenIsAnError(t *testing.T) {
	r := startRunning(t)
	defer func() { r.stop(); <-r.status }()
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"--addr", strings.TrimPrefix(r.url, "http://")}, &out, &errs); status != exitFailed || !strings.Contains(errs.String(), "address already in use") {
		t.Errorf("status %d, stderr %q", status, errs.String())
	}
}
