package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestThePageIsSafeAndAloneInTheWorld(t *testing.T) {
	w := httptest.NewRecorder()
	servePage(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusOK || w.Body.String() != pageHTML {
		t.Errorf("status %d, %d bytes", w.Code, w.Body.Len())
	}
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; script-src 'sha256-",
	} {
		if got := w.Header().Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Errorf("the policy allows too much: %s", policy)
	}
	for what, pattern := range map[string]string{
		"markup made of text":         `innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`,
		"a handler that is no script": `\son\w+="`,
		"a style that is no style":    `\sstyle="`,
		"something from elsewhere":    `\b(src|href)="(https?:|//)|@import|url\(|fetch\(|XMLHttpRequest`,
	} {
		if m := regexp.MustCompile(pattern).FindString(pageHTML); m != "" {
			t.Errorf("the page has %s: %s", what, m)
		}
	}
	if strings.Count(pageHTML, "<script>") != 1 || strings.Count(pageHTML, "<style>") != 1 {
		t.Error("the policy knows one script and one style")
	}
}

func TestAllThatIsAskedForHasItsPlace(t *testing.T) {
	mux := handler(nil)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200},
		{"HEAD", "/", 200},
		{"POST", "/", 405},
		{"GET", "/index.html", 404},
		{"GET", "/socket/", 404},
		{"POST", "/socket", 405},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.status)
		}
	}
}
