// Package actorstest helps to test programs that use package actors: an actor
// system that reports what went wrong in it, and a [Probe], an actor that records
// what it receives.
//
// Both work with real time and inside a testing/synctest bubble. In a bubble all
// of it must be made inside: the system, the probes and what is tested.
//
//	func TestGreeting(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			system := actorstest.System(t)
//			probe := actorstest.Spawn(t, system)
//			system.Root.RequestWithCustomSender(greeter, &Hello{}, probe.PID())
//			got := actorstest.Expect[*Welcome](probe)
//			…
//			actorstest.ExpectNone(probe)
//		})
//	}
package actorstest
