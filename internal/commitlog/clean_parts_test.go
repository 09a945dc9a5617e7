package commitlog

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/commitlog/txnindex"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

func TestKeyMapIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, want := newKeyMap(1<<30), map[string]int64{}
		keys := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.StringN(0, 4, 8).Draw(t, "key"), rapid.SampledFrom([]int{1, 1, 7, 40}).Draw(t, "times"))
		}), 0, 60).Draw(t, "keys")
		for i, k := range keys {
			if !m.put([]byte(k), int64(i), false) {
				t.Fatal("full")
			}
			want[k] = int64(i)
		}
		for _, k := range keys {
			if got := m.get([]byte(k)); got != want[k] {
				t.Fatalf("%q is at %d, want %d", k, got, want[k])
			}
		}
		if m.get([]byte("\x00 no such key")) != noKeyOffset || m.used != len(want) {
			t.Fatalf("%d keys, want %d", m.used, len(want))
		}
	})
}

// Keys with one hash stay apart: the table is searched with a hash that all of
// them share.
func TestKeyMapKeepsCollisionsApart(t *testing.T) {
	m := newKeyMap(1 << 30)
	for i := range 300 {
		stored, _ := m.prepare(fmt.Appendf(nil, "key-%d", i))
		at, found := m.locate(stored, 77)
		if found {
			t.Fatalf("key %d was taken for another one", i)
		}
		m.slots[at] = keySlot{hash: 77, ref: m.store(stored) + 1, offset: int64(i)}
	}
	for i := range 300 {
		stored, _ := m.prepare(fmt.Appendf(nil, "key-%d", i))
		if at, found := m.locate(stored, 77); !found || m.slots[at].offset != int64(i) {
			t.Fatalf("key %d is at %d", i, m.slots[at].offset)
		}
	}
}

func TestKeyMapStaysWithinItsBudget(t *testing.T) {
	for _, size := range []int{4, 40, 5000} {
		m := newKeyMap(4 << 20)
		n := 0
		for ; m.put(fmt.Appendf(nil, "%0*d", size, n), int64(n), false); n++ {
		}
		used := int64(len(m.slots)) * keySlotSize
		for _, c := range m.chunks {
			used += int64(cap(c))
		}
		if used > m.budget || used < m.budget/4 {
			t.Errorf("keys of %d bytes: %d of %d bytes used for %d keys", size, used, m.budget, n)
		}
		if !m.put(fmt.Appendf(nil, "%0*d", size, 0), 99, false) || m.get(fmt.Appendf(nil, "%0*d", size, 0)) != 99 {
			t.Error("a full map must still move known keys")
		}
		if !m.put([]byte("forced"), 100, true) || m.get([]byte("forced")) != 100 {
			t.Error("force must find room")
		}
	}
}

func ctl(kind record.ControlType, pid, offset int64) record.Batch {
	b := record.ControlBatch(kind, 0, pid, 0, 1)
	b.SetBaseOffset(offset)
	return b
}

func txnData(pid, offset int64) record.Batch {
	b := producerBatch(pid, 0, 0, true)
	b.SetBaseOffset(offset)
	return b
}

// The story of two producers; the second transaction of 1 commits.
func TestCleanTxns(t *testing.T) {
	entry := txnindex.Entry{ProducerID: 1, FirstOffset: 10, LastOffset: 20, LastStableOffset: 12}
	x := newCleanTxns([]txnindex.Entry{entry, entry})
	if x.data(txnData(1, 5)) || !x.data(txnData(1, 10)) || x.data(txnData(2, 12)) || !x.data(txnData(1, 15)) {
		t.Fatal("only the data of 1 from 10 on is aborted")
	}
	if free, e, err := x.control(ctl(record.Commit, 2, 18)); free || e != nil || err != nil {
		t.Fatal("the marker of a transaction with data must stay")
	}
	if free, e, err := x.control(ctl(record.Commit, 2, 19)); !free || e != nil || err != nil {
		t.Fatal("a marker without data may go")
	}
	x.committed = map[int64]struct{}{} // 5 had its own marker
	if free, e, err := x.control(ctl(record.Abort, 1, 20)); free || e == nil || *e != entry || err != nil {
		t.Fatal("the abort marker needs its index entry", free, e, err)
	}
	if x.data(txnData(1, 25)) {
		t.Fatal("the transaction had ended")
	}
	if _, _, err := x.control(ctl(record.Abort, 1, 30)); !errors.Is(err, errMissingAbort) {
		t.Fatal("an abort that no index knows must be noticed", err)
	}
}

// An entry left over after its marker had gone must not abort what comes later.
func TestCleanTxnsIgnoresStaleEntries(t *testing.T) {
	x := newCleanTxns([]txnindex.Entry{{ProducerID: 1, FirstOffset: 10, LastOffset: 20, LastStableOffset: 21}})
	if x.data(txnData(1, 30)) {
		t.Fatal("data behind the marker's place was taken for aborted")
	}
}

