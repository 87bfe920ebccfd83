package transporttest

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const request = "GET /feed HTTP/1.1\r\nHost: fake\r\n\r\n"

func TestFakeHTTPAnswers(t *testing.T) {
	cases := []struct {
		name   string
		answer Answer
		status int
		header string
		value  string
	}{
		{"unauthorized", Unauthorized(), 401, "Www-Authenticate", `Bearer realm="test"`},
		{"too many requests", TooManyRequests("120"), 429, "Retry-After", "120"},
		{"unavailable", Unavailable(""), 503, "Retry-After", ""},
		{"html", HTML(), 200, "Content-Type", "text/html"},
		{"any status", Status(302, "Location: http://elsewhere/"), 302, "Location", "http://elsewhere/"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := NewListener()
				f := NewFakeHTTP(ln, c.answer)
				defer f.Close()
				nc, err := ln.Dial(t.Context(), "tcp", "")
				if err != nil {
					t.Fatal(err)
				}
				write(t, nc, request)
				resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadAll(resp.Body); err != nil {
					t.Error(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != c.status || resp.Header.Get(c.header) != c.value {
					t.Errorf("got %d, %q", resp.StatusCode, resp.Header.Get(c.header))
				}
				if got := f.Requests(); len(got) != 1 || got[0] != request {
					t.Errorf("requests: %q", got)
				}
			})
		})
	}
}

func TestFakeHTTPGivesEachConnectionItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := NewListener()
		f := NewFakeHTTP(ln, Garbage(), Raw("second"), Silence())
		defer f.Close()
		for i, want := range []string{"SSH", "second", "", ""} {
			nc, err := ln.Dial(t.Context(), "tcp", "")
			if err != nil {
				t.Fatal(err)
			}
			write(t, nc, request)
			_ = nc.SetReadDeadline(time.Now().Add(time.Hour))
			got, err := io.ReadAll(nc)
			if silent := want == ""; silent != errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(string(got), want) {
				t.Errorf("connection %d: %q, %v", i, got, err)
			}
			_ = nc.Close()
		}
	})
}
