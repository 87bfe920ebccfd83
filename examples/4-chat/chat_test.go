package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-go/hawser/transport"
)

func TestARoomHearsEachLineInOrderAndOthersDoNot(t *testing.T) {
	inChat(t, func(w *world) {
		ada, grace, linus := w.enter("Ada", "harbour"), w.enter("Grace", "Harbour"), w.enter("Linus", "attic")
		ada.say(1)
		grace.hears(1)
		grace.say(2)
		if got := ada.hears(2); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("Ada hears %q", got)
		}
		linus.say(3)
		if got := linus.hears(3); !slices.Equal(got, []string{"3"}) {
			t.Errorf("Linus hears %q", got)
		}
		grace.hears(2)
		expect[presence](grace, typePresence)
		grace.ExpectNothing(time.Second)
	})
}

func TestALineThatIsSentTwiceIsSaidOnce(t *testing.T) {
	inChat(t, func(w *world) {
		ada, grace := w.enter("Ada", "harbour"), w.enter("Grace", "harbour")
		ada.say(1)
		first := expect[said](ada, typeSaid)
		ada.Cut() // the answer could have been lost
		key := ada.key
		ada = w.connect()
		ada.key = key // the server may not know yet that the one before is gone
		ada.join("Ada", "harbour")
		ada.say(1)
		if again := expect[said](ada, typeSaid); again != first {
			t.Errorf("the same line is told as %+v and as %+v", first, again)
		}
		ada.say(2)
		if got := grace.hears(2); !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("Grace hears %q", got)
		}
	})
}

func TestAPageThatComesBackGetsWhatItHasMissed(t *testing.T) {
	inChat(t, func(w *world) {
		grace := w.connect()
		run := grace.join("Grace", "harbour").Run
		for n := range historyLines + 10 { // numbers 1 and on are the texts 0 and on
			grace.say(n)
			grace.hears(n)
			<-time.After(100 * time.Millisecond)
		}
		for _, c := range []struct {
			run    string
			since  uint64
			lines  int
			missed bool
		}{
			{run, historyLines + 10, 0, false},
			{run, historyLines, 10, false},
			{run, 10, historyLines, false},
			{run, 9, historyLines, true},
			{run, historyLines + 99, 0, false},
			{"another", historyLines + 10, historyLines, true},
			{"", 0, historyLines, true},
		} {
			ada := w.connect()
			ada.send(typeJoin, join{Name: "Ada", Room: "harbour", Key: ada.key, Run: c.run, Since: c.since})
			got := expect[welcome](ada, typeWelcome)
			if len(got.Lines) != c.lines || got.Missed != c.missed || got.Run != run || got.Seq != historyLines+10 {
				t.Errorf("%s since %d: %d lines, missed %v, seq %d, want %d and %v", c.run, c.since, len(got.Lines), got.Missed, got.Seq, c.lines, c.missed)
			}
			if c.lines > 0 && got.Lines[c.lines-1].Seq != got.Seq {
				t.Errorf("the last of them is %+v", got.Lines[c.lines-1])
			}
			ada.Close(transport.NormalClosure, "")
			synctest.Wait()
		}
	})
}

func TestEverybodyIsToldWhoComesAndGoes(t *testing.T) {
	inChat(t, func(w *world) {
		ada := w.enter("Ada", "harbour")
		if p := expect[presence](ada, typePresence); !p.All || len(p.Joined) != 1 || p.Joined[0] != (person{"ada", "Ada"}) {
			t.Errorf("Ada is told %+v", p)
		}
		grace := w.enter("Grace", "harbour")
		if p := expect[presence](ada, typePresence); p.All || len(p.Joined) != 1 || p.Joined[0].Name != "Grace" || len(p.Left) != 0 {
			t.Errorf("Ada is told %+v", p)
		}
		if p := expect[presence](grace, typePresence); !p.All || len(p.Joined) != 2 {
			t.Errorf("Grace is told %+v", p)
		}
		grace.Cut()
		if p := expect[presence](ada, typePresence); len(p.Left) != 1 || p.Left[0].Name != "Grace" {
			t.Errorf("Ada is told %+v", p)
		}
	})
}

func TestANameIsTakenOnceInARoomWhateverItsCase(t *testing.T) {
	inChat(t, func(w *world) {
		ada := w.enter("Ada", "harbour")
		w.enter("Ada", "attic")
		thief := w.connect()
		thief.send(typeJoin, join{Name: "ADA", Room: "harbour", Key: thief.key})
		if words := thief.ExpectClose(codeTaken); words != wordsTaken {
			t.Errorf("it is told %q", words)
		}
		ada.Cut()
		synctest.Wait()
		w.enter("aDa", "harbour")
	})
}

