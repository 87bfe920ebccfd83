package main

import (
	"math"

	"github.com/hawser-go/hawser/modules"
	"github.com/hawser-go/hawser/transport"
)

// What the exchange and its clients say to each other: JSON objects with a type, and
// with an id where an answer belongs to a question. Package modules reads and writes
// both; these structs are the rest.
const (
	typeLogin      = "login"      // → welcome or denied
	typeWelcome    = "welcome"    //
	typeDenied     = "denied"     //
	typeSubscribe  = "subscribe"  // → subscribed, the latest price, and then every price
	typeSubscribed = "subscribed" //
	typePrice      = "price"      //
	typeOrder      = "order"      // → order with the same id, or an error
	typeStatus     = "status"     // → status with the same id
	typePresence   = "presence"   // no answer
	typeCursor     = "cursor"     // no answer
	typeLimit      = "limit"      // no answer
	typeStop       = "stop"       // → stopped, with the same ref
	typeStopped    = "stopped"    //
)

type login struct {
	User  string `json:"user"`
	Token string `json:"token"`
}

type welcome struct {
	User  string `json:"user"`
	Venue string `json:"venue"`
}

type denied struct {
	Reason string `json:"reason"`
}

type subscribe struct {
	Symbol string `json:"symbol"`
}

type subscribed struct {
	Symbol string `json:"symbol"`
}

// price is one tick. Seq counts the ticks of a symbol from 1, whether or not
// somebody listens: who misses one can tell.
type price struct {
	Symbol string  `json:"symbol"`
	Seq    uint64  `json:"seq"`
	Price  float64 `json:"price"`
}

// digits is how many digits of a price stand behind the point: five count in all.
func digits(p float64) int {
	if p <= 0 {
		return 0
	}
	return max(0, 4-int(math.Floor(math.Log10(p))))
}

// order buys, or sells if Quantity is negative. Ref is the client's own name for it,
// under which both find it again if the connection is lost.
type order struct {
	Ref      string `json:"ref"`
	Symbol   string `json:"symbol"`
	Quantity int    `json:"quantity"`
}

// query asks what has become of an order.
type query struct {
	Ref string `json:"ref"`
}

// verdict is what became of an order.
type verdict struct {
	Ref    string  `json:"ref"`
	Result result  `json:"result"`
	Price  float64 `json:"price,omitempty"`
	Reason string  `json:"reason,omitempty"`
}

// memo is what risk.go posts: a cursor, a limit, a stop, and the answer to that.
type memo struct {
	Ref    string `json:"ref"`
	Symbol string `json:"symbol,omitempty"`
	Number int    `json:"number,omitempty"`
}

// result is the end of an order.
type result string

const (
	filled   result = "filled"
	rejected result = "rejected"
	absent   result = "absent" // the exchange has never seen it
)

// message makes a message of a type.
func message(typ string, content any) transport.Message { return answer(typ, "", "", content) }

// answer makes a message that answers the one with that id, or refuses it.
func answer(typ, id, refusal string, content any) transport.Message {
	h := modules.Header{Type: []byte(typ), ID: []byte(id), Error: []byte(refusal)}
	payload, err := modules.JSON{}.Append(nil, h, content)
	if err != nil {
		panic(err) // none of the structs above
	}
	return transport.Message{Kind: transport.Text, Payload: payload}
}

// read decodes a message if it is of that type.
func read(m transport.Message, typ string, content any) bool {
	h, err := modules.JSON{}.Peek(m, modules.TypePart)
	return err == nil && string(h.Type) == typ && modules.JSON{}.Decode(m, content) == nil
}
