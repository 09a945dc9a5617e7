package metadata

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/milena-io/milena/internal/metapb"
)

func applyTo(t *testing.T, s *Store, index uint64, records ...*metapb.Record) {
	t.Helper()
	data, err := EncodeBatch(records)
	if err != nil {
		t.Fatal(err)
	}
	s.Apply(index, data)
}

func TestSubscribersSeeEverythingOnceInOrder(t *testing.T) {
	s := NewStore(nil)
	var heard []string
	listen := func(name string) func(*Delta, *Image) {
		return func(d *Delta, img *Image) {
			heard = append(heard, fmt.Sprintf("%s@%d: %s", name, img.Index(), describe(d)))
			if s.Current() != img {
				t.Error("the store is not at the image that it announces")
			}
		}
	}
	s.Subscribe("one", listen("one")) // nothing to tell yet
	applyTo(t, s, 4, topicRec(1, "a"), partitionRec(1, 0, 1))
	s.Subscribe("two", listen("two"))
	applyTo(t, s, 5, topicRec(1, "again")) // rejected: nobody hears
	applyTo(t, s, 6, topicRec(2, "b"))

	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	u := id(1)
	applyTo(t, s, 7, Record(&metapb.RemoveTopic{Id: u[:]}))
	if err := s.Restore(snap); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"one@4: created=a/1", "two@4: created=a/1",
		"one@6: created=b/0", "two@6: created=b/0",
		"one@7: deleted=a", "two@7: deleted=a",
		"one@6: created=a/1", "two@6: created=a/1",
	}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %q", heard)
	}
	if s.Rejected() != 1 || s.Unknown() != 0 {
		t.Errorf("%d rejected, %d unknown", s.Rejected(), s.Unknown())
	}
	s.Apply(8, []byte{0xff})
	if s.Unknown() != 1 || s.Current().Index() != 8 {
		t.Errorf("after garbage: %d unknown, index %d", s.Unknown(), s.Current().Index())
	}
	if err := s.Restore([]byte("garbage")); !errors.Is(err, ErrSnapshot) {
		t.Errorf("restore: %v", err)
	}
}

func TestWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStore(nil)
		var mu sync.Mutex
		var woken []uint64
		for _, index := range []uint64{5, 3, 9, 4} {
			go func() {
				if err := s.WaitFor(t.Context(), index); err == nil {
					mu.Lock()
					defer mu.Unlock()
					woken = append(woken, index)
				}
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.WaitFor(ctx, 4); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait: %v", err)
		}
		for index, want := range map[uint64]int{3: 1} {
			applyTo(t, s, index)
			synctest.Wait()
			if len(woken) != want {
				t.Errorf("after %d: %v", index, woken)
			}
		}
		applyTo(t, s, 6, topicRec(1, "a"))
		synctest.Wait()
		slices.Sort(woken)
		if !slices.Equal(woken, []uint64{3, 4, 5}) {
			t.Errorf("after 6: %v", woken)
		}
		if err := s.WaitFor(t.Context(), 6); err != nil {
			t.Error(err)
		}
		applyTo(t, s, 9)
		synctest.Wait()
		if len(woken) != 4 || len(s.waiters.heap) != 0 {
			t.Errorf("in the end: %v, %d wait", woken, len(s.waiters.heap))
		}
	})
}
