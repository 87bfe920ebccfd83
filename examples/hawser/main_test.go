package main

import (
	"strings"
	"testing"
)

func TestWithoutArgumentsUsageAndStatus2(t *testing.T) {
	status, stdout, stderr := call(t, "")
	if status != 2 || stdout != "" || !strings.Contains(stderr, "usage:") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestHelpShowsUsageOnStdout(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"help"}, "hawser connect"},
		{[]string{"--help"}, "hawser connect"},
		{[]string{"help", "connect"}, "--subprotocol NAME"},
		{[]string{"connect", "-h"}, "--subprotocol NAME"},
		{[]string{"serve", "--help"}, "--max-fragments N"},
		{[]string{"demo", "--help"}, "--cuts N"},
	} {
		status, stdout, stderr := call(t, "", c.args...)
		if status != 0 || stderr != "" || !strings.Contains(stdout, c.want) {
			t.Errorf("%q: status %d, stdout %q, stderr %q", c.args, status, stdout, stderr)
		}
	}
}

// Wrong calls are told from failures by their status, say what is wrong, and
// repeat nothing that may be a secret.
func TestWrongCallsExitWith2AndHideSecrets(t *testing.T) {
	const secret = "hunter2secret"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"conect"}, `no command "conect"`},
		{[]string{"help", "conect"}, `no command "conect"`},
		{[]string{"demo", "x"}, "argument too many"},
		{[]string{"demo", "--cuts", "-1"}, "--cuts must be a whole number, 0 or more"},
		{[]string{"demo", "--cuts", secret}, "--cuts must be a whole number"},
		{[]string{"demo", "--seconds", "NaN"}, "--seconds must be a number of seconds"},
		{[]string{"demo", "--seconds=0"}, "--seconds must be a number of seconds"},
		{[]string{"serve", "--addr", "nonsense"}, "--addr must be HOST:PORT"},
		{[]string{"serve", "--max-message", "1e6"}, "--max-message must be a whole number"},
		{[]string{"serve", "ws://x"}, "argument too many"},
		{[]string{"connect"}, "the URL is missing"},
		{[]string{"connect", "--json"}, "the URL is missing"},
		{[]string{"connect", "ws://a", "ws://b?" + secret}, "argument too many"},
		{[]string{"connect", "http://a/?t=" + secret}, "http:// is not for WebSockets: use ws://"},
		{[]string{"connect", "https://a/?t=" + secret}, "use wss://"},
		{[]string{"connect", "gopher://a/?t=" + secret}, "must begin with ws:// or wss://"},
		{[]string{"connect", "a/?t=" + secret}, "must begin with ws:// or wss://"},
		{[]string{"connect", "ws://u:" + secret + "@a/"}, "no user and password"},
		{[]string{"connect", "ws:///?t=" + secret}, "host is missing"},
		{[]string{"connect", "ws://a:99999/?" + secret}, "bad URL"},
		{[]string{"connect", "ws://%zz" + secret}, "bad URL"},
		{[]string{"connect", "--frobnicate", "ws://a"}, "no flag --frobnicate"},
		{[]string{"connect", "--frobnicate=" + secret, "ws://a"}, "no flag --frobnicate"},
		{[]string{"connect", "-ws://a/?t=" + secret}, "no such flag"},
		{[]string{"connect", "---" + secret}, "malformed flag"},
		{[]string{"connect", "ws://a", "--header"}, "--header needs a value"},
		{[]string{"connect", "ws://a", "--header", secret}, "bad header"},
		{[]string{"connect", "ws://a", "--header", "two words: " + secret}, "bad header"},
		{[]string{"connect", "ws://a", "--header", ": " + secret}, "bad header"},
		{[]string{"connect", "ws://a", "--header", "A: " + secret + "\r\nB: c"}, "control character"},
		{[]string{"connect", "ws://a", "--header", "Host: " + secret}, "Host is set by the handshake"},
		{[]string{"connect", "ws://a", "--header", "Sec-WebSocket-Key: " + secret}, "set by the handshake"},
		{[]string{"connect", "ws://a", "--header", "Sec-WebSocket-Protocol: " + secret}, "use --subprotocol"},
		{[]string{"connect", "ws://a", "--subprotocol", "two words"}, "bad subprotocol"},
		{[]string{"connect", "ws://a", "--subprotocol", "a", "--subprotocol", "a"}, "twice"},
		{[]string{"connect", "ws://a", "--ca", "/nonexistent.pem"}, "--ca"},
		{[]string{"connect", "ws://a", "--ca", "main_test.go"}, "no certificate"},
		{[]string{"connect", "--json=" + secret, "ws://a"}, "--json takes no value"},
		{[]string{"connect", "ws://a", "--backoff-min", "5"}, "--backoff-min must be a duration"},
		{[]string{"connect", "ws://a", "--backoff-max", "-1s"}, "--backoff-max must be a duration"},
		{[]string{"connect", "ws://a", "--backoff-min", "2s", "--backoff-max", "1s"}, "longer than"},
		{[]string{"connect", "ws://a", "--max-attempts", "many"}, "--max-attempts must be a whole number"},
	} {
		status, stdout, stderr := call(t, "", c.args...)
		if status != 2 || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: status %d, stdout %q, stderr %q, want %q", c.args, status, stdout, stderr, c.want)
		}
		if strings.Contains(stderr, secret) {
			t.Errorf("%q: the secret is in %q", c.args, stderr)
		}
	}
}
