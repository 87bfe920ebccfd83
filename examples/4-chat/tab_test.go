//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tab is one page in the browser.
type tab struct {
	t               testing.TB
	b               *browser
	name            string
	target, session string
	closed          bool

	// Under the browser's lock.
	faults []string // exceptions, and what the policy of the page forbade
	asked  []string // the URLs that it asked for
}

// hear notes what must not happen, and where the page goes.
func (p *tab) hear(e devToolsEvent) {
	var told struct {
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
		Entry   struct{ Level, Text string }
		Request struct{ URL string }
		URL     string
	}
	_ = json.Unmarshal(e.Params, &told) // what has another form is not looked at
	switch e.Method {
	case "Runtime.exceptionThrown":
		p.faults = append(p.faults, told.ExceptionDetails.Text+" "+told.ExceptionDetails.Exception.Description)
	case "Log.entryAdded":
		lost := strings.Contains(told.Entry.Text, "WebSocket connection to") // it says so itself
		if told.Entry.Level == "error" && !lost {
			p.faults = append(p.faults, told.Entry.Text)
		}
	case "Network.requestWillBeSent":
		p.asked = append(p.asked, told.Request.URL)
	case "Network.webSocketCreated":
		p.asked = append(p.asked, told.URL)
	}
}

// do sends a command that must succeed.
func (p *tab) do(method string, params, result any) {
	p.t.Helper()
	if err := p.b.call(p.b.ctx, p.session, method, params, result); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// evaluate evaluates an expression in the page, and waits if it is a promise.
func (p *tab) evaluate(ctx context.Context, expression string, value any) error {
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	err := p.b.call(ctx, p.session, "Runtime.evaluate", params{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	switch {
	case err != nil:
		return err
	case r.ExceptionDetails != nil:
		return fmt.Errorf("%s: %s", expression, r.ExceptionDetails.Exception.Description)
	case value == nil:
		return nil
	}
	return json.Unmarshal(r.Result.Value, value)
}

// patience is how long a page has for what is expected of it: a reconnect may wait
// for some seconds.
const patience = 20 * time.Second

// until waits until an expression is true. The page looks whenever it changes.
func (p *tab) until(expression string) {
	p.t.Helper()
	const wait = `new Promise((done) => {
		let seen;
		const look = () => { let is = false; try { is = (%s); } catch {} if (is) { seen.disconnect(); done(); } };
		seen = new MutationObserver(look);
		seen.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
		look();
	})`
	ctx, cancel := context.WithTimeout(p.b.ctx, patience)
	defer cancel()
	err := p.evaluate(ctx, fmt.Sprintf(wait, expression), nil)
	for err != nil && strings.Contains(err.Error(), "Inspected target navigated") {
		err = p.evaluate(ctx, fmt.Sprintf(wait, expression), nil) // it began in the page before
	}
	if err != nil {
		p.t.Fatalf("%s: waiting for %s: %v; it shows:\n%s", p.name, expression, err, p.shows())
	}
}

// shows returns the text of the page, for failures.
func (p *tab) shows() (text string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = p.evaluate(ctx, "document.body.innerText", &text)
	return text
}

// get returns the value of an expression.
func get[T any](p *tab, expression string) (v T) {
	p.t.Helper()
	if err := p.evaluate(p.b.ctx, expression, &v); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return v
}

// lines is the texts of the lines that the page shows, in order.
func (p *tab) lines() []string {
	p.t.Helper()
	return get[[]string](p, `[...document.querySelectorAll(".line .text")].map((e) => e.textContent)`)
}

// count returns how often the page shows a line.
func (p *tab) count(text string) (n int) {
	p.t.Helper()
	for _, l := range p.lines() {
		if l == text {
			n++
		}
	}
	return n
}

// here is an expression: these people are in the room, and nobody else.
func here(names ...string) string {
	want, _ := json.Marshal(names)
	return `JSON.stringify([...document.querySelectorAll("#here li")].map((e) => e.dataset.name)) === JSON.stringify(` + string(want) + `)`
}

// state is an expression: the connection is in that state.
func state(s string) string { return `document.body.dataset.state === ` + strconv.Quote(s) }

// shown is an expression: a line has come from the server.
func shown(text string) string {
	return `[...document.querySelectorAll(".line:not(.held) .text")].some((e) => e.textContent === ` + strconv.Quote(text) + `)`
}

// noted is an expression: the page says something by itself.
func noted(text string) string {
	return `[...document.querySelectorAll(".note")].some((e) => e.textContent.includes(` + strconv.Quote(text) + `))`
}

// say types a line and presses Enter, as a person does.
func (p *tab) say(text string) {
	p.t.Helper()
	p.do("Input.insertText", params{"text": text}, nil)
	key := params{"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
	for _, kind := range []string{"keyDown", "keyUp"} {
		key["type"] = kind
		p.do("Input.dispatchKeyEvent", key, nil)
	}
}

// size sets what the page has for a screen.
func (p *tab) size(width, height int) {
	p.t.Helper()
	p.do("Emulation.setDeviceMetricsOverride", params{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// light makes the person prefer "light" or "dark".
func (p *tab) light(scheme string) {
	p.t.Helper()
	p.do("Emulation.setEmulatedMedia", params{"features": []params{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// close closes the tab, and judges it. It may be called more than once.
func (p *tab) close() {
	p.t.Helper()
	if p.closed {
		return
	}
	p.closed = true
	if err := p.b.call(p.b.ctx, "", "Target.closeTarget", params{"targetId": p.target}, nil); err != nil {
		p.t.Errorf("%s: %v", p.name, err)
	}
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	for _, fault := range p.faults {
		p.t.Errorf("%s: the page's fault: %s", p.name, fault)
	}
	for _, url := range p.asked {
		if !strings.Contains(url, "://127.0.0.1:") && !strings.HasPrefix(url, "data:") && url != "about:blank" {
			p.t.Errorf("%s: the page asked for %s", p.name, url)
		}
	}
	if len(p.asked) == 0 {
		p.t.Errorf("%s: no request was seen; the test looks for the wrong thing", p.name)
	}
}

// picture writes a picture of what the tab shows to a file.
func (p *tab) picture(file string) {
	p.t.Helper()
	var shot struct{ Data []byte } // in base64, as JSON has it
	p.do("Page.captureScreenshot", params{"format": "png"}, &shot)
	if err := os.WriteFile(file, shot.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// click clicks the element with that id.
func (p *tab) click(id string) {
	p.t.Helper()
	var at struct{ X, Y float64 }
	const middle = `(() => { const r = document.getElementById(%q).getBoundingClientRect(); return { X: r.x + r.width / 2, Y: r.y + r.height / 2 }; })()`
	if err := p.evaluate(p.b.ctx, fmt.Sprintf(middle, id), &at); err != nil {
		p.t.Fatal(err)
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.do("Input.dispatchMouseEvent", params{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// forgive forgets the faults of the page so far.
func (p *tab) forgive() {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	p.faults = nil
}
