// Package modules holds the built-in modules and middleware of Hawser, one
// package each. A module is an actor that receives routed messages; a middleware
// is an actor that sees every message on its way.
package modules
