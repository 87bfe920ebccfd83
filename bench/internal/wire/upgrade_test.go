package wire

import (
	"strings"
	"testing"
)

func TestUpgradeAnswersTheExampleOfTheRFC(t *testing.T) {
	request := "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUpgrade: websocket\r\n\r\n"
	answer, rest, err := Upgrade(nil, []byte(request+"frame"))
	if err != nil || string(rest) != "frame" || !strings.Contains(string(answer), "Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") {
		t.Errorf("Upgrade = %q, %q, %v", answer, rest, err)
	}
	for split := range len(request) {
		if answer, rest, err := Upgrade(nil, []byte(request[:split])); len(answer) > 0 || len(rest) != split || err != nil {
			t.Fatalf("split at %d: %q, %d left, %v", split, answer, len(rest), err)
		}
	}
	if _, _, err := Upgrade(nil, []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err == nil {
		t.Error("a request without a key was answered")
	}
}
