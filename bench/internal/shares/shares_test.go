package shares

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/pprof/profile"
)

func TestStacksBelongToParts(t *testing.T) {
	const hawser = "github.com/hawser-go/hawser/"
	loop := []string{hawser + "transport.(*pollStream).handle", hawser + "transport.(*loop).run"}
	for _, c := range []struct {
		part  Part
		stack []string
	}{
		{Writing, []string{"internal/runtime/syscall/linux.Syscall6", "syscall.RawSyscall6", hawser + "transport.sysWrite", hawser + "actors.(*writer).drain"}},
		{Reading, []string{"internal/runtime/syscall/linux.Syscall6", hawser + "transport.sysRead"}},
		{Polling, []string{"internal/runtime/syscall/linux.Syscall6", hawser + "transport.(*loop).wait"}},
		{Polling, []string{"internal/runtime/syscall/linux.Syscall6", "internal/runtime/syscall/linux.EpollWait", "runtime.netpoll", "runtime.findRunnable"}},
		{Scheduler, []string{"runtime.futex", "runtime.futexsleep", "runtime.stopm", "runtime.schedule"}},
		{Kernel, []string{"internal/runtime/syscall/linux.Syscall6", "os.(*File).Read"}},
		{FramesIn, []string{hawser + "transport.xor", hawser + "transport.(*decoder).data", hawser + "transport.(*Conn).Read"}},
		{FramesOut, []string{hawser + "transport.AppendFrame", hawser + "actors.(*outbox).put"}},
		{Outbox, []string{"sync.(*Mutex).Lock", hawser + "actors.(*outbox).take"}},
		{Module, []string{hawser + "modules/echo.handler.OnMessage", hawser + "actors.(*moduleActor).handle"}},
		{Actors, []string{"github.com/asynkron/protoactor-go/actor.(*actorContext).Receive", hawser + "actors.(*mailbox).turn"}},
		{Routing, []string{hawser + "actors.(*reader).read", hawser + "actors.(*mailbox).turn"}},
		{Poller, append([]string{"sync/atomic.(*Uint64).Load"}, loop...)},
		{Memory, append([]string{"runtime.memclrNoHeapPointers", "runtime.mallocgc"}, loop...)},
		{Scheduler, []string{"runtime.findRunnable", "runtime.schedule"}},
		{Rest, []string{"net/http.(*conn).serve"}},
		{Rest, nil},
	} {
		if got := Of(c.stack); got != c.part {
			t.Errorf("%v: %q, want %q", c.stack, got, c.part)
		}
	}
}

func TestSharesAddUpToTheWhole(t *testing.T) {
	reading := &profile.Function{ID: 1, Name: "transport.sysRead"}
	call := &profile.Function{ID: 2, Name: "syscall.RawSyscall"}
	where := &profile.Location{ID: 1, Line: []profile.Line{{Function: call}, {Function: reading}}}
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"},
		Function:   []*profile.Function{reading, call},
		Location:   []*profile.Location{where},
		Sample: []*profile.Sample{
			{Location: []*profile.Location{where}, Value: []int64{3, 30}},
			{Value: []int64{1, 10}},
		},
	}
	var file bytes.Buffer
	if err := p.Write(&file); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got[Reading]-0.75) > 1e-9 || math.Abs(got[Rest]-0.25) > 1e-9 || len(got) != 2 {
		t.Fatalf("%v", got)
	}
}

func TestWhatIsNoProfileOfTheProcessorIsRefused(t *testing.T) {
	if _, err := Read(bytes.NewReader([]byte("no profile"))); err == nil {
		t.Error("garbage was read")
	}
	heap := &profile.Profile{SampleType: []*profile.ValueType{{Type: "inuse_space", Unit: "bytes"}}}
	var file bytes.Buffer
	if err := heap.Write(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(&file); err == nil {
		t.Error("a heap profile was read")
	}
}
