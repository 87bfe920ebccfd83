package main

import "fmt"

// palette gives events their colours, or none.
type palette struct{ on bool }

const (
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
)

var eventColours = map[string]string{
	"connecting": dim, "connected": dim, "stopped": dim, "start": dim,
	"ready": green, "reconnected": green, "caught up": green,
	"reconnecting": yellow, "dropped": yellow, "unknown": yellow,
	"disconnected": red, "reconnect-failed": red, "cut": red,
}

// event returns the name of an event, as wide as asked for.
func (p palette) event(name string, width int) string {
	return p.colour(eventColours[name], fmt.Sprintf("%-*s", width, name))
}

func (p palette) colour(code, text string) string {
	if !p.on || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
