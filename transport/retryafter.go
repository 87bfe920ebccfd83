package transport

import (
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter is the longest time that we take from a server. Whoever waits
// may want to wait less.
const maxRetryAfter = 30 * 24 * time.Hour

// retryAfter returns how long a server asks us to stay away (RFC 9110 §10.2.3),
// given in seconds or as a date; 0 if it does not, or badly. A date is compared
// with the server's own clock if the answer shows it, so that ours may be wrong.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if isDigits(v) {
		seconds, err := strconv.ParseUint(v, 10, 63)
		if err != nil || seconds > uint64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(0, min(at.Sub(now), maxRetryAfter))
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// formatRetryAfter returns d in whole seconds, rounded up.
func formatRetryAfter(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
