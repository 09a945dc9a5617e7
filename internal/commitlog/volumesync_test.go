package commitlog

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// preferVolume makes every round use the volume, whatever it costs.
func preferVolume(d *Dir) {
	far := time.Now().AddDate(1, 0, 0)
	d.volume.from, d.volume.each, d.volume.triedEach, d.volume.triedW = 1, time.Hour, far, far
}

// roundOf appends a batch to n logs and makes them durable in one round.
func roundOf(t *testing.T, d *Dir, n int) []*Log {
	t.Helper()
	cfg := testConfig()
	cfg.Durable = false // the test flushes
	logs := make([]*Log, n)
	for i := range logs {
		l, err := d.OpenLog(base.TopicPartition{Topic: "orders", Partition: int32(i)}, testID, cfg)
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, makeBatch(3, 100, 1))
		logs[i] = l
	}
	d.flushers[laneDurable].round(logs)
	return logs
}

func volumeDir(t *testing.T, rules ...faultfs.Rule) (*Dir, *vfs.Mem, *faultfs.FS) {
	t.Helper()
	mem := vfs.NewMem()
	faults := faultfs.New(mem, rules...)
	o := testOptions(faults)
	o.MaxOpenFiles = 100 // no flush for want of files
	d := mustOpen(t, o)
	preferVolume(d)
	return d, mem, faults
}

func TestOneSyncMakesARoundDurable(t *testing.T) {
	d, mem, faults := volumeDir(t)
	faults.Record()
	logs := roundOf(t, d, 20)
	if n := faults.Count(faultfs.SyncAll); n != 1 {
		t.Errorf("%d volume syncs", n)
	}
	for _, c := range faults.Trace() {
		if c.Op == faultfs.Sync && strings.HasSuffix(c.Path, suffixLog) || c.Op == faultfs.SyncDir {
			t.Errorf("%s %s by %s beside it", c.Op, c.Path, c.Site)
		}
	}
	left := mustOpen(t, testOptions(mem.CrashClone(vfs.CrashOptions{})))
	defer mustClose(t, left)
	for _, l := range logs {
		if l.DurableOffset() != 3 || l.unsynced != 0 {
			t.Fatalf("%s: durable %d, debt %b", l.tp, l.DurableOffset(), l.unsynced)
		}
		if got := left.logs[l.tp]; got == nil || got.EndOffset() != 3 {
			t.Fatalf("%s did not survive", l.tp)
		}
	}
	mustClose(t, d)
}

// TestFailedVolumeSyncFallsBack: somebody else's file failed, and ours did not.
func TestFailedVolumeSyncFallsBack(t *testing.T) {
	d, mem, faults := volumeDir(t, faultfs.Rule{Ops: []faultfs.Op{faultfs.SyncAll}, Times: 1, Do: faultfs.EIO})
	logs := roundOf(t, d, 10)
	left := mustOpen(t, testOptions(mem.CrashClone(vfs.CrashOptions{})))
	defer mustClose(t, left)
	for _, l := range logs {
		if l.DurableOffset() != 3 || left.logs[l.tp] == nil || left.logs[l.tp].EndOffset() != 3 {
			t.Fatalf("%s: durable %d", l.tp, l.DurableOffset())
		}
	}
	roundOf(t, d, 10)
	if n := faults.Count(faultfs.SyncAll); n != 1 {
		t.Errorf("%d volume syncs, the first one failed", n)
	}
	if d.Offline() != nil {
		t.Error(d.Offline())
	}
	mustClose(t, d)
}

// TestFailedVolumeSyncOfOwnFile: one file of the round did fail. The directory
// goes offline, and its log is not called durable.
func TestFailedVolumeSyncOfOwnFile(t *testing.T) {
	for _, own := range []string{"orders-7/*.log", "orders-7", "orders-7/partition.metadata"} {
		d, _, _ := volumeDir(t,
			faultfs.Rule{Ops: []faultfs.Op{faultfs.SyncAll}, Do: faultfs.EIO},
			faultfs.Rule{Ops: []faultfs.Op{faultfs.Sync, faultfs.SyncDir}, Glob: own, Do: faultfs.EIO})
		logs := roundOf(t, d, 10)
		if err := d.Offline(); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s failed, and the directory is %v", own, err)
		}
		if at := logs[7].DurableOffset(); at != 0 {
			t.Errorf("%s failed, and %d is durable", own, at)
		}
		if err := d.Close(); err == nil {
			t.Error("a directory that failed was closed cleanly")
		}
	}
}

// TestBusyLogDoesNotHoldUpARound has somebody truncate a log while a round goes
// over it and others.
func TestBusyLogDoesNotHoldUpARound(t *testing.T) {
	d, _, _ := volumeDir(t)
	roundOf(t, d, 5)
	logs := make([]*Log, 0, 5)
	for _, l := range d.allLogs() {
		mustAppend(t, l, makeBatch(1, 10, 1))
		logs = append(logs, l)
	}
	logs[2].flushMu.Lock()
	f := d.flushers[laneDurable]
	busy := f.flushWhole(logs)
	if len(busy) != 1 || busy[0] != logs[2] || logs[2].DurableOffset() != 3 {
		t.Errorf("%d logs busy, durable %d", len(busy), logs[2].DurableOffset())
	}
	logs[2].flushMu.Unlock()
	if at := logs[3].DurableOffset(); at != 4 {
		t.Errorf("durable %d, want 4", at)
	}
	f.round(logs)
	if at := logs[2].DurableOffset(); at != 4 {
		t.Errorf("durable %d, want 4", at)
	}
	mustClose(t, d)
}

