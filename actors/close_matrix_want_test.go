package actors

import "fmt"

// noCode is a close frame without a payload (RFC 6455 §7.1.5: it counts as 1005).
const noCode = -1

// closeCodes are thirty: all that may stand in a close frame, the ends of the ranges
// that may, a frame without one, and those that must not come over the wire.
var closeCodes = []int{
	1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
	noCode,
	0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
}

// mayBeSent is RFC 6455 §7.4: 1004 is reserved, 1005, 1006 and 1015 "MUST NOT be set
// as a status code in a Close control frame", 0–999 are not used, what is not
// defined up to 2999 must be registered first (IANA has 1012 to 1014), and from 3000
// to 4999 is for frameworks and private use.
func mayBeSent(code int) bool {
	switch {
	case code == 1004, code == 1005, code == 1006, code == 1015:
		return false
	case code >= 1000 && code <= 1014, code >= 3000 && code <= 4999:
		return true
	}
	return false
}

// closeMode is who ends the connection, and how the peer behaves.
type closeMode string

const (
	weFirst    closeMode = "we first"
	peerFirst  closeMode = "peer first"
	bothAtOnce closeMode = "both at once"
	noReply    closeMode = "no reply"
	halfClose  closeMode = "half close" // the peer's close frame, and its FIN at once
	resetByIt  closeMode = "reset"      // in place of the answer to our close frame
)

var closeModes = []closeMode{weFirst, peerFirst, bothAtOnce, noReply, halfClose, resetByIt}

// closeState is what is under way when it begins.
type closeState string

const (
	whileIdle  closeState = "idle"
	midMessage closeState = "mid-message" // of the peer's
	queueFull  closeState = "queue full"  // ours; the peer begins to read when it begins
)

var closeStates = []closeState{whileIdle, midMessage, queueFull}

// closeWant is how a cell must end. A text of "*" may be anything.
type closeWant struct {
	frame  string // our close frame as the peer sees it: code and reason
	end    string // what comes behind it
	data   string // "all" that was accepted comes before it, or "some", in order
	saw    int    // the peer's code as we know it; 0: none that counts
	cause  string // why the connection ended, as its handlers are told
	atOnce bool   // else: within the close time-out
	late   bool   // not before the close time-out
}

// closeWanted is how a cell must end by RFC 6455 §5.5.1, §7.1 and §7.4. "ours" and
// "theirs" are the reasons that the sides give.
func closeWanted(code int, mode closeMode, state closeState, server bool) closeWant {
	w := closeWant{frame: ourFrame(code), end: "EOF", data: "all", cause: "*", atOnce: true}
	switch mode {
	case weFirst:
		w.saw = ourCode(code) // which it echoes
	case peerFirst, halfClose:
		w = answered(code)
		if !server && w.data == "all" {
			w.data = "some" // a client keeps what waits for its next connection
		}
	case bothAtOnce:
		// §7.1.7: we cannot send a second frame to say what was wrong with theirs.
		switch {
		case code == noCode:
			w.saw = 1005
		case mayBeSent(code):
			w.saw = code
		default:
			w.end, w.atOnce = "*", false
		}
	case noReply:
		w.end, w.atOnce, w.late = "reset", false, true
		w.cause = "timeout"
		if state == queueFull { // nor does it read
			w.frame, w.data = "", "some"
		}
	case resetByIt:
		w.end = "*"
		if state == queueFull {
			w.frame, w.data = "", "some"
		}
	}
	return w
}

// ourCode is what stands in a frame that a user asked for: as *Close says, a code
// that must not be sent means 1000.
func ourCode(code int) int {
	if !mayBeSent(code) {
		return 1000
	}
	return code
}

func ourFrame(code int) string { return fmt.Sprint("close ", ourCode(code), " ours") }

// answered is how a close frame of the peer is answered. §5.5.1: "the endpoint
// typically echos the status code it received"; §7.1.7 and §7.4.1: one that breaks
// the protocol gets 1002, and nothing that waits need leave before.
func answered(code int) closeWant {
	w := closeWant{end: "EOF", data: "all", atOnce: true}
	switch {
	case code == noCode:
		w.frame, w.saw, w.cause = "close", 1005, "frame 1005"
	case mayBeSent(code):
		w.frame, w.saw = fmt.Sprint("close ", code), code
		w.cause = fmt.Sprint("frame ", code, " theirs")
	default:
		w.frame, w.cause, w.data = "close 1002 *", "violation 1002", "some"
	}
	return w
}
