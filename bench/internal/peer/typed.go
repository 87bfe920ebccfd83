package peer

import "time"

// Price is one of the three messages that a client sends to TypedPath, with "type" beside
// its members:
//
//	{"type":"price","symbol":"SYM042","bid":101.25,"ask":101.5,"seq":7}
//
// What a server does with each: count it by its type; take it from a token bucket of its
// connection, TypedRate; stamp its symbol, Symbols; decode it into the struct of its
// type; answer with an Ack.
type Price struct {
	Symbol string  `json:"symbol"`
	Bid    float64 `json:"bid"`
	Ask    float64 `json:"ask"`
	Seq    uint64  `json:"seq"`
}

// Order is the second one.
type Order struct {
	Symbol string  `json:"symbol"`
	Bid    float64 `json:"bid"`
	Ask    float64 `json:"ask"`
	Seq    uint64  `json:"seq"`
}

// Cancel is the third one.
type Cancel struct {
	Symbol string `json:"symbol"`
	Seq    uint64 `json:"seq"`
}

// Ack is the answer to all three; its type is "ack".
type Ack struct {
	Symbol string `json:"symbol"`
	Seq    uint64 `json:"seq"`
}

// Types are the types of the messages that a client sends.
func Types() []string { return []string{"price", "order", "cancel"} }

// TypedRate is how many messages a second the token bucket of a connection lets pass, and
// how many at once. It is there to cost what a bucket costs, and never refuses: it is more
// than one connection can bring.
const TypedRate = 100_000_000

const (
	longestSymbol = 12
	// mostSymbols bounds what a stranger can make Symbols remember.
	mostSymbols = 10_000
)

// Symbols remember when each symbol was last named. They are not safe for concurrent use.
type Symbols map[string]*time.Time

// Stamp notes that the symbol was named now. It reports false for what is no symbol (1 to
// 12 capital letters and digits), and for a new one if there are too many.
func (s Symbols) Stamp(symbol []byte, now time.Time) bool {
	if at := s[string(symbol)]; at != nil {
		*at = now
		return true
	}
	if !isSymbol(symbol) || len(s) >= mostSymbols {
		return false
	}
	at := new(time.Time) // not now itself, or each call would allocate it
	*at = now
	s[string(symbol)] = at
	return true
}

func isSymbol(symbol []byte) bool {
	for _, c := range symbol {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return len(symbol) > 0 && len(symbol) <= longestSymbol
}
