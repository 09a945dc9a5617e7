package commitlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/vfs"
)

// threeEpochs is a log of one segment with epochs 0, 1 and 2, ten records each.
func threeEpochs(t *testing.T, d *Dir) *Log {
	t.Helper()
	l := mustRoomyLog(t, d)
	for i := range 30 {
		if _, err := l.Append(makeBatch(1, 10, 1), AppendOptions{LeaderEpoch: int32(i / 10)}); err != nil {
			t.Fatal(err)
		}
	}
	mustFlush(t, l)
	return l
}

// TestEpochsFollowTheLogStart: as in Kafka, the epoch that contains the new start
// begins there, whether or not a segment goes, and after a restart of any kind.
func TestEpochsFollowTheLogStart(t *testing.T) {
	mem := vfs.NewMem()
	d := mustOpen(t, testOptions(mem))
	l := threeEpochs(t, d)
	const before = "[{0 0} {1 10} {2 20}]"
	if got := fmt.Sprint(l.Epochs()); got != before {
		t.Fatal(got)
	}
	for _, c := range []struct {
		start int64
		want  string
	}{{3, "[{0 3} {1 10} {2 20}]"}, {10, "[{1 10} {2 20}]"}, {15, "[{1 15} {2 20}]"}, {30, "[{2 30}]"}} {
		if err := l.SetStartOffset(c.start); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(l.Epochs()); got != c.want {
			t.Errorf("start %d: %s, want %s", c.start, got, c.want)
		}
		data, err := vfs.ReadFile(mem, "/data/"+testTP.String()+"/"+epoch.FileName)
		if err != nil || string(data) != encodeEpochs(l.Epochs()) {
			t.Errorf("start %d: the file says %q, %v", c.start, data, err)
		}
	}
	if asked, end := l.EndOffsetForEpoch(0); asked != 0 || end != 30 {
		t.Errorf("epoch 0 ended at %d, %d", asked, end)
	}
	mustClose(t, d)
	d = mustOpen(t, testOptions(mem))
	if got := fmt.Sprint(mustRoomyLog(t, d).Epochs()); got != "[{2 30}]" {
		t.Errorf("after a restart: %s", got)
	}
	mustClose(t, d)
}

func encodeEpochs(entries []epoch.Entry) string {
	c := epoch.CacheOf(entries)
	return string(c.Encode())
}

// A power loss may bring back a file that was not trimmed, or take the file.
func TestEpochsFollowTheLogStartInRecovery(t *testing.T) {
	mem := vfs.NewMem()
	d := mustOpen(t, testOptions(mem))
	defer mustClose(t, d)
	l := threeEpochs(t, d)
	if err := l.SetStartOffset(15); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"an old file": []byte(encodeEpochs([]epoch.Entry{{Epoch: 0, Start: 0}, {Epoch: 1, Start: 10}, {Epoch: 2, Start: 20}})),
		"no file":     nil,
	} {
		crashed := mem.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
		file := "/data/" + testTP.String() + "/" + epoch.FileName
		if err := crashed.Remove(file); err != nil {
			t.Fatal(err)
		}
		if data != nil {
			if err := writeFile(crashed, file, data); err != nil {
				t.Fatal(err)
			}
		}
		again := mustOpen(t, testOptions(crashed))
		if got := fmt.Sprint(mustRoomyLog(t, again).Epochs()); got != "[{1 15} {2 20}]" {
			t.Errorf("%s: %s", name, got)
		}
		mustClose(t, again)
	}
}

// epochSegment is a segment of batches of one record, with their leader epochs.
type epochSegment struct {
	base   int64
	epochs []int32
	torn   bool // half a batch follows
}

func (e epochSegment) content() []byte {
	var data []byte
	for i, n := range e.epochs {
		b := makeBatch(1, 50, 100)
		b.SetBaseOffset(e.base + int64(i))
		b.SetLeaderEpoch(n)
		data = append(data, b...)
	}
	if e.torn {
		data = append(data, makeBatch(1, 50, 100)[:100]...)
	}
	return data
}

