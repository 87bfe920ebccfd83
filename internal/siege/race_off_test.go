//go:build linux && !race

package siege

// raceEnabled: under the race detector everything takes ten times as long.
const raceEnabled = false
