package main

import (
	"fmt"
	"net/http"

	"github.com/hawser-go/hawser/actors"
	"github.com/hawser-go/hawser/transport"
)

// check is a question about the whole run that must be answered with yes. What the
// client believes is compared with what the exchange knows.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// audit makes all checks. clean is how the client ended; a run that was interrupted
// need not have come to the end of its story.
func (d *day) audit(clean error) []check {
	checks := []check{d.auditPrices(), d.auditGaps(), d.auditSubscriptions(), d.auditAnswers(), d.auditOrders(), d.auditClasses(), d.auditBooks()}
	if !d.interrupted {
		checks = append(checks, d.auditStory())
	}
	c := check{Name: "the client ended", OK: clean == nil, Detail: "no actor, goroutine or socket is left"}
	if clean != nil {
		c.Detail = clean.Error()
	}
	return append(checks, c)
}

// found makes a check that holds if there are no problems.
func found(name string, problems []string, detail string) check {
	if len(problems) > 0 {
		return check{Name: name, Detail: fmt.Sprintf("%s: %s", plural(len(problems), "problem"), problems[0])}
	}
	return check{Name: name, OK: true, Detail: detail}
}

// auditPrices compares all ticks with the tapes of the exchange.
func (d *day) auditPrices() check {
	var problems []string
	ticks := 0
	for _, symbol := range d.feed.wanted() {
		tape, last := d.exchange.market.tape(symbol), uint64(0)
		for _, t := range d.feed.prices.of(symbol) {
			ticks++
			switch {
			case t.Seq <= last:
				problems = append(problems, fmt.Sprintf("%s: number %d came behind %d", symbol, t.Seq, last))
			case t.Seq > uint64(len(tape)) || tape[t.Seq-1] != t.Price:
				problems = append(problems, fmt.Sprintf("%s: number %d was never %v", symbol, t.Seq, t.Price))
			}
			last = t.Seq
		}
		if last == 0 && !d.interrupted {
			problems = append(problems, symbol+" has no price at all")
		}
	}
	if n := d.feed.prices.counters.Counts(); n.Undecoded+n.Failed+n.Panicked > 0 {
		problems = append(problems, fmt.Sprintf("the module failed: %+v", n))
	}
	return found("every price once, in order, and true", problems, plural(ticks, "price"))
}

// auditGaps looks for what is missing in the ticks, and whether the middleware has
// reported exactly that.
func (d *day) auditGaps() check {
	var problems []string
	reported := map[string][]gap{}
	gaps, missed := 0, 0
	for _, g := range d.feed.sequence.all() {
		reported[g.symbol] = append(reported[g.symbol], g)
		gaps, missed = gaps+1, missed+g.missing()
		if !g.loss {
			problems = append(problems, fmt.Sprintf("%s: %d to %d are missing on connection %d", g.symbol, g.from, g.to, g.epoch))
		}
	}
	for _, symbol := range d.feed.wanted() {
		var last tick
		var seen []gap
		for _, t := range d.feed.prices.of(symbol) {
			if last.Seq > 0 && t.Seq > last.Seq+1 {
				seen = append(seen, gap{symbol: symbol, from: last.Seq + 1, to: t.Seq - 1, epoch: t.epoch, loss: t.epoch > last.epoch})
			}
			last = t
		}
		if len(seen) != len(reported[symbol]) {
			problems = append(problems, fmt.Sprintf("%s: %d gaps, reported %d", symbol, len(seen), len(reported[symbol])))
			continue
		}
		for i, g := range seen {
			if r := reported[symbol][i]; r.from != g.from || r.to != g.to || !g.loss {
				problems = append(problems, fmt.Sprintf("%s: gap %+v, reported %+v", symbol, g, r))
			}
		}
	}
	return found("gaps only where a connection was lost", problems, fmt.Sprintf("%s in %s, all reported", plural(missed, "price"), plural(gaps, "gap")))
}

// auditSubscriptions asks the exchange what it was asked for.
func (d *day) auditSubscriptions() check {
	w := d.exchange.witness
	w.mu.Lock()
	defer w.mu.Unlock()
	problems := w.wrong
	if n, all := len(w.asked[w.latest]), len(d.feed.wanted()); n != all && !d.interrupted {
		problems = append(problems, fmt.Sprintf("the last connection asked for %d of %d symbols", n, all))
	}
	return found("each subscription once per connection", problems, plural(len(w.asked), "connection"))
}

