package load

import (
	"strings"
	"testing"
)

func TestOnlyAgreementsToTheUpgradeAreAccepted(t *testing.T) {
	const ok = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
	for end := range len(ok) {
		if whole, err := upgraded([]byte(ok[:end]), false); whole || err != nil {
			t.Fatalf("%q: %v, %v", ok[:end], whole, err)
		}
	}
	if whole, err := upgraded([]byte(ok), false); !whole || err != nil {
		t.Errorf("%q: %v, %v", ok, whole, err)
	}
	for answer, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n\r\nno": "400",
		ok + "\x81\x00":                      "before it was spoken to",
	} {
		if _, err := upgraded([]byte(answer), false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", answer, err, want)
		}
	}
}
