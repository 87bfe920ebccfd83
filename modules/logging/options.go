package logging

import (
	"log/slog"

	"github.com/hawser-go/hawser/actors"
)

// Options says what is logged, and where. The zero value is good.
type Options struct {
	// Name is the name of the middleware. Default "logging"; a client or server that
	// has two of them gives one another name.
	Name string
	// Logger gets the lines. Default: slog.Default. Its handler is called in the turn
	// that has the message: one that blocks holds up the connection.
	Logger *slog.Logger
	// Level is the level of all lines. Default slog.LevelInfo. A level that the
	// Logger does not want costs nothing.
	Level slog.Level
	// Sample bounds how many lines there are.
	Sample Sample
	// Connects logs attempts, failures, connections and their ends too; they are
	// never left out. Causes are logged as they are: an error that your own code
	// returns must not hold a secret. Default false.
	Connects bool
}

// Sample says which messages are logged: of each second and direction the first
// ones, and then every n-th. The next line of that direction has in "skipped" how
// many were left out since the line before. Whatever connections there are share
// it. The counting is exact for one connection; if many pass at the same moment a
// second may begin with a few lines more.
type Sample struct {
	// First is how many messages of each second are logged. Default 100; negative:
	// all.
	First int
	// Every logs each n-th of those behind the first ones. Default 100; negative:
	// none.
	Every int
}

// New returns a middleware that logs. It is inline, and fails open: a logger that
// panics stops no message. Make one for each client or server.
func New(o Options) actors.Middleware {
	if o.Name == "" {
		o.Name = "logging"
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	l := &log{logger: o.Logger, level: o.Level, received: newSampler(o.Sample), sent: newSampler(o.Sample)}
	return actors.Middleware{
		Name: o.Name, Inline: true, FailOpen: true,
		New: func() actors.Interceptor {
			if o.Connects {
				return &connects{interceptor{l}}
			}
			return &interceptor{l}
		},
	}
}
