package wire

import (
	"strings"
	"testing"
)

func TestUpgradeAnswersTheExampleOfTheRFC(t *testing.T) {
	request := "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUpgrade: websocket\r\n\r\n"
	answer, rest, path, err := Upgrade(nil, []byte(request+"frame"))
	if err != nil || path != "/echo" || string(rest) != "frame" || !strings.Contains(string(answer), "Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") {
		t.Errorf("Upgrade = %q, %q, %q, %v", answer, rest, path, err)
	}
	for split := range len(request) {
		if answer, rest, path, err := Upgrade(nil, []byte(request[:split])); len(answer) > 0 || len(rest) != split || path != "" || err != nil {
			t.Fatalf("split at %d: %q, %d left, %q, %v", split, answer, len(rest), path, err)
		}
	}
	for _, bad := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\r\nSec-WebSocket-Key: x\r\n\r\n", "Sec-WebSocket-Key: x\r\n\r\n"} {
		if _, _, _, err := Upgrade(nil, []byte(bad)); err == nil {
			t.Errorf("%q was answered", bad)
		}
	}
}
