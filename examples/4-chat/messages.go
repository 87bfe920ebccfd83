package main

// What the page and the server say to each other: JSON objects with a type. Package
// modules reads and writes them.
const (
	typeJoin     = "join"     // → welcome, or a close with the words for the visitor
	typeWelcome  = "welcome"  //
	typeSay      = "say"      // → said, to everybody in the room, or refused
	typeSaid     = "said"     //
	typeRefused  = "refused"  //
	typePresence = "presence" // who came and went
	typeBeat     = "beat"     // → beat: the page asks whether we are there
)

// join asks for a place in a room. It is the first message of a connection, and
// comes once.
type join struct {
	Room string `json:"room"`
	Name string `json:"name"`
	// Key is the page's own secret: whoever has it may take the place that an older
	// connection of the page still holds.
	Key string `json:"key"`
	// Run and Since are what the page has seen: the history, and how far.
	Run   string `json:"run"`
	Since uint64 `json:"since"`
}

// welcome is what a page needs to go on where it was.
type welcome struct {
	Room string `json:"room"`
	Name string `json:"name"`
	// Run names the history. It is another one after the server has forgotten it.
	Run string `json:"run"`
	// Seq is the number of the latest line, Lines those that the page has not seen.
	Seq   uint64 `json:"seq"`
	Lines []said `json:"lines"`
	// Missed says that there were more lines than we keep.
	Missed bool `json:"missed"`
}

// person is somebody in a room.
type person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// presence says who came and went. With All everybody who is there has joined.
type presence struct {
	All    bool     `json:"all"`
	Joined []person `json:"joined"`
	Left   []person `json:"left"`
}

// say is a line that somebody wrote. The id is made by the page, at random: a line
// that is sent twice, because nobody knew whether it had arrived, is one line.
type say struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// said is a line for everybody in the room. Seq counts those of a history from 1.
type said struct {
	Seq  uint64 `json:"seq"`
	ID   string `json:"id"`
	Name string `json:"name"`
	At   int64  `json:"at"` // milliseconds since 1970
	Text string `json:"text"`
}

// refusal says why a line is not said.
type refusal struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}
