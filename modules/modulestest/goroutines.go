package modulestest

import (
	"regexp"
	"runtime"
	"strings"
)

var inBubble = regexp.MustCompile(`^goroutine (\d+) .*synctest bubble (\d+)`)

// bubbled returns the goroutines of the bubble that calls it, by number, itself left
// out. goleak does not see them apart from those of other tests.
func bubbled() map[string]string {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := map[string]string{}
	own := ""
	for i, stack := range strings.Split(string(buf), "\n\n") {
		m := inBubble.FindStringSubmatch(stack)
		switch {
		case m == nil:
		case i == 0: // the caller's comes first
			own = m[2]
		case m[2] == own && !strings.Contains(stack, "testing/synctest.Test("):
			all[m[1]] = stack
		}
	}
	return all
}
