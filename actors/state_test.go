package actors

import (
	"errors"
	"strings"
	"testing"
)

// stateTable says what each command does in each state. The second column lists
// the goals for which the line holds. A cell is the new goal and what is done
// with the connection, or the error. "reset": the session state is reset.
const stateTable = `
state      | goals            | connect   | disconnect      | hold       | reconnect  | shutdown
idle       | none up held     | up spawn  | up spawn reset  | held none  | up spawn   | down none
connecting | none up held     | up none   | up abort reset  | held abort | up abort   | down abort
opening    | none up held     | up none   | up close reset  | held close | up close   | down close
ready      | none up held     | up none   | up close reset  | held close | up close   | down close
closing    | none up          | up wait   | up wait reset   | held wait  | up wait    | down wait
closing    | held             | up wait   | held wait reset | held wait  | is held    | down wait
backoff    | none up held     | up hurry  | up abort reset  | held abort | up abort   | down abort
held       | none up held     | up spawn  | held none reset | held none  | is held    | down none

idle       | down             | stopped   | stopped         | stopped    | stopped    | down wait
connecting | down             | stopped   | stopped         | stopped    | stopped    | down wait
opening    | down             | stopped   | stopped         | stopped    | stopped    | down wait
ready      | down             | stopped   | stopped         | stopped    | stopped    | down wait
closing    | down             | stopped   | stopped         | stopped    | stopped    | down wait
backoff    | down             | stopped   | stopped         | stopped    | stopped    | down wait
held       | down             | stopped   | stopped         | stopped    | stopped    | down wait
stopped    | none up held down| stopped   | stopped         | stopped    | stopped    | down none
`

var (
	goalNames = map[string]goal{"none": goalNone, "up": goalUp, "held": goalHeld, "down": goalDown}
	actNames  = map[string]act{
		"none": actNone, "spawn": actSpawn, "hurry": actHurry, "close": actClose, "abort": actAbort, "wait": actWait,
	}
	states = len(stateNames)
)

// situation is what decide decides on.
type situation struct {
	state   State
	goal    goal
	command Command
}

// eachSituation calls f with every combination there is.
func eachSituation(f func(situation)) {
	for s := range State(states) {
		for g := range goalDown + 1 {
			for c := range Command(commands) {
				f(situation{s, g, c})
			}
		}
	}
}

// wanted parses stateTable.
func wanted(t *testing.T) map[situation]step {
	t.Helper()
	all := map[situation]step{}
	for _, line := range strings.Split(strings.TrimSpace(stateTable), "\n")[1:] {
		if line == "" {
			continue
		}
		cells := strings.Split(line, "|")
		for _, g := range strings.Fields(cells[1]) {
			for c, cell := range cells[2:] {
				at := situation{stateNamed(t, strings.TrimSpace(cells[0])), goalNames[g], Command(c)}
				if _, twice := all[at]; twice {
					t.Fatalf("the table has %v twice", at)
				}
				all[at] = wantedStep(t, at, strings.Fields(cell))
			}
		}
	}
	return all
}

func stateNamed(t *testing.T, name string) State {
	t.Helper()
	for i, n := range stateNames {
		if n == name {
			return State(i)
		}
	}
	t.Fatalf("the table names an unknown state %q", name)
	return 0
}

func wantedStep(t *testing.T, at situation, words []string) step {
	t.Helper()
	switch strings.Join(words, " ") {
	case "stopped":
		return step{goal: goalDown, err: ErrStopped}
	case "is held":
		return step{goal: goalHeld, err: ErrHeld}
	}
	g, ok := goalNames[words[0]]
	a, known := actNames[words[1]]
	if !ok || !known {
		t.Fatalf("the table has %q at %v", words, at)
	}
	return step{goal: g, act: a, reset: len(words) == 3 && words[2] == "reset"}
}

func TestEachCommandIsDefinedInEachState(t *testing.T) {
	want := wanted(t)
	eachSituation(func(at situation) {
		w, ok := want[at]
		if !ok {
			t.Errorf("the table lacks %s with goal %d in %s", at.command, at.goal, at.state)
			return
		}
		got := decide(at.state, at.goal, at.command)
		if !errors.Is(got.err, w.err) || (got.err == nil) != (w.err == nil) {
			t.Errorf("%s with goal %d in %s: error %v; want %v", at.command, at.goal, at.state, got.err, w.err)
		}
		got.err, w.err = nil, nil
		if got != w {
			t.Errorf("%s with goal %d in %s: %+v; want %+v", at.command, at.goal, at.state, got, w)
		}
	})
}

func TestStoppedIsNeverLeft(t *testing.T) {
	eachSituation(func(at situation) {
		if at.state != Stopped && at.goal != goalDown {
			return
		}
		got := decide(at.state, at.goal, at.command)
		if got.goal != goalDown || got.act != actNone && got.act != actWait || got.reset {
			t.Errorf("%v leads to %+v", at, got)
		}
		if at.command != Shutdown && !errors.Is(got.err, ErrStopped) {
			t.Errorf("%v is answered with %v; want ErrStopped", at, got.err)
		}
	})
}

func TestShutdownAlwaysEndsDown(t *testing.T) {
	eachSituation(func(at situation) {
		if at.command != Shutdown {
			return
		}
		if got := decide(at.state, at.goal, at.command); got.goal != goalDown || got.err != nil {
			t.Errorf("%v leads to %+v", at, got)
		}
	})
}

func TestOnlyConnectLiftsAHold(t *testing.T) {
	eachSituation(func(at situation) {
		held := at.state == Held && at.goal != goalDown || at.state == Closing && at.goal == goalHeld
		if !held || at.command == Shutdown {
			return
		}
		got := decide(at.state, at.goal, at.command)
		if lifted := got.goal != goalHeld; lifted != (at.command == Connect) {
			t.Errorf("%v leads to goal %d", at, got.goal)
		}
	})
}

// What is done must fit what is there: a second connection is never spawned, and
// none is closed that does not exist.
func TestActsFitTheState(t *testing.T) {
	fits := map[act]func(State) bool{
		actNone:  func(State) bool { return true },
		actSpawn: func(s State) bool { return s == Idle || s == Held },
		actHurry: func(s State) bool { return s == Backoff },
		actClose: State.up,
		actAbort: func(s State) bool { return s == Connecting || s == Backoff },
		actWait:  func(s State) bool { return s == Closing },
	}
	eachSituation(func(at situation) {
		if at.goal == goalDown {
			return // it ends already, whatever its state is
		}
		if got := decide(at.state, at.goal, at.command); got.err == nil && !fits[got.act](at.state) {
			t.Errorf("%v leads to act %d", at, got.act)
		}
	})
}

func TestOnlyDisconnectResetsTheSession(t *testing.T) {
	eachSituation(func(at situation) {
		got := decide(at.state, at.goal, at.command)
		if want := at.command == Disconnect && got.err == nil; got.reset != want {
			t.Errorf("%v resets: %v; want %v", at, got.reset, want)
		}
	})
}

func TestRefusedCommandIsNamed(t *testing.T) {
	if err := decide(Stopped, goalDown, Reconnect).err; err == nil || !strings.Contains(err.Error(), "reconnect") {
		t.Errorf("%v does not name the command", err)
	}
}
