package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// pageHTML is the whole page: markup, style and script in one file. It asks nobody
// for anything but its WebSocket.
//
//go:embed page.html
var pageHTML string

// policy lets the page's own style and script run, by their hashes, and nothing
// else: what somebody might smuggle in would not.
var policy = strings.Join([]string{
	"default-src 'none'",
	"script-src " + hash(between(pageHTML, "<script>", "</script>")),
	"style-src " + hash(between(pageHTML, "<style>", "</style>")),
	"img-src data:", // the icon
	"connect-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
}, "; ")

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	inner, _, _ := strings.Cut(rest, after)
	return inner
}

// servePage serves the page.
func servePage(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(pageHTML))
}
