package main

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// shortestSecret is how long a part of a secret must be to be hidden: hiding
// every "1" would make causes unreadable.
const shortestSecret = 4

// redactor hides secrets in text that others wrote: a server may put our own
// token into the reason of its close frame.
type redactor struct{ secrets []string }

// newRedactor knows the query of a URL and the values of a header.
func newRedactor(u *url.URL, header http.Header) *redactor {
	r := &redactor{}
	r.add(u.RawQuery)
	for _, values := range u.Query() {
		r.add(values...)
	}
	for _, pair := range strings.Split(u.RawQuery, "&") {
		_, value, _ := strings.Cut(pair, "=")
		r.add(value)
	}
	for _, values := range header {
		for _, v := range values {
			r.add(v)
			r.add(strings.Fields(v)...)
		}
	}
	// The longest first, so that no rest of a secret stays behind.
	slices.SortFunc(r.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return r
}

func (r *redactor) add(secrets ...string) {
	for _, s := range secrets {
		if len(s) < shortestSecret {
			continue
		}
		r.secrets = append(r.secrets, s)
		// Causes quote what the peer said, which escapes some characters.
		for _, quoted := range []string{strconv.Quote(s), strconv.QuoteToASCII(s)} {
			if inner := quoted[1 : len(quoted)-1]; inner != s {
				r.secrets = append(r.secrets, inner)
			}
		}
	}
}

func (r *redactor) text(s string) string {
	if r == nil {
		return s
	}
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, "[hidden]")
	}
	return s
}
