//go:build !race

package actors

// raceEnabled: under the race detector everything takes ten times as long.
const raceEnabled = false
