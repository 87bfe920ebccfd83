//go:build linux

package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The stories share one browser, which takes a second to start.
func TestTheChatInABrowser(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := openBrowser(ctx, t)
	for _, story := range []struct {
		name string
		tell func(*testing.T, *browser)
	}{
		{"rooms keep to themselves and know who is there", roomsKnowWhoIsThere},
		{"what people write is text", whatPeopleWriteIsText},
		{"pages survive a server that dies", pagesSurviveAServerThatDies},
		{"pages survive a server that is ended", pagesSurviveAServerThatIsEnded},
		{"a page that was away gets what it missed", pageGetsWhatItMissed},
		{"a reload keeps the place", reloadKeepsThePlace},
		{"a name is taken once", nameIsTakenOnce},
		{"a line is sent again and shown once", lineIsSentAgainAndShownOnce},
		{"the code of the close decides whether the page comes back", endsByTheCode},
		{"a page that is refused waits longer and longer, at random", waitsLongerAndLonger},
		{"a silent server is given up", silentServerIsGivenUp},
		{"who comes back with the server has not left", whoComesBackHasNotLeft},
		{"a picture of it", pictureOfIt},
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, b) })
	}
}

// enter opens a page that enters a room at once.
func enter(t *testing.T, b *browser, at, name, room string) *tab {
	t.Helper()
	p := b.open(t, name, at+"/?"+url.Values{"name": {name}, "room": {room}}.Encode())
	p.until(state("joined"))
	return p
}

// expectLines waits for a last line that all have, and then compares what they show.
func expectLines(t *testing.T, last string, want []string, tabs ...*tab) {
	t.Helper()
	for _, p := range tabs {
		p.until(shown(last))
		if got := p.lines(); !slices.Equal(got, want) {
			t.Errorf("%s sees %q, want %q", p.name, got, want)
		}
	}
}

func roomsKnowWhoIsThere(t *testing.T, b *browser) {
	chat := startChat(t, "127.0.0.1:0")
	ada := enter(t, b, chat.url, "Ada", "harbour")
	ada.until(here("Ada"))
	grace := enter(t, b, chat.url, "Grace", "harbour")
	linus := enter(t, b, chat.url, "Linus", "attic")
	ada.until(here("Ada", "Grace"))
	ada.until(noted("Grace is here"))
	grace.until(here("Grace", "Ada"))
	linus.until(here("Linus"))

	ada.say("ahoy")
	grace.until(shown("ahoy"))
	grace.say("hello, Ada")
	ada.until(shown("hello, Ada"))
	ada.say("bye")
	expectLines(t, "bye", []string{"ahoy", "hello, Ada", "bye"}, ada, grace)
	linus.say("is anybody here?")
	expectLines(t, "is anybody here?", []string{"is anybody here?"}, linus)
	ada.light("dark")
	ada.size(360, 640)
	if wide := get[bool](ada, "document.documentElement.scrollWidth > innerWidth"); wide {
		t.Error("a narrow screen has to be scrolled sideways")
	}
	ada.picture(filepath.Join(t.TempDir(), "chat.png"))

	grace.close()
	ada.until(here("Ada"))
	ada.until(noted("Grace has left"))
	late := enter(t, b, chat.url, "Late", "harbour")
	expectLines(t, "bye", []string{"ahoy", "hello, Ada", "bye"}, late)
}

func whatPeopleWriteIsText(t *testing.T, b *browser) {
	chat := startChat(t, "127.0.0.1:0")
	const script, image = `<script>document.title = "broken in"</script>`, `<img src=x onerror="document.title='broken in'">`
	mallory := enter(t, b, chat.url, "<b>Mallory</b>", "harbour")
	ada := enter(t, b, chat.url, "Ada", "harbour")
	mallory.say(script)
	mallory.say(image)
	expectLines(t, image, []string{script, image}, mallory, ada)
	ada.until(here("Ada", "<b>Mallory</b>"))
	if n := get[int](ada, `document.querySelectorAll("#chat script, #chat img, #chat b b, #here b").length`); n != 0 {
		t.Errorf("%d elements were made of what was written", n)
	}
	if title := get[string](ada, "document.title"); title != "harbour – Hawser chat" {
		t.Errorf("the title is %q", title)
	}
	// What comes from elsewhere does not run even if it got in.
	if ran := get[bool](ada, `(() => { const s = document.createElement("script"); s.textContent = "window.ran = true"; document.body.append(s); return !!window.ran; })()`); ran {
		t.Error("a script that is not the page's runs")
	}
	ada.forgive() // the policy has just been broken on purpose
}

