package main

import (
	"strconv"
	"testing"
	"time"

	"github.com/hawser-go/hawser/modules/rooms"
)

func TestTheRoomThatNobodyHasEnteredForLongestIsForgotten(t *testing.T) {
	r, err := rooms.New(rooms.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(0, 0)
	c := &chat{rooms: r, halls: map[string]*hall{}, now: func() time.Time { return now }}
	for n := range maxRooms {
		now = now.Add(time.Second)
		c.enter("room " + strconv.Itoa(n))
	}
	first := c.enter("ROOM 0")
	second := c.halls["room 1"].run
	c.enter("one more")
	if len(c.halls) != maxRooms || c.enter("room 0") != first {
		t.Errorf("%d rooms are known, want %d, and the one that was entered again among them", len(c.halls), maxRooms)
	}
	if h := c.enter("room 1"); h.run == second {
		t.Error("room 1 is known, though it was the oldest")
	}
}