// TestVolumeScenarioSurvivesPowerLoss is the scenario of the crash tests with
// every flush made by the volume.
func TestVolumeScenarioSurvivesPowerLoss(t *testing.T) {
	r := newCrashRig(t, 300)
	r.opened = preferVolume
	r.mem.OnSync(r.point)
	if r.scenario(); r.err != nil {
		t.Fatal(r.err)
	}
	r.verify()
}

// TestVolumeFaults fails every sync of the volume in the scenario once, with
// nothing and with everything done.
func TestVolumeFaults(t *testing.T) {
	for i, do := range []faultfs.Action{faultfs.EIO, faultfs.ShortWrite(syscall.EIO)} {
		for n := 1; n < 6; n++ {
			r := newCrashRig(t, 310+uint64(i))
			r.opened = preferVolume
			faults := faultfs.New(r.mem, faultfs.Rule{Ops: []faultfs.Op{faultfs.SyncAll}, Nth: n, Times: 1, Do: do})
			r.fs = faults
			if r.scenario(); r.err != nil {
				t.Fatal(r.err)
			}
			r.point("at the end", "")
			r.verify()
		}
	}
}

// TestFailedDrainIsNotForgotten: the failure that a sync beside the rounds was
// told of may be of our file, so that no later sync of the volume counts.
func TestFailedDrainIsNotForgotten(t *testing.T) {
	d, _, faults := volumeDir(t,
		faultfs.Rule{Ops: []faultfs.Op{faultfs.SyncAll}, Times: 1, Do: faultfs.EIO},
		faultfs.Rule{Ops: []faultfs.Op{faultfs.Sync}, Glob: "orders-3/*.log", Do: faultfs.EIO})
	d.volume.drain()
	d.volume.drains.Wait()
	logs := roundOf(t, d, 10)
	if n := faults.Count(faultfs.SyncAll); n != 1 {
		t.Errorf("%d volume syncs", n)
	}
	if logs[3].DurableOffset() != 0 || d.Offline() == nil {
		t.Errorf("durable %d, offline %v", logs[3].DurableOffset(), d.Offline())
	}
	_ = d.Close() // fails, as it must
}

// fakeVolume has as much to write as the test says.
type fakeVolume struct {
	unwritten int64
	err       error
	synced    chan struct{}
}

func (v *fakeVolume) Sync() error               { v.synced <- struct{}{}; return nil }
func (v *fakeVolume) Unwritten() (int64, error) { return v.unwritten, v.err }
func (v *fakeVolume) Close() error              { return nil }

func TestVolumeIsChosenByCost(t *testing.T) {
	now := time.Unix(1000, 0)
	vol := &fakeVolume{synced: make(chan struct{}, 1)}
	v := &volumeSync{d: &Dir{}, vol: vol, from: 8}
	if v.wanted(7, now) {
		t.Error("a small round used the volume")
	}
	step := func(n int, want bool, cost time.Duration) {
		t.Helper()
		if got := v.wanted(n, now); got != want {
			t.Fatalf("wanted(%d) = %v", n, got)
		}
		now = now.Add(cost)
		v.took(want, n, now.Add(-cost), now)
	}
	step(10, true, 4*time.Millisecond)   // nothing is known of either
	step(10, false, 10*time.Millisecond) // 1 ms a file
	step(10, true, 4*time.Millisecond)
	step(4, false, time.Millisecond)
	step(10, true, 100*time.Millisecond) // others write: 16 ms on average
	step(10, false, 10*time.Millisecond)
	step(100, true, 4*time.Millisecond)
	now = now.Add(volumeProbeEvery)
	step(10, true, time.Millisecond)
	step(10, false, 10*time.Millisecond)
}

func TestVolumeIsNotChosenWhileMuchIsUnwritten(t *testing.T) {
	now := time.Unix(1000, 0)
	vol := &fakeVolume{unwritten: volumeMaxUnwritten + 1, synced: make(chan struct{})}
	v := &volumeSync{d: &Dir{}, vol: vol, from: 8}
	for range 3 {
		if v.wanted(10, now) {
			t.Fatal("a round would wait for what others wrote")
		}
		now = now.Add(unwrittenMaxAge)
	}
	<-vol.synced // one sync beside the rounds
	v.drains.Wait()
	now, vol.unwritten = now.Add(unwrittenMaxAge), volumeMaxUnwritten
	if !v.wanted(10, now) {
		t.Error("the volume was drained and not used")
	}
	now, vol.err = now.Add(unwrittenMaxAge), errors.New("no /proc")
	if v.wanted(10, now) {
		t.Error("used without knowing what is unwritten")
	}
}