func (d *day) auditAnswers() check {
	t := d.feed.traders
	t.mu.Lock()
	defer t.mu.Unlock()
	orders, status := t.orders.Stats(), t.status.Stats()
	problems := t.wrong
	for _, s := range []struct {
		name                       string
		calls, ended, late, garble uint64
	}{
		{"order", orders.Calls, orders.Answered + orders.Failed + orders.Disconnected + orders.GivenUp, orders.Late, orders.Undecoded},
		{"status", status.Calls, status.Answered + status.Failed + status.Disconnected + status.GivenUp, status.Late, status.Undecoded},
	} {
		if s.calls != s.ended || s.garble > 0 {
			problems = append(problems, fmt.Sprintf("%s: %d calls, %d ended, %d not understood", s.name, s.calls, s.ended, s.garble))
		}
	}
	return found("every answer to the one who asked", problems,
		fmt.Sprintf("%d answers, %d lost with their connection", orders.Answered+orders.Failed+status.Answered, orders.Disconnected+status.Disconnected))
}

// auditOrders compares what the traders believe with the books of the exchange.
func (d *day) auditOrders() check {
	var problems []string
	t, desk := d.feed.traders, d.exchange.desk
	for _, symbol := range d.feed.wanted() {
		if ours, theirs := t.position(symbol), desk.position[symbol]; ours != theirs {
			problems = append(problems, fmt.Sprintf("%s: we have %d, the exchange says %d", symbol, ours, theirs))
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for ref, v := range t.books {
		if is := desk.verdicts[ref]; is.Result != v.Result {
			problems = append(problems, fmt.Sprintf("%s: we believe %s, the exchange says %s", ref, v.Result, is.Result))
		}
	}
	for ref := range desk.verdicts {
		if _, known := t.books[ref]; !known {
			problems = append(problems, "the exchange has an order that we do not know: "+ref)
		}
	}
	if desk.twice > 0 {
		problems = append(problems, plural(desk.twice, "order")+" came twice")
	}
	return found("orders and positions as the exchange has them", problems, plural(len(t.books), "order"))
}

// auditClasses compares what became of each message of risk.go with what arrived.
func (d *day) auditClasses() check {
	r, desk := d.feed.risk, d.exchange.risk
	problems := desk.wrong
	for _, p := range r.postings() {
		o, ended := p.outcome()
		came := desk.came[p.ref]
		switch {
		case !ended:
			problems = append(problems, p.ref+" has no outcome")
		case came > 1:
			problems = append(problems, fmt.Sprintf("%s came %d times", p.ref, came))
		case o.Result == actors.Acked && came == 0, o.Result == actors.Dropped && came > 0:
			problems = append(problems, fmt.Sprintf("%s was %s, and came %d times", p.ref, o.Result, came))
		}
	}
	if !d.interrupted {
		for symbol, n := range r.latest {
			if desk.limits[symbol] != n {
				problems = append(problems, fmt.Sprintf("the limit of %s is number %d, the exchange has %d", symbol, n, desk.limits[symbol]))
			}
		}
	}
	return found("messages end as their class says", problems, plural(len(r.postings()), "message"))
}

func (d *day) auditBooks() check {
	var problems []string
	ours, theirs := d.feed.client.Books(), d.exchange.server.Books()
	if !ours.Balanced() || ours.InFlight > 0 {
		problems = append(problems, "client: "+ours.String())
	}
	if !theirs.Balanced() || theirs.InFlight > 0 {
		problems = append(problems, "exchange: "+theirs.String())
	}
	return found("the books balance", problems, ours.String())
}

// auditStory looks whether what was to happen has happened.
func (d *day) auditStory() check {
	var problems []string
	if d.done < len(story) {
		problems = append(problems, fmt.Sprintf("it came to a stop at episode %d of %d", d.done+1, len(story)))
	}
	s := d.feed.client.Stats()
	for _, c := range []struct {
		what string
		n    int
	}{
		{"closed with 1012", int(s.CloseCodes[transport.ServiceRestart])},
		{"closed with 1013", int(s.CloseCodes[transport.TryAgainLater])},
		{"refused with 503", int(s.HTTPStatuses[http.StatusServiceUnavailable])},
		{"refused with 429", int(s.HTTPStatuses[http.StatusTooManyRequests])},
		{"logged in with a stale token", d.exchange.sessions.denied},
		{"given a fresh one", d.feed.wallet.fetched - 1},
		{"told that a stop arrived", d.feed.risk.count()[typeStop].Acked},
		{"spared old limits", d.feed.risk.count()[typeLimit].Superseded},
		{"without its cursor while down", d.feed.risk.count()[typeCursor].Expired},
		{"rejected for too many orders", d.feed.traders.total().TooFast},
	} {
		if c.n == 0 {
			problems = append(problems, "it was never "+c.what)
		}
	}
	return found("everything happened, and it came back", problems, fmt.Sprintf("%d losses, %d reconnections", s.Losses, s.Reconnections))
}
