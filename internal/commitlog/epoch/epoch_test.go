package epoch

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
)

func cacheOf(entries ...Entry) *Cache { return &Cache{entries: entries} }

func TestAssign(t *testing.T) {
	have := []Entry{{2, 0}, {5, 10}}
	for _, tc := range []struct {
		epoch   int32
		start   int64
		changed bool
		want    []Entry
	}{
		{5, 10, false, have},
		{5, 12, false, have}, // the start of an epoch is where it was first seen
		{5, 8, true, []Entry{{2, 0}, {5, 8}}},
		{7, 20, true, []Entry{{2, 0}, {5, 10}, {7, 20}}},
		{7, 10, true, []Entry{{2, 0}, {7, 10}}}, // epoch 5 never wrote anything
		{7, 4, true, []Entry{{2, 0}, {7, 4}}},
		{3, 20, true, []Entry{{2, 0}, {3, 20}}}, // a later word about an older epoch
		{1, 0, true, []Entry{{1, 0}}},
		{-1, 20, false, have},
		{8, -1, false, have},
	} {
		c := cacheOf(slices.Clone(have)...)
		if got := c.Assign(tc.epoch, tc.start); got != tc.changed || !slices.Equal(c.Entries(), tc.want) {
			t.Errorf("Assign(%d, %d) = %v, entries %v; want %v, %v", tc.epoch, tc.start, got, c.Entries(), tc.changed, tc.want)
		}
	}
}

// The answers are those of OffsetsForLeaderEpoch in KIP-279.
func TestEndOffsetFor(t *testing.T) {
	c := cacheOf(Entry{2, 5}, Entry{4, 10}, Entry{7, 30})
	for _, tc := range []struct {
		ask, epoch int32
		end        int64
	}{
		{-1, base.NoEpoch, base.NoOffset},
		{1, 1, 5}, // already deleted: the asker goes on from our start
		{2, 2, 10},
		{3, 2, 10}, // unknown here: the one before it
		{4, 4, 30},
		{6, 4, 30},
		{7, 7, 99}, // current: the log end
		{8, base.NoEpoch, base.NoOffset},
	} {
		if epoch, end := c.EndOffsetFor(tc.ask, 99); epoch != tc.epoch || end != tc.end {
			t.Errorf("EndOffsetFor(%d) = %d, %d; want %d, %d", tc.ask, epoch, end, tc.epoch, tc.end)
		}
	}
	if epoch, end := new(Cache).EndOffsetFor(3, 99); epoch != base.NoEpoch || end != base.NoOffset {
		t.Errorf("an empty cache answered %d, %d", epoch, end)
	}
}

func TestTruncate(t *testing.T) {
	all := []Entry{{2, 5}, {4, 10}, {7, 30}}
	for _, tc := range []struct {
		end     int64
		changed bool
		want    []Entry
	}{
		{31, false, all},
		{30, true, []Entry{{2, 5}, {4, 10}}},
		{11, true, []Entry{{2, 5}, {4, 10}}},
		{10, true, []Entry{{2, 5}}},
		{0, true, nil},
	} {
		c := cacheOf(slices.Clone(all)...)
		if got := c.TruncateFromEnd(tc.end); got != tc.changed || !slices.Equal(c.Entries(), tc.want) {
			t.Errorf("TruncateFromEnd(%d) = %v, %v", tc.end, got, c.Entries())
		}
	}
	for _, tc := range []struct {
		start   int64
		changed bool
		want    []Entry
	}{
		{4, false, all},
		{5, false, all},
		{6, true, []Entry{{2, 6}, {4, 10}, {7, 30}}},
		{10, true, []Entry{{4, 10}, {7, 30}}},
		{29, true, []Entry{{4, 29}, {7, 30}}},
		{50, true, []Entry{{7, 50}}},
	} {
		c := cacheOf(slices.Clone(all)...)
		if got := c.TruncateFromStart(tc.start); got != tc.changed || !slices.Equal(c.Entries(), tc.want) {
			t.Errorf("TruncateFromStart(%d) = %v, %v", tc.start, got, c.Entries())
		}
	}
}

// The oracle keeps the epoch of every single offset.
func TestAgainstEpochPerOffset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Cache
		var epochs []int32 // by offset
		start, current := 0, int32(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "op") {
			case 0:
				current += int32(rapid.IntRange(0, 3).Draw(t, "bump"))
			case 1, 2:
				for range rapid.IntRange(1, 4).Draw(t, "records") {
					c.Assign(current, int64(len(epochs)))
					epochs = append(epochs, current)
				}
			case 3:
				to := rapid.IntRange(start, len(epochs)).Draw(t, "truncate")
				epochs = epochs[:to]
				c.TruncateFromEnd(int64(to))
			case 4:
				start = rapid.IntRange(start, len(epochs)).Draw(t, "delete")
				c.TruncateFromStart(int64(start))
			}
			checkAgainst(t, &c, epochs, start)
		}
	})
}

func checkAgainst(t *rapid.T, c *Cache, epochs []int32, start int) {
	for off := start; off < len(epochs); off++ {
		if got, ok := c.EpochAt(int64(off)); !ok || got != epochs[off] {
			t.Fatalf("EpochAt(%d) = %d, %v; want %d (%v)", off, got, ok, epochs[off], c.Entries())
		}
		// Where an epoch with records ended is where the next larger one begins.
		end := off + 1
		for end < len(epochs) && epochs[end] == epochs[off] {
			end++
		}
		if ep, got := c.EndOffsetFor(epochs[off], int64(len(epochs))); ep != epochs[off] || got != int64(end) {
			t.Fatalf("EndOffsetFor(%d) = %d, %d; want end %d (%v)", epochs[off], ep, got, end, c.Entries())
		}
	}
	again, err := Parse(c.Encode())
	if err != nil || !slices.Equal(again.Entries(), c.Entries()) {
		t.Fatalf("%q reads back as %v, %v", c.Encode(), again.Entries(), err)
	}
}

func TestFileFormat(t *testing.T) {
	const text = "0\n2\n4 0\n7 1841\n"
	c, err := Parse([]byte(text))
	if err != nil || !slices.Equal(c.Entries(), []Entry{{4, 0}, {7, 1841}}) || string(c.Encode()) != text {
		t.Fatalf("%v, %v, %q", c.Entries(), err, c.Encode())
	}
	for _, bad := range []string{
		"0\n2\n4 0\n4 5\n", "0\n2\n4 5\n7 5\n", "0\n2\n7 0\n4 5\n", "0\n1\n-1 0\n", "0\n1\n1 -2\n",
		"0\n1\n2147483648 0\n", "0\n1\n1\n", "1\n0\n",
	} {
		var fe *checkpoint.FormatError
		if _, err := Parse([]byte(bad)); !errors.As(err, &fe) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("0\n2\n4 0\n7 1841\n"))
	f.Add([]byte("0\n0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		if got := c.Encode(); string(got) != string(data) {
			t.Fatalf("%q was read but is written as %q", data, got)
		}
		for i, e := range c.entries {
			if i > 0 && (e.Epoch <= c.entries[i-1].Epoch || e.Start <= c.entries[i-1].Start) {
				t.Fatalf("entries do not rise: %v", c.entries)
			}
		}
	})
}

func BenchmarkEpochAt(b *testing.B) {
	var c Cache
	for i := range int32(100) {
		c.Assign(i, int64(i)*1000)
	}
	for b.Loop() {
		if _, ok := c.EpochAt(55_555); !ok {
			b.Fatal(fmt.Errorf("not found"))
		}
	}
}
