// Package shares says what a server's processor time goes into, from a profile.
package shares

import (
	"fmt"
	"io"
	"strings"

	"github.com/google/pprof/profile"
)

// Part is a part of the work of a server.
type Part string

// The parts, in the order of a message's way.
const (
	Polling   Part = "kernel: epoll"
	Accepting Part = "kernel: accept and close"
	Reading   Part = "kernel: read"
	Writing   Part = "kernel: write"
	Kernel    Part = "kernel: everything else"
	Poller    Part = "poller and connection"
	FramesIn  Part = "frames in: headers, unmasking, UTF-8"
	Routing   Part = "reader, routing, delivery"
	Actors    Part = "actors: mailboxes, guard, protoactor-go"
	Module    Part = "the module"
	FramesOut Part = "frames out"
	Outbox    Part = "outbox and writer"
	Deflating Part = "deflate"
	Memory    Part = "allocation and garbage"
	Scheduler Part = "Go's scheduler and timers"
	Rest      Part = "everything else"
)

// Parts is all of them.
var Parts = []Part{
	Polling, Accepting, Reading, Writing, Kernel, Poller, FramesIn, Routing, Actors, Module,
	FramesOut, Outbox, Deflating, Memory, Scheduler, Rest,
}

// kernel is whose system call one is, by who made it.
var kernel = []rule{
	{Writing, []string{"transport.sysWrite", "transport.(*pollStream).write"}},
	{Reading, []string{"transport.sysRead"}},
	{Polling, []string{"transport.(*loop).wait", "transport.(*loop).swing", "transport.sysWatch", "runtime.netpoll"}},
	{Accepting, []string{"transport.accept", "transport.sysClose"}},
	{Scheduler, []string{"runtime.futex", "runtime.usleep", "runtime.sysmon", "runtime.schedule", "runtime.findRunnable"}},
}

// own is whose work the rest is, by the innermost function that is listed.
var own = []rule{
	{FramesIn, []string{"transport.(*decoder)", "transport.xor", "transport.ValidUTF8", "transport.isASCII", "ws.Cipher"}},
	{FramesOut, []string{"transport.AppendFrame", "transport.SealFrame", "transport.appendHeader"}},
	{Deflating, []string{"compress/flate", "transport.(*deflation)", "transport.(*inflation)"}},
	{Outbox, []string{"actors.(*outbox)", "actors.(*writer)", "actors.(*chunk)", "actors.(*lane)", "actors.(*Conn).SendBundle"}},
	{Module, []string{"hawser/modules/", "main.", "actors.(*Context)"}},
	{Actors, []string{"asynkron/protoactor-go", "hawser/supervisor.", "actors.(*mailbox)", "actors.(*dispatcher)", "actors.(*light)"}},
	{Routing, []string{"hawser/actors."}},
	{Poller, []string{"hawser/transport."}},
}

// memory is the work of the allocator, wherever it is done.
var memory = []string{
	"runtime.mallocgc", "runtime.newobject", "runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep",
	"runtime.growslice", "runtime.makeslice",
}

type rule struct {
	part  Part
	names []string
}

func (r rule) fits(function string) bool { return contains(r.names, function) }

// Of tells which part a sample belongs to, by its stack, innermost function first.
func Of(stack []string) Part {
	for _, f := range stack {
		if contains(memory, f) {
			return Memory
		}
	}
	if len(stack) > 0 && isSystemCall(stack[0]) {
		if p, ok := find(kernel, stack); ok {
			return p
		}
		return Kernel
	}
	if p, ok := find(own, stack); ok {
		return p
	}
	if len(stack) > 0 && strings.HasPrefix(stack[0], "runtime.") {
		return Scheduler
	}
	return Rest
}

func isSystemCall(function string) bool {
	return strings.Contains(function, "runtime/syscall") || strings.HasPrefix(function, "syscall.") ||
		contains([]string{"runtime.futex", "runtime.usleep", "runtime.epollwait"}, function)
}

// find returns whose the innermost function is that one of the rules names.
func find(rules []rule, stack []string) (Part, bool) {
	for _, f := range stack {
		for _, r := range rules {
			if r.fits(f) {
				return r.part, true
			}
		}
	}
	return "", false
}

func contains(names []string, function string) bool {
	for _, n := range names {
		if strings.Contains(function, n) {
			return true
		}
	}
	return false
}

// Read returns the share of each part in a profile of the processor, from 0 to 1.
func Read(r io.Reader) (map[Part]float64, error) {
	p, err := profile.Parse(r)
	if err != nil {
		return nil, err
	}
	last := len(p.SampleType) - 1
	if last < 0 || p.SampleType[last].Unit != "nanoseconds" {
		return nil, fmt.Errorf("shares: this is no profile of the processor")
	}
	shares, total := map[Part]float64{}, 0.0
	for _, s := range p.Sample {
		v := float64(s.Value[last])
		shares[Of(functions(s))] += v
		total += v
	}
	if total == 0 {
		return nil, fmt.Errorf("shares: the profile is empty")
	}
	for part := range shares {
		shares[part] /= total
	}
	return shares, nil
}

// functions is the stack of a sample, those that were inlined included.
func functions(s *profile.Sample) (stack []string) {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if line.Function != nil {
				stack = append(stack, line.Function.Name)
			}
		}
	}
	return stack
}
