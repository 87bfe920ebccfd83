package transport

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfterReadsSecondsAndDates(t *testing.T) {
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		retry, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"120", "", 2 * time.Minute},
		{"99999999999999999999999", "", maxRetryAfter},
		{"9999999999", "", maxRetryAfter},
		{"-5", "", 0},
		{"1.5", "", 0},
		{"soon", "", 0},
		{"Sat, 21 Nov 2026 10:00:30 GMT", "", 30 * time.Second},
		{"Saturday, 21-Nov-26 10:00:30 GMT", "", 30 * time.Second},
		{"Sat Nov 21 10:00:30 2026", "", 30 * time.Second},
		{"Sat, 21 Nov 2026 09:00:00 GMT", "", 0},
		{"Fri, 21 Nov 2098 10:00:00 GMT", "", maxRetryAfter},
		// The server's clock is an hour behind ours.
		{"Sat, 21 Nov 2026 09:00:30 GMT", "Sat, 21 Nov 2026 09:00:00 GMT", 30 * time.Second},
		{"Sat, 21 Nov 2026 10:00:30 GMT", "nonsense", 30 * time.Second},
	} {
		h := http.Header{}
		h.Set("Retry-After", c.retry)
		h.Set("Date", c.date)
		if got := retryAfter(h, now); got != c.want {
			t.Errorf("%q at %q: %v, want %v", c.retry, c.date, got, c.want)
		}
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2"} {
		if got := formatRetryAfter(d); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
}
