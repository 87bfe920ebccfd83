// Package rules says which messages a module wants: what stands in
// [actors.Module.Rule]. A rule is built by functions, or parsed from a text, so
// that it may stand in a configuration:
//
//	actors.Module{Name: "prices", New: newPrices,
//		Rule: rules.Must(rules.Parse(`text & json("type") = "price"`))}
//
// The two ways make the same rules: the String of a rule is its text.
//
//	text, binary                the kind of the message
//	exact("2")                  the whole payload, byte for byte
//	prefix("42["), suffix("]")  how it begins, how it ends
//	contains("error")           what stands in it
//	regexp("^a+$")              an RE2 expression (package regexp), in linear time
//	json("a.b[2]") exists       a JSON document that has this value
//	json("a.b[2]") = "x"        and whether it is this string, number, true, false or null
//	after("42", a)              the payload begins with 42, and a wants the rest
//	before("]", a)              the same at its end
//	subprotocol("v1", "v2")     the connection agreed on one of these
//	path("/feed")               the connection was opened with this path
//	any, never                  every message, none
//	skip(3)                     all but the first 3
//	every(10), every(10, 1)     the 10th, 20th, 30th …; the 1st, 11th, 21st …
//	! a                         what a does not want
//	a & b                       what a wants, and of that what b wants
//	a | b                       what a or b or both want
//	a -> b -> c                 a run of messages, one after another: all of them
//	then(a, b)                  the message right after one that a wants, if b wants it
//
// # The text form
//
// "!" binds closest, then "&", then "|", then "->"; parentheses group. Space and
// new lines may stand anywhere between words and signs.
//
//	rule     = either { "->" either } .
//	either   = both { "|" both } .
//	both     = not { "&" not } .
//	not      = "!" not | "(" rule ")" | matcher .
//	matcher  = "text" | "binary" | "any" | "never"
//	         | ( "exact" | "prefix" | "suffix" | "contains" | "regexp" | "path" ) "(" string ")"
//	         | "json" "(" string ")" ( "exists" | "=" value )
//	         | "subprotocol" "(" string { "," string } ")"
//	         | "skip" "(" number ")" | "every" "(" number [ "," number ] ")"
//	         | "then" "(" rule "," rule ")"
//	         | ( "after" | "before" ) "(" string "," rule ")" .
//	value    = string | JSON number | "true" | "false" | "null" .
//
// A string is written as in Go: "with \n, \x00 and \u00e9", or between back quotes
// with nothing escaped. The path of a json rule names keys and indexes from the
// root: a.b[2] or $.a.b[2]; $ alone is the whole document, and ["a key"] a key
// with other characters ([JSONExists]). A [ParseError] points at the character at
// fault.
//
// # What a payload is to a rule
//
// Rules look at the bytes of text and binary messages alike; `text & …` limits
// them. They neither change nor copy nor keep the payload, and those that keep no
// count allocate nothing. A json rule reads the whole message: one that is not
// valid JSON, or nests deeper than 64, never matches, and of a key that stands
// twice the last one counts, as in encoding/json.
//
// # Rules with a memory
//
// Skip, Every, Then and Sequence count what they have seen. They begin anew on
// every connection and after every reconnect: half a run from the connection
// before is forgotten. All other rules are one function, shared by all
// connections.
//
// A rule with a memory counts the messages that reach it. "&" reads from left to
// right: `binary & skip(3)` wants all binary messages but the first three of them;
// `skip(3) & binary` wants the binary ones behind the first three messages of any
// kind. Both sides of "|" see every message. In a run, each step sees only the
// message that may be its own.
//
// A protocol that announces its binary messages by a header, as Socket.IO does,
// is a run. All of it reaches the module: `prefix("451-") -> binary`. The message
// that does not fit ends the run, and is not looked at as the start of a new one.
package rules
