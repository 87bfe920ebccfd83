package metrics_test

import (
	"fmt"
	"net/http"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/metrics"
)

// The counters of a client, for Prometheus and for the program itself.
func ExampleNew() {
	feed, err := metrics.New(metrics.Options{Labels: map[string]string{"client": "feed"}})
	if err != nil {
		panic(err)
	}
	_ = actors.ClientOptions{Middleware: []actors.Middleware{feed.Middleware()}}
	http.Handle("/metrics", feed)
	fmt.Println(feed.Snapshot().Inbound.All().Messages)
	// Output: 0
}
