package commitlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// rotRig is a disk with one log of several segments, epochs and producers, and
// what the log holds.
type rotRig struct {
	disk  *vfs.Mem
	clean bool // closed, else killed
	want  []record.Batch
	end   int64
	times []int64 // of the records, by offset
}

func newRotRig(t *testing.T, clean bool) *rotRig {
	t.Helper()
	r := &rotRig{disk: vfs.NewMem(), clean: clean}
	d := mustOpen(t, testOptions(r.disk))
	l := mustLog(t, d, testConfig())
	now := time.Now().UnixMilli()
	for i := range 30 {
		b := record.NewBuilder(record.BuilderOptions{Idempotent: true, ProducerID: int64(i % 2), BaseSequence: int32(i / 2 * 2)})
		for j := range 2 {
			ts := now + int64(100*i+10*j)
			b.Append(ts, []byte("k"), bytes.Repeat([]byte{byte(i)}, 100))
			r.times = append(r.times, ts)
		}
		batch := b.Build()
		if _, err := l.Append(batch, AppendOptions{LeaderEpoch: int32(i / 10), NowMs: 1}); err != nil {
			t.Fatal(err)
		}
		r.want = append(r.want, batch)
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	r.end = l.EndOffset()
	if !clean {
		if err := d.frontier.set(l, r.end); err != nil {
			t.Fatal(err)
		}
		d.checkpoint()
		left := r.disk.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
		mustClose(t, d)
		r.disk = left
		return r
	}
	mustClose(t, d)
	return r
}

// files lists every file with its size.
func (r *rotRig) files(t *testing.T) map[string]int64 {
	out := map[string]int64{}
	for _, dir := range []string{"/data", "/data/orders-0"} {
		names, err := r.disk.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range names {
			if info, err := r.disk.Stat(filepath.Join(dir, e.Name)); err == nil && !e.IsDir && e.Name != lockFile {
				out[filepath.Join(dir, e.Name)] = info.Size
			}
		}
	}
	return out
}

// damage applies f to a file of a copy of the disk.
func (r *rotRig) damage(t *testing.T, name string, f func(vfs.File) error) *vfs.Mem {
	t.Helper()
	disk := r.disk.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
	file, err := disk.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := f(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return disk
}

func flipByte(pos int64, mask byte) func(vfs.File) error {
	return func(f vfs.File) error {
		var b [1]byte
		if _, err := f.ReadAt(b[:], pos); err != nil {
			return err
		}
		b[0] ^= mask
		_, err := f.WriteAt(b[:], pos)
		return err
	}
}

// check opens a damaged disk. Data may be missing with an error that says so,
// but what is served is right and nothing durable is cut. Unless the log's data
// itself was damaged all of it must be there.
func (r *rotRig) check(disk *vfs.Mem, dataDamaged bool) error {
	before, err := treeOf(disk)
	if err != nil {
		return err
	}
	d, err := OpenDir(context.Background(), testOptions(disk))
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer d.Close()
	l, err := d.OpenLog(testTP, testID, testConfig())
	if err == nil {
		err = r.readRight(l)
	}
	if err != nil && (!dataDamaged || !saysDamaged(err)) {
		return err
	}
	return keepsData(disk, before, !dataDamaged || err == nil)
}

func saysDamaged(err error) bool {
	_, corrupt := errors.AsType[*CorruptionError](err)
	_, id := errors.AsType[*TopicIDError](err)
	return corrupt || id || errors.Is(err, ErrQuarantined)
}

// readRight reads everything in several ways; what comes must be right.
func (r *rotRig) readRight(l *Log) error {
	if l.EndOffset() != r.end || l.StartOffset() != 0 {
		return fmt.Errorf("log from %d to %d, want 0 to %d", l.StartOffset(), l.EndOffset(), r.end)
	}
	var damage error
	for from := int64(0); from < r.end; from += 7 {
		got, err := readAll(l, from, 400)
		if err != nil && !saysDamaged(err) {
			return err
		}
		damage = errors.Join(damage, err)
		if want := between(r.want, from, r.end); !bytes.HasPrefix(want, got) || err == nil && len(got) != len(want) {
			return fmt.Errorf("read from %d: %d bytes, want %d: wrong data", from, len(got), len(want))
		}
	}
	for offset, ts := range r.times {
		if offset%7 != 0 && offset%30 != 2 {
			continue
		}
		got, ok, err := l.OffsetForTimestamp(ts)
		if err != nil && !saysDamaged(err) {
			return err
		}
		damage = errors.Join(damage, err)
		if err == nil && (!ok || got.Offset != int64(offset)) {
			return fmt.Errorf("lookup of %d: %+v %v, want %d", ts, got, ok, offset)
		}
	}
	if damage != nil {
		return damage
	}
	return r.stateRight(l)
}

// stateRight compares what is derived from the log.
func (r *rotRig) stateRight(l *Log) error {
	for i, b := range r.want[len(r.want)-2:] {
		a, err := l.Append(bytes.Clone(b), AppendOptions{NowMs: 1})
		if err != nil || !a.Duplicate || a.First != b.BaseOffset() {
			return fmt.Errorf("retry %d: %+v, %w", i, a, err)
		}
	}
	for _, b := range r.want {
		if e, ok := l.EpochAt(b.BaseOffset()); !ok || e != b.LeaderEpoch() {
			return fmt.Errorf("epoch at %d is %d %v, want %d", b.BaseOffset(), e, ok, b.LeaderEpoch())
		}
	}
	return nil
}

// treeOf reads the segment files of a disk.
func treeOf(disk *vfs.Mem) (map[string][]byte, error) {
	names, err := disk.List("/data/orders-0")
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, e := range names {
		if strings.HasSuffix(e.Name, suffixLog) {
			name := filepath.Join("/data/orders-0", e.Name)
			if out[name], err = vfs.ReadFile(disk, name); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// keepsData makes sure that no segment file was touched.
func keepsData(disk *vfs.Mem, before map[string][]byte, healthy bool) error {
	after, err := treeOf(disk)
	if err != nil {
		return err
	}
	for name, data := range before {
		if !bytes.Equal(after[name], data) {
			return fmt.Errorf("%s was changed (healthy log: %v)", name, healthy)
		}
	}
	return nil
}

func TestDamageIsNeverServedNorCutAway(t *testing.T) {
	for _, clean := range []bool{true, false} {
		t.Run(fmt.Sprintf("clean=%v", clean), func(t *testing.T) {
			r := newRotRig(t, clean)
			for name, size := range r.files(t) {
				t.Run(filepath.Base(name), func(t *testing.T) { r.damageEverywhere(t, name, size) })
			}
		})
	}
}

func (r *rotRig) damageEverywhere(t *testing.T, name string, size int64) {
	if filepath.Base(name) == "meta.properties" {
		return // identity is not derived: see TestDirectoryIdentity
	}
	// Besides the data itself, partition.metadata has no second source when there
	// is no manifest, and one batch against the epoch cache is a draw.
	data := strings.HasSuffix(name, suffixLog) ||
		!r.clean && (strings.HasSuffix(name, "partition.metadata") || strings.HasSuffix(name, "leader-epoch-checkpoint"))
	step := max(1, size/19)
	if data {
		step = max(1, size/41)
	}
	for pos := int64(0); pos < size; pos += step {
		mask := byte(1) << (pos % 8)
		if err := r.check(r.damage(t, name, flipByte(pos, mask)), data); err != nil {
			t.Fatalf("byte %d flipped: %v", pos, err)
		}
	}
	for _, cut := range []int64{0, 1, size / 2, size - 1} {
		if cut >= size || cut < 0 {
			continue
		}
		disk := r.damage(t, name, func(f vfs.File) error { return f.Truncate(cut) })
		if err := r.check(disk, data); err != nil {
			t.Fatalf("cut to %d of %d bytes: %v", cut, size, err)
		}
	}
	disk := r.disk.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
	if err := disk.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := r.check(disk, data); err != nil {
		t.Fatalf("removed: %v", err)
	}
}