// The connection of before may be dead without anybody having noticed.
func TestThePageOfBeforeMayTakeItsPlaceBack(t *testing.T) {
	inChat(t, func(w *world) {
		dead, other := w.enter("Ada", "harbour"), w.enter("Grace", "harbour")
		dead.HalfOpen()
		expect[presence](other, typePresence)
		ada := w.connect()
		ada.key = dead.key
		ada.join("Ada", "harbour")
		ada.say(1)
		other.hears(1)

		window := w.connect()
		window.key = ada.key
		window.join("Ada", "harbour")
		ada.hears(1)
		for {
			if _, ok := ada.Next(); !ok {
				break
			}
		}
		if words := ada.ExpectClose(codeReplaced); words != wordsReplaced {
			t.Errorf("it is told %q", words)
		}
		if p := other.Transcript(); strings.Contains(p, `"left":[{`) {
			t.Errorf("the others are told that Ada has left:%s", p)
		}
	})
}

func TestWhatNoPageSaysEndsTheConnection(t *testing.T) {
	joined := func(p *page) { p.join("Ada", "harbour") }
	for name, c := range map[string]struct {
		first func(*page)
		text  string
	}{
		"no JSON":               {nil, "hello"},
		"no type":               {nil, "{}"},
		"an unknown type":       {nil, `{"type":"sing"}`},
		"a line before joining": {nil, `{"type":"say","id":"0123456789abcdef","text":"x"}`},
		"joining twice":         {joined, `{"type":"join","name":"Ada","room":"attic","key":"0123456789abcdef"}`},
		"a key that is none":    {nil, `{"type":"join","name":"Ada","room":"attic","key":""}`},
		"an id that is none":    {joined, `{"type":"say","id":"<b>","text":"x"}`},
		"a text that is none":   {joined, `{"type":"say","id":"0123456789abcdef","text":7}`},
	} {
		t.Run(name, func(t *testing.T) {
			inChat(t, func(w *world) {
				p := w.connect()
				if c.first != nil {
					c.first(p)
					expect[presence](p, typePresence)
				}
				p.SendText(c.text)
				if words := p.ExpectClose(transport.PolicyViolation); words != wordsBroken {
					t.Errorf("it is told %q", words)
				}
			})
		})
	}
}

func TestNamesThatCannotBeAreRefusedWithWords(t *testing.T) {
	inChat(t, func(w *world) {
		for _, c := range [][2]string{{"", "harbour"}, {"Ada", " "}, {"A\u202eda", "harbour"}, {strings.Repeat("a", 33), "harbour"}, {"Ada", strings.Repeat("a", 5000)}} {
			p := w.connect()
			p.send(typeJoin, join{Name: c[0], Room: c[1], Key: p.key})
			if words := p.ExpectClose(codeBadName); words != wordsBadName {
				t.Errorf("%.20q: it is told %q", c, words)
			}
		}
	})
}

func TestLinesThatCannotBeAreRefused(t *testing.T) {
	inChat(t, func(w *world) {
		ada := w.enter("Ada", "harbour")
		for _, text := range []string{"", " \n ", strings.Repeat("ä", maxText+1)} {
			ada.send(typeSay, say{ID: lineID(1), Text: text})
			if r := expect[refusal](ada, typeRefused); r.ID != lineID(1) || r.Why != whyBadLine {
				t.Errorf("%.20q: %+v", text, r)
			}
		}
		ada.send(typeSay, say{ID: lineID(1), Text: strings.Repeat("ä", maxText)})
		expect[said](ada, typeSaid)
	})
}

func TestARoomIsFullAtItsBound(t *testing.T) {
	inChat(t, func(w *world) {
		for i := range maxPeople {
			p := w.connect()
			p.join("Ada "+strconv.Itoa(i), "harbour")
			<-time.After(100 * time.Millisecond) // more at once would not be let in from one address
		}
		late := w.connect()
		late.send(typeJoin, join{Name: "Late", Room: "harbour", Key: late.key})
		if words := late.ExpectClose(codeFull); words != wordsFull {
			t.Errorf("it is told %q", words)
		}
	})
}

func TestWhoSaysTooMuchIsClosedAndTheOthersHearOn(t *testing.T) {
	inChat(t, func(w *world) {
		ada, grace := w.enter("Ada", "harbour"), w.enter("Grace", "harbour")
		for n := range burst { // and one was to join
			ada.say(n)
		}
		for {
			if _, ok := ada.Next(); !ok {
				break
			}
		}
		ada.ExpectClose(transport.PolicyViolation)
		grace.say(1000)
		grace.hears(1000)
	})
}

func TestAPageThatSaysNothingAtAllIsEnded(t *testing.T) {
	inChat(t, func(w *world) {
		silent, living := w.connect(), w.enter("Ada", "harbour")
		for range 12 {
			<-time.After(20 * time.Second)
			living.send(typeBeat, nil)
			expect[struct{}](living, typeBeat)
		}
		silent.ExpectClose(transport.GoingAway)
	})
}
