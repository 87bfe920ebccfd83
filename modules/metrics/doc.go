// Package metrics is a middleware that counts messages, bytes, connections and
// attempts, and tells them as a snapshot or to Prometheus. It counts what comes to
// its place in the chain, whatever the middleware behind it decides.
package metrics
