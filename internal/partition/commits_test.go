package partition

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"pgregory.net/rapid"
)

// wake waits for what c is told.
func wake(t *testing.T, c *Commits) {
	t.Helper()
	select {
	case <-c.C():
	case <-time.After(10 * time.Second):
		t.Fatal("nobody woke the waiter")
	}
}

// listed is how many appends a partition has in its list.
func listed(p *Partition) int {
	p.watchers.mu.Lock()
	defer p.watchers.mu.Unlock()
	return len(p.watchers.appends)
}

func TestCommitsCountDown(t *testing.T) {
	b := newBench(t, nil).leading(0)
	c := NewCommits()
	if !c.Done() {
		t.Error("a wait for nothing is not done")
	}
	first := b.mustAppend("a")
	b.p.Await(c, first.End)
	if !c.Done() {
		t.Error("what is committed is still waited for")
	}
	second, err := b.append(AppendRequest{Acks: -1}, batch("b", "c"))
	if err != nil {
		t.Fatal(err)
	}
	b.p.Await(c, second.End)
	for !c.Done() {
		wake(t, c)
	}
	if b.p.HighWatermark() < second.End {
		t.Error("done before the high watermark was there")
	}
	if listed(b.p) != 0 {
		t.Error("a committed append is still in the list")
	}
}

// Whoever waits for what will not come is woken, finds out why, and leaves.
func TestCommitsAreDisturbed(t *testing.T) {
	b := newBench(t, nil).leading(0)
	c := NewCommits()
	b.p.Await(c, 1000)
	b.p.BecomeFollower(Leadership{Leader: 2, LeaderEpoch: 1})
	wake(t, c)
	if _, err := b.p.Committed(1000); c.Done() || !errors.Is(err, kerr.NotLeaderForPartition) {
		t.Errorf("done: %v, error: %v", c.Done(), err)
	}
	b.p.Unawait(c, 1000)
	b.p.Unawait(c, 1000) // is not there any more
	if !c.Done() || listed(b.p) != 0 {
		t.Error("a wait that was given up goes on")
	}
}

// However awaited ends, high watermarks and retreats follow each other, a wait
// is done exactly when all that was not taken back is below the high watermark,
// and then its waiter has been woken.
func TestCommitsAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Partition{}
		waits := [3]*Commits{NewCommits(), NewCommits(), NewCommits()}
		open := [3]map[int64]int{{}, {}, {}}
		waited := [3]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"await": func(t *rapid.T) {
				i, end := rapid.IntRange(0, 2).Draw(t, "wait"), rapid.Int64Range(0, 50).Draw(t, "end")
				p.Await(waits[i], end)
				if end > p.hw.Load() {
					open[i][end]++
					waited[i] = true
				}
			},
			"advance": func(t *rapid.T) {
				hw := p.hw.Load() + rapid.Int64Range(0, 10).Draw(t, "by")
				p.hw.Store(hw)
				p.watchers.notifyReached(hw)
				for i := range open {
					for end := range open[i] {
						if end <= hw {
							delete(open[i], end)
						}
					}
				}
			},
			"give up": func(t *rapid.T) {
				i, end := rapid.IntRange(0, 2).Draw(t, "wait"), rapid.Int64Range(0, 50).Draw(t, "end")
				p.Unawait(waits[i], end)
				if open[i][end]--; open[i][end] <= 0 {
					delete(open[i], end)
				}
			},
			"": func(t *rapid.T) {
				for i, c := range waits {
					if c.Done() != (len(open[i]) == 0) {
						t.Fatalf("wait %d is done: %v, open: %v", i, c.Done(), open[i])
					}
					if c.Done() && waited[i] {
						waited[i] = false
						select {
						case <-c.C():
						default:
							t.Fatalf("nobody woke wait %d", i)
						}
					}
				}
			},
		})
	})
}
