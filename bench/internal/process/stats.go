package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hawser-go/hawser/bench/internal/peer"
)

// statsTimeout bounds reading the statistics page; a forced collection of a big heap
// takes part of a second.
const statsTimeout = 20 * time.Second

// ErrNoStats means that the server has printed no statistics page.
var ErrNoStats = errors.New("process: the server offers no statistics")

// Stats reads the statistics page, with collect after a forced garbage collection.
func (p *Process) Stats(ctx context.Context, collect bool) (s peer.Stats, err error) {
	query := ""
	if collect {
		query = "gc=1"
	}
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	return s, p.page(ctx, "", query, func(body io.Reader) error { return json.NewDecoder(body).Decode(&s) })
}

// CPUProfile writes a processor profile of the next whole seconds to w.
func (p *Process) CPUProfile(ctx context.Context, w io.Writer, seconds int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+statsTimeout)
	defer cancel()
	return p.profile(ctx, w, "profile", fmt.Sprintf("seconds=%d", seconds))
}

// HeapProfile writes a profile of the heap to w, after a forced garbage collection.
func (p *Process) HeapProfile(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	return p.profile(ctx, w, "heap", "gc=1")
}

func (p *Process) profile(ctx context.Context, w io.Writer, name, query string) error {
	return p.page(ctx, "/debug/pprof/"+name, query, func(body io.Reader) error {
		_, err := io.Copy(w, body)
		return err
	})
}

// page reads the statistics page, or another page of the same host.
func (p *Process) page(ctx context.Context, path, query string, read func(io.Reader) error) error {
	stats := p.stats.Load()
	if stats == nil {
		return ErrNoStats
	}
	address := *stats
	if path != "" {
		address.Path = path
	}
	address.RawQuery = query
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return err
	}
	// No connection stays open: it would be one more that the server holds, and no proxy.
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("process: %s: %w", address.Path, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("process: %s: %s", address.Path, response.Status)
	}
	return read(response.Body)
}
