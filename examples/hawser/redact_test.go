package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Causes quote what the peer said (%q), which changes a secret's look.
func TestASecretIsHiddenAlsoWhenItIsQuoted(t *testing.T) {
	for _, secret := range []string{`plain-secret`, `ab"cd"efgh`, `back\slash\secret`, "tab\tsecret", "naïve-ségret"} {
		r := newRedactor(&url.URL{}, http.Header{"X-Key": {secret}})
		for _, said := range []string{secret, fmt.Sprintf("%q", secret), fmt.Sprintf("%+q", secret)} {
			got := r.text("closed: " + said)
			if strings.Contains(got, said) || !strings.Contains(got, "[hidden]") {
				t.Errorf("%q is shown as %s", secret, got)
			}
		}
	}
}
