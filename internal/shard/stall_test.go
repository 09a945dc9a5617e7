package shard

import (
	"testing"
	"time"
)

// handClock is a clock that the test moves; the runtime's timer is not part of
// it, as in a process that stands still.
type handClock struct{ now time.Time }

func newStalledTimers() (*Timers, *handClock) {
	c := &handClock{now: time.Now()}
	t := NewTimers()
	t.start, t.clock = c.now, func() time.Time { return c.now }
	return t, c
}

// A process that was stopped for a minute finds every deadline passed at once,
// and what would have put them off unread in its sockets.
func TestTimeInWhichTheProcessStoodStillDoesNotCount(t *testing.T) {
	timers, clock := newStalledTimers()
	a := alarm{fire: func() { t.Error("the alarm went off before anybody could put it off") }}
	const session = 45_000
	deadline := timers.Now().Steady + session
	timers.set(&a, deadline)

	clock.now = clock.now.Add(10 * time.Minute)
	if now := timers.Now(); now.Steady >= deadline || now.Wall != clock.now.UnixMilli() {
		t.Errorf("after the stall it is %+v, the deadline was %d", now, deadline)
	}
	timers.ring()
	if now := timers.Now().Steady; deadline-now < stallGrace {
		t.Errorf("%d ms are left to be heard", deadline-now)
	}
	before := timers.Now().Steady
	clock.now = clock.now.Add(time.Second)
	if d := timers.Now().Steady - before; d != 1000 {
		t.Errorf("the clock moved by %d ms in a second", d)
	}
	fired := 0
	a.fire = func() { fired++ }
	clock.now = clock.now.Add(stallGrace * time.Millisecond)
	timers.ring()
	if fired != 1 {
		t.Errorf("the alarm went off %d times", fired)
	}
}

// Being a little late is the ordinary case and changes no time.
func TestALateTimerIsNoStall(t *testing.T) {
	timers, clock := newStalledTimers()
	fired := 0
	a := alarm{fire: func() { fired++ }}
	timers.set(&a, timers.Now().Steady+1000)
	clock.now = clock.now.Add(1000*time.Millisecond + stall*time.Millisecond)
	if now := timers.Now().Steady; now != 1001+stall {
		t.Errorf("it is %d, want %d", now, 1001+stall)
	}
	timers.ring()
	if fired != 1 {
		t.Errorf("the alarm went off %d times", fired)
	}
	clock.now = clock.now.Add(time.Hour) // nothing is due: nobody is late
	if now := timers.Now().Steady; now != 1001+stall+time.Hour.Milliseconds() {
		t.Errorf("it is %d after an idle hour", now)
	}
}
