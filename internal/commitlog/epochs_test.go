package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

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

// A leader epoch that falls is damage that no checksum shows. Above the frontier
// it ends the log like a torn write; below it the log is quarantined before
// anything of it is cut, or, if the file with the epochs is there, kept whole for
// the reader that meets the batch.
func TestAFallingEpoch(t *testing.T) {
	for _, c := range []struct {
		name     string
		frontier int64
		known    bool
		file     bool // leader-epoch-checkpoint is there
		end      int64
		epochs   string // empty: quarantined
	}{
		{"never durable", 3, true, false, 4, "[{3 0} {5 2}]"},
		{"never durable, with the file", 3, true, true, 4, "[{3 0} {5 2}]"},
		{"nothing durable", 0, true, false, 4, "[{3 0} {5 2}]"},
		{"durable", 5, true, false, 0, ""},
		{"durable, with the file", 5, true, true, 6, "[{3 0} {5 2}]"},
		{"nobody knows", 0, false, false, 0, ""},
		{"nobody knows, with the file", 0, false, true, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewMem()
			d := mustOpen(t, testOptions(mem))
			defer mustClose(t, d)
			l := newLog(d, testTP, testID)
			var data []byte
			for i, e := range []int32{3, 3, 5, 5, 4, 5} {
				b := makeBatch(1, 50, 100)
				b.SetBaseOffset(int64(i))
				b.SetLeaderEpoch(e)
				data = append(data, b...)
			}
			data = append(data, data[:100]...) // torn
			if err := mem.MkdirAll(l.path); err != nil {
				t.Fatal(err)
			}
			segment := segmentPath(l.path, 0, suffixLog)
			if err := writeFile(mem, segment, data); err != nil {
				t.Fatal(err)
			}
			if err := l.writeMeta(testID); err != nil {
				t.Fatal(err)
			}
			if c.file {
				cp := encodeEpochs([]epoch.Entry{{Epoch: 3, Start: 0}, {Epoch: 5, Start: 2}})
				if err := writeFile(mem, l.path+"/"+epoch.FileName, []byte(cp)); err != nil {
					t.Fatal(err)
				}
			}
			err := d.recoverInto(l, recoveryHints{frontier: c.frontier, boundary: c.frontier, known: c.known})
			after, rerr := vfs.ReadFile(mem, segment)
			if rerr != nil {
				t.Fatal(rerr)
			}
			if c.epochs == "" {
				if !errors.Is(err, ErrQuarantined) || !strings.Contains(err.Error(), "leader epoch 4 after 5") || !bytes.Equal(after, data) {
					t.Fatalf("%v, %d of %d bytes left", err, len(after), len(data))
				}
				return
			}
			if err != nil || l.EndOffset() != c.end || fmt.Sprint(l.Epochs()) != c.epochs {
				t.Fatalf("end %d, epochs %v, %v", l.EndOffset(), l.Epochs(), err)
			}
			l.abandon(ErrClosed)
		})
	}
}
