package rooms

// Member is somebody in a room.
type Member struct {
	// ID names the member in its room. Default: "#" and the number of the connection
	// (actors.Conn.ID), so that nobody is taken for a member who has a real one.
	ID string
	// Meta is what the others may want to know of it, such as a name to show. It must
	// not be changed after the join.
	Meta any
}

// Diff says how the presence of a room has changed since it was told last. The
// slices belong to the room and are valid until the function returns that got them;
// members come in the order in which they joined, those who left in the order in
// which they did.
//
// A member that has just joined is told the State first, at the time when the others
// get the Diff that it stands in; from then on it gets each Diff. A member that
// missed one, because it was slow, gets the State in place of the next one.
type Diff struct {
	// State says that Joined is everybody who is there, and not only who came.
	State bool
	// Joined are those who came. One who left and came back since then is only here,
	// with its new Meta.
	Joined []Member
	// Left are those who went. One who came and went since then is not told at all.
	Left []Member
}

// Failure says of one member that a message did not reach it, and why.
type Failure struct {
	ID string
	// Err is ErrSlow, or what actors.Conn.Send returned: an error that wraps
	// actors.ErrStopped means that the connection has ended, and that the member has
	// left.
	Err error
}

// Result says whom a message reached: their connections have accepted it, and written it
// if they could at once.
type Result struct {
	// Reached is how many connections have accepted the message.
	Reached int
	// Skipped is how many have missed it because they do not keep up, and Closed how many
	// were closed for that.
	Skipped, Closed int
	// Failed are all that the message did not reach, Skipped and Closed among them.
	Failed []Failure
}

// Stats counts what has happened in all rooms since New.
type Stats struct {
	// Rooms is how many rooms there are, Connections how many connections are in at
	// least one of them, and Memberships how many members the rooms have together.
	Rooms, Connections, Memberships int
	// Messages is how many messages were broadcast or sent to one, presence included.
	Messages uint64
	// Reached, Skipped and Closed are as in Result, summed up. Failed is how often a
	// connection took no message for any other reason.
	Reached, Skipped, Closed, Failed uint64
	// Busy is how many messages were not accepted because a room's queue was full.
	Busy uint64
	// Panics is how often a function of Options panicked.
	Panics uint64
}
