// Package runner measures programs side by side. All candidates of a scenario run at the
// same time, each in a process of its own, and take turns in short slices, so that a
// slow spell of the machine hits all of them alike; what is compared is the ratio of
// neighbouring slices. Where the descriptors suffice for one candidate only, they run
// one after another, in more repetitions. So does idle memory (scenario C), which does not
// depend on the speed of the machine.
//
// A Runner must be used from one goroutine that is locked to its thread: the programs are
// killed when that thread ends, which is how they die with the runner whatever ends it.
package runner
