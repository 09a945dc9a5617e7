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

// preferVolume makes every flush use the volume, whatever it costs.
func preferVolume(d *Dir) {
	far := time.Now().AddDate(1, 0, 0)
	d.volume.min, d.volume.each, d.volume.triedEach, d.volume.triedW = 1, time.Hour, far, far
}

// flushTogether asks for the flush of all logs at the same moment and waits for it.
func flushTogether(d *Dir, logs []*Log) {
	f := d.flushers[laneDurable]
	f.mu.Lock()
	for _, l := range logs {
		l.queued[f.lane] = true
		f.dirty.push(l)
	}
	f.hire()
	f.mu.Unlock()
	f.done.Wait()
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
	flushTogether(d, logs)
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
	flushTogether(d, logs)
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

// volumeOf is a volumeSync on its own, with a clock that stands still.
func volumeOf(vol *fakeVolume, now *time.Time) *volumeSync {
	return &volumeSync{d: &Dir{opts: DirOptions{Now: func() time.Time { return *now }}}, vol: vol, min: 8}
}

func TestVolumeIsChosenByCost(t *testing.T) {
	now := time.Unix(1000, 0)
	v := volumeOf(&fakeVolume{synced: make(chan struct{}, 1)}, &now)
	if v.due(7) || !v.due(8) {
		t.Error("only sets of 8 and more need a decision")
	}
	expect := func(from int64) {
		t.Helper()
		now = now.Add(decisionMaxAge)
		if v.decide(); v.threshold() != int(from) {
			t.Fatalf("from %d on", v.threshold())
		}
	}
	expect(8) // nothing is known of either
	v.tookWhole(4 * time.Millisecond)
	expect(never) // one by one is to be tried
	v.tookEach(100*time.Millisecond, 3)
	expect(never)                      // too few at a time to learn from
	v.tookEach(4*time.Millisecond, 10) // 0.4 ms a file
	expect(10)
	if v.due(10) {
		t.Error("decided just now")
	}
	for range 3 {
		v.tookWhole(100 * time.Millisecond) // others write
	}
	expect(89)
	now = now.Add(volumeProbeEvery)
	expect(8)
	v.tookWhole(time.Millisecond)
	expect(never)
	v.tookEach(time.Millisecond, 10)
	expect(86)
}

func TestVolumeIsNotChosenWhileMuchIsUnwritten(t *testing.T) {
	now := time.Unix(1000, 0)
	vol := &fakeVolume{unwritten: volumeMaxUnwritten + 1, synced: make(chan struct{})}
	v := volumeOf(vol, &now)
	expect := func(from int64) {
		t.Helper()
		now = now.Add(decisionMaxAge)
		if v.decide(); v.threshold() != int(from) {
			t.Fatalf("from %d on", v.threshold())
		}
	}
	for range 3 {
		expect(never) // a flush would wait for what others wrote
	}
	vol.unwritten = volumeMaxUnwritten
	expect(never) // a sync beside the flushes is under way
	<-vol.synced
	v.drains.Wait()
	expect(8)
	vol.err = errors.New("no /proc")
	expect(never) // without knowing what is unwritten
}

// TestASlowFileHoldsUpItselfOnly: few logs are flushed one by one, and none waits
// for the flush of another.
func TestASlowFileHoldsUpItselfOnly(t *testing.T) {
	gate := faultfs.NewGate()
	disk := faultfs.New(vfs.NewMem())
	d := mustOpen(t, testOptions(disk))
	var logs []*Log
	for i := range 3 {
		l, err := d.OpenLog(base.TopicPartition{Topic: "orders", Partition: int32(i)}, testID, testConfig())
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, makeBatch(1, 10, 1))
		awaitDurable(t, l, 1)
		logs = append(logs, l)
	}
	disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Sync}, Glob: "orders-0/*.log", Times: 1, Do: faultfs.Stall(gate)})
	mustAppend(t, logs[0], makeBatch(1, 10, 1))
	<-gate.Arrived()
	for n := int64(2); n < 5; n++ {
		for _, l := range logs[1:] {
			mustAppend(t, l, makeBatch(1, 10, 1))
		}
		for _, l := range logs[1:] {
			awaitDurable(t, l, n)
		}
	}
	if at := logs[0].DurableOffset(); at != 1 {
		t.Errorf("durable %d while the flush hangs", at)
	}
	gate.Open()
	awaitDurable(t, logs[0], 2)
	mustClose(t, d)
}