func pagesSurviveAServerThatDies(t *testing.T, b *browser) {
	chat := startChat(t, "127.0.0.1:0")
	ada := enter(t, b, chat.url, "Ada", "harbour")
	grace := enter(t, b, chat.url, "Grace", "harbour")
	ada.say("before")
	grace.until(shown("before"))
	chat.kill()
	for _, p := range []*tab{ada, grace} {
		p.until(state("reconnecting"))
		if got := get[string](p, `document.getElementById("status").innerText`); got != "reconnecting …" {
			t.Errorf("%s sees %q, want that it reconnects", p.name, got)
		}
	}
	ada.say("while you were away")
	ada.say("and one more")
	startChat(t, chat.addr())
	for _, p := range []*tab{ada, grace} {
		p.until(state("joined"))
		p.until(noted("forgotten"))
	}
	grace.until(shown("and one more"))
	grace.say("and behind it")
	expectLines(t, "and behind it", []string{"before", "while you were away", "and one more", "and behind it"}, ada, grace)
	ada.until(here("Ada", "Grace"))
}

func pagesSurviveAServerThatIsEnded(t *testing.T, b *browser) {
	chat := startChat(t, "127.0.0.1:0")
	ada := enter(t, b, chat.url, "Ada", "harbour")
	grace := enter(t, b, chat.url, "Grace", "harbour")
	chat.term()
	startChat(t, chat.addr())
	for _, p := range []*tab{ada, grace} {
		p.until(state("joined") + " && " + noted("forgotten"))
	}
	ada.say("we are back")
	expectLines(t, "we are back", []string{"we are back"}, ada, grace)
}

func pageGetsWhatItMissed(t *testing.T, b *browser) {
	chat := startChat(t, "127.0.0.1:0")
	road := newRoad(t, chat.addr())
	ada := enter(t, b, road.url(), "Ada", "harbour")
	grace := enter(t, b, chat.url, "Grace", "harbour")
	ada.say("one")
	grace.until(shown("one"))
	road.block()
	ada.until(state("reconnecting"))
	ada.say("four")
	grace.until(here("Grace"))
	grace.say("two")
	grace.say("three")
	grace.until(shown("three"))
	road.open()
	expectLines(t, "four", []string{"one", "two", "three", "four"}, ada, grace)
	if get[bool](ada, `!!document.querySelector(".gap")`) {
		t.Error("nothing was forgotten, but the page says so")
	}
}

func reloadKeepsThePlace(t *testing.T, b *browser) {
	chat := startChat(t, "127.0.0.1:0")
	ada := enter(t, b, chat.url, "Ada", "harbour")
	ada.say("before")
	ada.until(shown("before"))
	if q := get[string](ada, "location.search"); q != "?room=harbour" {
		t.Errorf("the address ends with %q: it must not have the name, it is for others", q)
	}
	ada.do("Page.reload", nil, nil)
	ada.until(state("joined") + " && " + shown("before"))
	ada.until(here("Ada"))
}

func nameIsTakenOnce(t *testing.T, b *browser) {
	chat := startChat(t, "127.0.0.1:0")
	enter(t, b, chat.url, "Ada", "harbour")
	thief := b.open(t, "thief", chat.url+"/?name=ada&room=harbour")
	thief.until(state("out") + ` && !document.getElementById("words").hidden`)
	if got := get[string](thief, `document.getElementById("words").innerText`); got != wordsTaken {
		t.Errorf("it says %q, want %q", got, wordsTaken)
	}
}

// pictureOfIt puts a picture into the documentation.
func pictureOfIt(t *testing.T, b *browser) {
	if os.Getenv("UPDATE_SCREENSHOT") == "" {
		t.Skip("UPDATE_SCREENSHOT=1 makes docs/images/chat.png anew")
	}
	chat := startChat(t, "127.0.0.1:0")
	ada := enter(t, b, chat.url, "Ada", "harbour")
	grace := enter(t, b, chat.url, "Grace", "harbour")
	linus := enter(t, b, chat.url, "Linus", "harbour")
	ada.until(here("Ada", "Grace", "Linus"))
	said := func(who *tab, text string) {
		who.say(text)
		for _, p := range []*tab{ada, grace, linus} {
			p.until(shown(text))
		}
	}
	said(grace, "Good morning! Is the Beagle still moored at pier 4?")
	said(ada, "She is. The wake of the ferry parted one of her hawsers at six, but she was made fast again before anybody woke up.")
	chat.kill()
	ada.until(state("reconnecting"))
	ada.say("I was just about to say: she lost nothing.")
	startChat(t, chat.addr())
	for _, p := range []*tab{grace, linus} {
		p.until(shown("I was just about to say: she lost nothing."))
	}
	said(linus, "That is what a good line is for.")
	ada.until(here("Ada", "Grace", "Linus"))
	ada.size(1120, 640)
	ada.picture(filepath.Join("..", "..", "docs", "images", "chat.png"))
}
