// Package peer is what the servers under test share: the words they are started with,
// the listener with its address line, the certificate, the statistics page, the work of
// the slow module, and the messages of the typed route. A server from elsewhere does not
// need it: it has to print ws://host:port as its first line and to serve /echo.
package peer

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxMessage is the largest message, in bytes, that a server under test takes.
const MaxMessage = 1 << 20

// The routes of a server under test.
const (
	EchoPath  = "/echo"  // sends every message back
	SubPath   = "/sub"   // gets what is published; what comes from there is ignored
	PubPath   = "/pub"   // every message from here goes to all connections of SubPath
	SlowPath  = "/slow"  // calls Stall for every message, before the echo
	TypedPath = "/typed" // typed JSON behind three middleware, see Price
)

// The words that a server may be started with and that mean the same for all.
const (
	Deflate = "deflate" // accept permessage-deflate without context takeover
	TLS     = "tls"     // speak TLS with a certificate made at the start
)

// Know ends the program if it was started with a word that is not among the known ones:
// a misspelt variant would measure something else in silence.
func Know(known ...string) {
	if err := check(os.Args[1:], known); err != nil {
		Fail(err)
	}
}

func check(words, known []string) error {
	for _, w := range words {
		if slices.Contains(known, w) {
			continue
		}
		if len(known) == 0 {
			return fmt.Errorf("the argument %q means nothing here: there are none", w)
		}
		return fmt.Errorf("the argument %q means nothing here; there are: %s", w, strings.Join(known, ", "))
	}
	return nil
}

// Variant reports whether name is among the arguments of the program.
func Variant(name string) bool { return slices.Contains(os.Args[1:], name) }

// Listen opens a listener on a free port of 127.0.0.1 and announces it. It speaks TLS if
// the program was started so. It ends the program if it cannot.
func Listen() net.Listener {
	listener := ListenTCP()
	if config := TLSConfig(); config != nil {
		return tls.NewListener(listener, config)
	}
	return listener
}

// ListenTCP is Listen for a server that speaks TLS by itself, with TLSConfig.
func ListenTCP() net.Listener {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		Fail(err)
	}
	Announce(listener.Addr().String())
	return listener
}

// Announce prints the address line for a listener on addr, and a second one for the
// statistics page, which it serves on a port of its own.
func Announce(addr string) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		Fail(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/stats", serveStats)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	go func() { Fail(http.Serve(listener, mux)) }()
	scheme := "ws"
	if TLSConfig() != nil {
		scheme = "wss"
	}
	_, _ = fmt.Fprintf(os.Stdout, "%s://%s\nstats http://%s/stats\n", scheme, addr, listener.Addr())
}

// Fail ends the program with err on stderr.
func Fail(err error) {
	_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
	os.Exit(1)
}
