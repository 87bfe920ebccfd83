package logging_test

import (
	"log/slog"
	"os"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/modules/logging"
)

// At most 20 lines a second and direction, and one more for every thousand
// messages behind them.
func ExampleNew() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	_ = actors.ClientOptions{
		Middleware: []actors.Middleware{logging.New(logging.Options{
			Logger:   logger,
			Sample:   logging.Sample{First: 20, Every: 1000},
			Connects: true,
		})},
	}
	// Output:
}
