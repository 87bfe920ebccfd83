package process

import (
	"os"
	"slices"
	"testing"
)

func TestPinMovesAllThreadsAndBack(t *testing.T) {
	all, err := CPUs()
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	last := all[len(all)-1]
	if err := Pin(os.Getpid(), last); err != nil {
		t.Fatal(err)
	}
	seen := make(chan []int)
	go func() { // on whatever thread
		cpus, _ := CPUs()
		seen <- cpus
	}()
	if got := <-seen; !slices.Equal(got, []int{last}) {
		t.Errorf("a thread runs on %v, want %d", got, last)
	}
	if err := Pin(os.Getpid(), all...); err != nil {
		t.Fatal(err)
	}
	if got, _ := CPUs(); !slices.Equal(got, all) {
		t.Errorf("it runs on %v, want %v", got, all)
	}
}

func TestPinSaysThatThereIsNoSuchProcess(t *testing.T) {
	if err := Pin(1<<30, 0); err == nil {
		t.Error("a process was pinned that does not exist")
	}
}
