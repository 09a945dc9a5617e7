package txnindex

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

func entry(pid, first, last, lso int64) Entry {
	return Entry{ProducerID: pid, FirstOffset: first, LastOffset: last, LastStableOffset: lso}
}

func TestByteLayout(t *testing.T) {
	want := "\x00\x00" + "\x00\x00\x00\x00\x00\x00\x03\xe9" + "\x00\x00\x00\x00\x00\x00\x00\x0a" +
		"\x00\x00\x00\x00\x00\x00\x00\x14" + "\x00\x00\x00\x00\x00\x00\x00\x0c"
	if got := string(entry(1001, 10, 20, 12).AppendTo(nil)); got != want || len(got) != EntrySize {
		t.Fatalf("% x", got)
	}
}

func TestParseDamage(t *testing.T) {
	good := Encode([]Entry{entry(1, 10, 20, 15), entry(2, 15, 30, 31)})
	if got, err := Parse(good, 20); err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	for name, bad := range map[string][]byte{
		"torn":              good[:40],
		"version":           append([]byte{0, 1}, good[2:]...),
		"marker backwards":  Encode([]Entry{entry(1, 10, 20, 15), entry(2, 15, 20, 21)}),
		"before segment":    Encode([]Entry{entry(1, 10, 19, 15)}),
		"first after last":  Encode([]Entry{entry(1, 21, 20, 15)}),
		"negative first":    Encode([]Entry{entry(1, -1, 20, 15)}),
		"negative producer": Encode([]Entry{entry(-1, 1, 20, 15)}),
		"lso after marker":  Encode([]Entry{entry(1, 1, 20, 22)}),
		"negative lso":      Encode([]Entry{entry(1, 1, 20, -1)}),
	} {
		var ce *CorruptError
		if _, err := Parse(bad, 20); !errors.As(err, &ce) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A history of transactions is appended as a log would; Collect must agree with
// a look at every transaction.
func TestCollectMatchesFullScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := vfs.NewMem()
		x := New(m, "i", 0)
		var all []Entry
		open := map[int64]int64{} // producer → first offset
		off := int64(0)
		for range rapid.IntRange(0, 60).Draw(t, "batches") {
			pid := rapid.Int64Range(1, 4).Draw(t, "pid")
			first, isOpen := open[pid]
			if !isOpen {
				open[pid] = off
			} else if rapid.Bool().Draw(t, "end") {
				delete(open, pid)
				lso := off + 1
				for _, f := range open {
					lso = min(lso, f)
				}
				if rapid.Bool().Draw(t, "abort") {
					all = append(all, entry(pid, first, off, lso))
					if err := x.Append(all[len(all)-1]); err != nil {
						t.Fatal(err)
					}
				}
			}
			off++
		}
		if rapid.Bool().Draw(t, "reopen") {
			x = New(m, "i", 0)
		}
		cut := rapid.Int64Range(0, off+1).Draw(t, "truncate")
		if err := x.Truncate(cut); err != nil {
			t.Fatal(err)
		}
		all = slices.DeleteFunc(all, func(e Entry) bool { return e.LastOffset >= cut })
		from := rapid.Int64Range(0, off).Draw(t, "from")
		upTo := rapid.Int64Range(from, off+1).Draw(t, "upTo")
		got, done, err := x.Collect(from, upTo)
		if err != nil {
			t.Fatal(err)
		}
		var want []Entry
		for _, e := range all {
			if e.LastOffset >= from && e.FirstOffset < upTo {
				want = append(want, e)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("Collect(%d, %d) = %v, want %v", from, upTo, got, want)
		}
		if done && !slices.ContainsFunc(all, func(e Entry) bool { return e.LastStableOffset >= upTo }) {
			t.Fatal("search ended although later segments may matter")
		}
	})
}

func TestNoFileUntilAborted(t *testing.T) {
	m := vfs.NewMem()
	x := New(m, "i", 5)
	if got, done, err := x.Collect(0, 100); got != nil || done || err != nil {
		t.Fatal(got, done, err)
	}
	if err := errors.Join(x.Sync(), x.Reset(), x.Truncate(0), x.Check()); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Stat("i"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("reading created the file")
	}
	if err := x.Append(entry(1, 0, 4, 5)); err == nil {
		t.Fatal("an entry of an earlier segment was taken")
	}
	if err := errors.Join(x.Append(entry(1, 0, 5, 6)), x.Sync()); err != nil {
		t.Fatal(err)
	}
	if err := x.Append(entry(1, 0, 5, 6)); err == nil {
		t.Fatal("the same marker was taken twice")
	}
}

func TestResetMoveRelease(t *testing.T) {
	m := vfs.NewMem()
	x := New(m, "i", 0)
	if err := errors.Join(x.Append(entry(1, 0, 5, 6)), m.Rename("i", "j")); err != nil {
		t.Fatal(err)
	}
	x.Moved("j")
	x.Release()
	if got, _, err := x.Collect(0, 10); err != nil || len(got) != 1 || x.Name() != "j" {
		t.Fatal(got, err)
	}
	f, err := m.Open("j")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{9}, 0); err != nil {
		t.Fatal(err)
	}
	var ce *CorruptError
	if err := x.Check(); !errors.As(err, &ce) {
		t.Fatalf("damage was not seen: %v", err)
	}
	if err := errors.Join(x.Reset(), x.Check(), x.Append(entry(1, 0, 3, 4))); err != nil {
		t.Fatalf("a reset index must work whatever the file held: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Encode([]Entry{entry(1, 10, 20, 15), entry(2, 15, 30, 31)}), int64(20))
	f.Add([]byte{0, 0, 1}, int64(0))
	f.Fuzz(func(t *testing.T, data []byte, base int64) {
		entries, err := Parse(data, base)
		if err != nil {
			return
		}
		if got := Encode(entries); string(got) != string(data) {
			t.Fatalf("read % x, wrote % x", data, got)
		}
	})
}

// TestAppendReadsTheEndOnly: appending costs the same however long the file is.
func TestAppendReadsTheEndOnly(t *testing.T) {
	disk := faultfs.New(vfs.NewMem())
	for i := range int64(1000) {
		// Another Index each time, as after a restart.
		if err := New(disk, "i", 0).Append(entry(1, i, i, i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := disk.Count(faultfs.Read); n > 1000 {
		t.Errorf("%d reads for 1000 appends", n)
	}
	x := New(disk, "i", 0)
	before := disk.Count(faultfs.Read)
	for i := range int64(10) {
		if err := x.Append(entry(1, 1000+2*i, 1000+2*i, 0), entry(1, 1001+2*i, 1001+2*i, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if n := disk.Count(faultfs.Read) - before; n != 1 {
		t.Errorf("%d reads for ten more", n)
	}
	disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Read}, Do: faultfs.EIO})
	if err := x.Append(entry(1, 1019, 1019, 0)); err == nil {
		t.Error("an entry that does not follow was taken")
	}
	disk.Clear()
	if found, _, err := x.Collect(0, 5000); err != nil || len(found) != 1020 {
		t.Errorf("%d entries, %v", len(found), err)
	}
}
