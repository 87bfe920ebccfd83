package rules_test

import (
	"fmt"

	"github.com/hawser-go/hawser/modules/rules"
	"github.com/hawser-go/hawser/transport"
)

// A rule for a module, once as a text and once built by functions.
func Example() {
	parsed := rules.Must(rules.Parse(`text & json("type") = "price" & !contains("debug")`))
	built := rules.Must(rules.And(
		rules.Text(),
		rules.Must(rules.JSONEquals("type", "price")),
		rules.Must(rules.Not(rules.Must(rules.Contains("debug")))),
	))
	fmt.Println(parsed)
	fmt.Println(built)

	// It goes into actors.Module.Rule. The router does the rest:
	matches := parsed.Matcher(nil)
	fmt.Println(matches(transport.Message{Kind: transport.Text, Payload: []byte(`{"type": "price", "bid": 1.1}`)}))
	fmt.Println(matches(transport.Message{Kind: transport.Text, Payload: []byte(`{"type": "trade"}`)}))
	// Output:
	// text & json("type") = "price" & !contains("debug")
	// text & json("type") = "price" & !contains("debug")
	// true
	// false
}

// What is wrong in a configuration is pointed at.
func ExampleParse() {
	_, err := rules.Parse(`text & (prefix("42[") | json("a..b") exists)`)
	fmt.Println(err)
	// Output:
	// rules: json path "a..b" needs a key here; one with special characters stands in brackets and quotes: ["a key"] (at byte 32)
	//	text & (prefix("42[") | json("a..b") exists)
	//	                                ^
}

// A header and the binary message behind it, both for the same module.
func ExampleSequence() {
	r := rules.Must(rules.Sequence(rules.Must(rules.Prefix("451-")), rules.Binary()))
	fmt.Println(r)

	matches := r.Matcher(nil) // of one connection
	for _, m := range []transport.Message{
		{Kind: transport.Binary, Payload: []byte("stray")},
		{Kind: transport.Text, Payload: []byte(`451-["chart",{"_placeholder":true,"num":0}]`)},
		{Kind: transport.Binary, Payload: []byte("points")},
		{Kind: transport.Text, Payload: []byte("2")},
	} {
		fmt.Println(m.Kind, matches(m))
	}
	// Output:
	// prefix("451-") -> binary
	// binary false
	// text true
	// binary true
	// text false
}

// "&" reads from left to right, which matters to rules that count.
func ExampleSkip() {
	fmt.Println("binary messages but the first three:", rules.Must(rules.Parse(`binary & skip(3)`)))
	fmt.Println("binary messages behind the first three of any kind:", rules.Must(rules.Parse(`skip(3) & binary`)))
	// Output:
	// binary messages but the first three: binary & skip(3)
	// binary messages behind the first three of any kind: skip(3) & binary
}