func TestGapsFile(t *testing.T) {
	for _, below := range []int64{1, 1841, math.MaxInt64 - 1} {
		data := encodeGaps(below)
		if parseGaps(data) != below {
			t.Errorf("%q", data)
		}
		for i := range data[:len(data)-1] {
			bad := slices.Clone(data)
			bad[i]++
			if parseGaps(bad) != gapsAnywhere {
				t.Errorf("%q was believed", bad)
			}
		}
	}
	if parseGaps(nil) != gapsAnywhere {
		t.Error("an empty file means anywhere")
	}
}

func FuzzParseGaps(f *testing.F) {
	f.Add([]byte("1841 5d0c3a7f\n"))
	f.Add(encodeGaps(77))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got := parseGaps(data); got != gapsAnywhere && !strings.HasPrefix(string(encodeGaps(got)), strings.TrimSuffix(string(data), "\n")) {
			t.Fatalf("%q reads as %d", data, got)
		}
	})
}

// putFile writes a file of a log directory.
func putFile(t *testing.T, fs vfs.FS, name string, data []byte) {
	t.Helper()
	if err := writeFile(fs, name, data); err != nil {
		t.Fatal(err)
	}
}

func segmentBytes(offsets ...int64) (data []byte) {
	for _, off := range offsets {
		b := makeBatch(1, 1, 1)
		b.SetBaseOffset(off)
		data = append(data, b...)
	}
	return data
}

// Every state in which a crash can leave a directory during a swap or a removal.
func TestFinishSwaps(t *testing.T) {
	type files map[string]string
	old, cleaned, later := string(segmentBytes(0, 1)), string(segmentBytes(0, 5)), string(segmentBytes(6, 7))
	const (
		a = "00000000000000000000"
		b = "00000000000000000003"
		c = "00000000000000000006"
	)
	for _, tc := range []struct {
		name       string
		have, want files
	}{
		{
			"not committed",
			files{a + ".log": old, b + ".log": "b", a + ".log.cleaned": "x", a + ".index.cleaned": "x", a + ".timeindex.swap": "x", c + ".log": later},
			files{a + ".log": old, b + ".log": "b", c + ".log": later},
		},
		{
			"committed",
			files{
				a + ".log": old, a + ".index": "old", a + ".txnindex": "old", b + ".log": "b", b + ".index": "b", b + ".snapshot": "b",
				b + ".txnindex": "b", c + ".log": later, c + ".index": "c", a + ".log.swap": cleaned, a + ".index.swap": "new",
				a + ".txnindex.cleaned": "new", "partition.metadata": "p",
			},
			files{a + ".log": cleaned, a + ".index": "new", a + ".txnindex": "new", c + ".log": later, c + ".index": "c", "partition.metadata": "p"},
		},
		{
			"old segments gone, index already in place",
			files{a + ".log": old, a + ".txnindex": "new", b + ".log.deleted": "b", a + ".log.swap": cleaned, c + ".log": later},
			files{a + ".log": cleaned, a + ".txnindex": "new", c + ".log": later},
		},
		{
			"removal",
			files{a + ".log.deleted": old, a + ".index.deleted": "x", c + ".log": later},
			files{c + ".log": later},
		},
		{
			"everything was superseded",
			files{a + ".log": old, b + ".log": "b", a + ".log.swap": ""},
			files{a + ".log": "", b + ".log": "b"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fs := vfs.NewMem()
			if err := fs.MkdirAll("/l"); err != nil {
				t.Fatal(err)
			}
			for name, data := range tc.have {
				putFile(t, fs, "/l/"+name, []byte(data))
			}
			for range 2 { // again changes nothing
				if _, err := finishSwaps(fs, "/l"); err != nil {
					t.Fatal(err)
				}
				names, err := listFiles(fs, "/l")
				if err != nil || len(names) != len(tc.want) {
					t.Fatalf("%v, %v; want %d files", names, err, len(tc.want))
				}
				for name, want := range tc.want {
					if got, err := vfs.ReadFile(fs, "/l/"+name); err != nil || string(got) != want {
						t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
					}
				}
			}
		})
	}
}

// A damaged swap file is not cut away, nor what it was to replace.
func TestFinishSwapsRefusesDamage(t *testing.T) {
	fs := vfs.NewMem()
	if err := fs.MkdirAll("/l"); err != nil {
		t.Fatal(err)
	}
	putFile(t, fs, "/l/00000000000000000000.log.swap", segmentBytes(0, 5)[:70])
	putFile(t, fs, "/l/00000000000000000000.log", segmentBytes(0))
	var damage *CorruptionError
	if _, err := finishSwaps(fs, "/l"); !errors.As(err, &damage) {
		t.Fatal(err)
	}
	if names, _ := listFiles(fs, "/l"); len(names) != 2 {
		t.Fatalf("left %v", names)
	}
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Dir{}
		d.Tune(Tuning{CleanerMaxBytesPerSec: 1000})
		c := &cleaner{d: d, stop: make(chan struct{}), window: time.Now()}
		began := time.Now()
		for range 100 {
			if err := c.throttle(50); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 4900*time.Millisecond || took > 5100*time.Millisecond {
			t.Errorf("5000 bytes at 1000 a second took %v", took)
		}
		close(c.stop)
		if err := c.throttle(1 << 30); !errors.Is(err, errCleanStopped) || time.Since(began) > 6*time.Second {
			t.Errorf("closing must end the wait: %v", err)
		}
	})
}