// No checksum covers a leader epoch. A log whose batches contradict each other
// is quarantined before anything of it is cut, if there is no file to ask. With
// the file the batch that it contradicts is left to whoever reads there.
func TestEpochsOfBatchesAreRecovered(t *testing.T) {
	one := func(epochs ...int32) []epochSegment { return []epochSegment{{0, epochs, true}} }
	for _, c := range []struct {
		name     string
		segs     []epochSegment
		frontier int64 // -1: not known
		file     []epoch.Entry
		end      int64
		epochs   string // or the reason of the quarantine
	}{
		{"rising", one(3, 3, 5, 5), 3, nil, 4, "[{3 0} {5 2}]"},
		{"rising, nothing durable", one(3, 3, 5, 5), 0, nil, 4, "[{3 0} {5 2}]"},
		{"rising, all whole batches durable", one(3, 3, 5, 5), 4, nil, 4, "[{3 0} {5 2}]"},
		{"rising, the file is old", one(3, 3, 5, 5), 2, []epoch.Entry{{Epoch: 3}}, 4, "[{3 0} {5 2}]"},
		{"falls above the frontier", one(3, 3, 5, 5, 4, 5), 3, nil, 0, "leader epoch 4 after 5"},
		{"falls, nothing durable", one(3, 3, 5, 5, 4, 5), 0, nil, 0, "leader epoch 4 after 5"},
		{"falls below the frontier", one(3, 3, 5, 5, 4, 5), 5, nil, 0, "leader epoch 4 after 5"},
		{"falls, nobody knows the frontier", one(3, 3, 5, 5, 4, 5), -1, nil, 0, "leader epoch 4 after 5"},
		{"falls above the frontier, the file knows better", one(3, 3, 5, 5, 4, 5), 3, []epoch.Entry{{Epoch: 3}, {Epoch: 5, Start: 2}}, 6, "[{3 0} {5 2}]"},
		{"falls below the frontier, the file knows better", one(3, 3, 5, 5, 4, 5), 5, []epoch.Entry{{Epoch: 3}, {Epoch: 5, Start: 2}}, 6, "[{3 0} {5 2}]"},
		{"raised below the frontier, the file knows better", one(3, 3, 9, 3, 3, 3), 3, []epoch.Entry{{Epoch: 3}}, 6, "[{3 0}]"},
		{"raised below the frontier", one(3, 3, 9, 3, 3, 3), 3, nil, 0, "leader epoch 3 after 9"},
		{"raised above the frontier", one(3, 3, 3, 9, 3, 3), 3, nil, 0, "leader epoch 3 after 9"},
		{"raised above the frontier, with the file", one(3, 3, 3, 9, 3, 3), 3, []epoch.Entry{{Epoch: 3}}, 0, "leader epoch 3 after 9"},
		{"a torn end before other segments", []epochSegment{{0, []int32{3, 3, 5, 7}, true}, {5, []int32{7}, false}}, 1, nil, 4, "[{3 0} {5 2} {7 3}]"},
		{"the same, with a file", []epochSegment{{0, []int32{3, 3, 5, 7}, true}, {5, []int32{7}, false}}, 1, []epoch.Entry{{Epoch: 3}}, 4, "[{3 0} {5 2} {7 3}]"},
		{"a torn segment behind the frontier", []epochSegment{{0, []int32{3, 3}, false}, {2, nil, true}}, 2, nil, 2, "[{3 0}]"},
		{"three segments", []epochSegment{{0, []int32{3, 3}, false}, {2, []int32{4, 4}, false}, {4, []int32{5}, true}}, 3, nil, 5, "[{3 0} {4 2} {5 4}]"},
		{"falls in the second of three", []epochSegment{{0, []int32{3, 3}, false}, {2, []int32{4, 2}, false}, {4, []int32{5}, true}}, 1, nil, 0, "leader epoch 2 after 4"},
		{"falls in a segment that is durable", []epochSegment{{0, []int32{3, 2}, false}, {2, []int32{4, 4}, false}, {4, []int32{5}, true}}, 4, nil, 0, "leader epoch 2 after 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			end, epochs, err := recoverEpochLog(t, c.segs, c.file, c.frontier)
			if c.end > 0 {
				if err != nil || end != c.end || epochs != c.epochs {
					t.Fatalf("end %d, epochs %s, %v", end, epochs, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.epochs) {
				t.Fatalf("end %d, epochs %s, %v", end, epochs, err)
			}
		})
	}
}

// recoverEpochLog recovers a log of these segments. An error is a quarantine that
// has left every byte in place.
func recoverEpochLog(t rapid.TB, segs []epochSegment, file []epoch.Entry, frontier int64) (end int64, epochs string, err error) {
	t.Helper()
	mem := vfs.NewMem()
	d, err := OpenDir(context.Background(), testOptions(mem))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	l := newLog(d, testTP, testID)
	files := map[string]string{}
	for _, s := range segs {
		files[segmentPath(l.path, s.base, suffixLog)] = string(s.content())
	}
	if file != nil {
		files[l.path+"/"+epoch.FileName] = encodeEpochs(file)
	}
	if err := mem.MkdirAll(l.path); err != nil {
		t.Fatal(err)
	}
	for path, data := range files {
		if err := writeFile(mem, path, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.writeMeta(testID); err != nil {
		t.Fatal(err)
	}
	durable := max(frontier, 0)
	err = d.recoverInto(l, recoveryHints{frontier: durable, boundary: durable, known: frontier >= 0})
	if err == nil {
		defer l.abandon(ErrClosed)
		return l.EndOffset(), fmt.Sprint(l.Epochs()), nil
	}
	if !errors.Is(err, ErrQuarantined) {
		t.Fatal(err)
	}
	for path, before := range files {
		if after, rerr := vfs.ReadFile(mem, path); rerr != nil || string(after) != before {
			t.Fatalf("%s was changed, %d of %d bytes are left (%v): %v", path, len(after), len(before), err, rerr)
		}
	}
	return 0, "", err
}

// Whatever the epochs say, a whole batch that continues the log is never cut:
// it may have been acknowledged.
func TestNoBatchIsCutForItsEpoch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var segs []epochSegment
		next := int64(0)
		for range rapid.IntRange(1, 3).Draw(t, "segments") {
			s := epochSegment{base: next, epochs: rapid.SliceOfN(rapid.Int32Range(0, 4), 1, 4).Draw(t, "epochs")}
			segs, next = append(segs, s), next+int64(len(s.epochs))
		}
		segs[len(segs)-1].torn = rapid.Bool().Draw(t, "torn")
		var file []epoch.Entry
		if rapid.Bool().Draw(t, "file") {
			var c epoch.Cache
			c.Assign(rapid.Int32Range(0, 2).Draw(t, "first epoch"), 0)
			c.Assign(rapid.Int32Range(2, 4).Draw(t, "second epoch"), rapid.Int64Range(1, next).Draw(t, "from"))
			file = c.Entries()
		}
		frontier := rapid.Int64Range(-1, next).Draw(t, "frontier")
		if end, epochs, err := recoverEpochLog(t, segs, file, frontier); err == nil && end != next {
			t.Fatalf("%d of %d batches are left, epochs %s", end, next, epochs)
		}
	})
}

// A log that a clean shutdown described is verified when its file has grown
// meanwhile. The manifest knew its epochs; they are no witness against the
// batches.
func TestEpochsAreRebuiltBesideTheManifest(t *testing.T) {
	mem := vfs.NewMem()
	d := mustOpen(t, testOptions(mem))
	l := threeEpochs(t, d)
	want, segment := fmt.Sprint(l.Epochs()), segmentPath(l.path, 0, suffixLog)
	mustClose(t, d)
	if err := mem.Remove(l.path + "/" + epoch.FileName); err != nil {
		t.Fatal(err)
	}
	data, err := vfs.ReadFile(mem, segment)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(mem, segment, append(data, 1, 2, 3)); err != nil {
		t.Fatal(err)
	}
	d = mustOpen(t, testOptions(mem))
	defer mustClose(t, d)
	l = mustRoomyLog(t, d)
	if _, err := l.Append(makeBatch(1, 10, 1), AppendOptions{LeaderEpoch: 2}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(l.Epochs()); l.EndOffset() != 31 || got != want {
		t.Errorf("end %d, epochs %s, want 31 and %s", l.EndOffset(), got, want)
	}
}
