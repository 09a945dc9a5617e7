package commitlog

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/milena-io/milena/internal/commitlog/producer"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

func appendAs(t *testing.T, l *Log, b record.Batch, origin Origin) Appended {
	t.Helper()
	a, err := l.Append(b, AppendOptions{Origin: origin, NowMs: 1})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustFlush(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
}

// crashDir ends the use of a directory by a power loss.
func crashDir(t *testing.T, d *Dir, disk *vfs.Mem, o vfs.CrashOptions) *vfs.Mem {
	t.Helper()
	d.frontier.write()
	d.frontier.sync()
	left := disk.CrashClone(o)
	mustClose(t, d)
	return left
}

// Recovery writes transaction indexes anew. Later recoveries begin behind them,
// so they must be as durable as they were.
func TestRebuiltTxnIndexIsDurable(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			disk := vfs.NewMem()
			d := mustOpen(t, testOptions(disk))
			l := mustLog(t, d, testConfig())
			appendAs(t, l, producerBatch(1, 0, 0, true), Client)
			appendAs(t, l, record.ControlBatch(record.Abort, 0, 1, 0, 5), Coordinator)
			mustFlush(t, l)
			disk = crashDir(t, d, disk, vfs.CrashOptions{})
			if err := disk.Remove(segmentPath("/data/orders-0", 0, suffixTxn)); err != nil {
				t.Fatal(err)
			}

			d = mustOpen(t, testOptions(disk))
			l = mustLog(t, d, testConfig())
			for len(l.Segments()) < 3 {
				mustAppend(t, l, makeBatch(1, 300, 1))
			}
			mustFlush(t, l)
			rnd := rand.New(rand.NewPCG(seed, 1))
			disk = crashDir(t, d, disk, vfs.CrashOptions{Rand: rnd, KeepUnsynced: 0.5})

			d = mustOpen(t, testOptions(disk))
			defer mustClose(t, d)
			l = mustLog(t, d, testConfig())
			if got, err := l.AbortedTxns(0, l.EndOffset()); err != nil || len(got) != 1 {
				t.Fatalf("aborted transactions: %v, %v", got, err)
			}
		})
	}
}

// A damaged index is rebuilt as a whole, although recovery has a snapshot from
// within its segment.
func TestDamagedTxnIndexBeforeSnapshot(t *testing.T) {
	disk := vfs.NewMem()
	d := mustOpen(t, testOptions(disk))
	l := mustLog(t, d, testConfig())
	appendAs(t, l, producerBatch(1, 0, 0, true), Client)
	appendAs(t, l, record.ControlBatch(record.Abort, 0, 1, 0, 5), Coordinator)
	l.app.snapshotAt = -snapshotEvery
	if err := l.catchUp(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, makeBatch(1, 10, 1))
	mustFlush(t, l)
	disk = crashDir(t, d, disk, vfs.CrashOptions{KeepUnsynced: 1})
	index, err := disk.Open((*l.segs.Load())[0].path(suffixTxn))
	if err == nil {
		err = index.Truncate(20)
	}
	if err != nil {
		t.Fatal(err)
	}
	d = mustOpen(t, testOptions(disk))
	defer mustClose(t, d)
	l = mustLog(t, d, testConfig())
	if got, err := l.AbortedTxns(0, l.EndOffset()); err != nil || len(got) != 1 {
		t.Fatalf("aborted transactions: %v, %v", got, err)
	}
	if p := producersOf(l); len(p) != 1 {
		t.Fatalf("producers %v", p)
	}
}

// The producer state at the beginning of a segment is all that is left of older
// segments when they go. Recovery must leave it there, and durable.
func TestSnapshotsOfRecoveredSegmentsAreDurable(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			disk := vfs.NewMem()
			d := mustOpen(t, testOptions(disk))
			cfg := testConfig()
			cfg.Durable = false
			l := mustLog(t, d, cfg)
			mustFlush(t, l)
			appendAs(t, l, producerBatch(1, 0, 0, false), Client)
			d.keeper.close()
			for len(l.Segments()) < 3 {
				mustAppend(t, l, makeBatch(1, 300, 1))
			}
			// The process is killed, perhaps the machine: some of it was written.
			disk = crashDir(t, d, disk, vfs.CrashOptions{Rand: rnd, KeepUnsynced: 0.97})

			d = mustOpen(t, testOptions(disk))
			l = mustLog(t, d, cfg)
			for l.EndOffset() == 0 || len(l.Segments()) < 2 {
				mustAppend(t, l, makeBatch(1, 300, 1))
			}
			mustFlush(t, l)
			want := producersOf(l)
			segs := l.Segments()
			if err := l.SetStartOffset(segs[len(segs)-1].BaseOffset); err != nil {
				t.Fatal(err)
			}
			if err := l.removeBelow(l.StartOffset()); err != nil {
				t.Fatal(err)
			}
			disk = crashDir(t, d, disk, vfs.CrashOptions{Rand: rnd, KeepUnsynced: 0.5})

			d = mustOpen(t, testOptions(disk))
			defer mustClose(t, d)
			l = mustLog(t, d, cfg)
			if got := producersOf(l); len(got) != len(want) {
				t.Fatalf("producers %+v, had %+v", got, want)
			}
		})
	}
}

// A journal that is lost does not cost the producers whose records were removed.
func TestSnapshotOfFirstSegmentNeedsNoWitness(t *testing.T) {
	disk := vfs.NewMem()
	d := mustOpen(t, testOptions(disk))
	l := mustLog(t, d, testConfig())
	appendAs(t, l, producerBatch(1, 0, 0, false), Client)
	for len(l.Segments()) < 3 {
		mustAppend(t, l, makeBatch(1, 300, 1))
	}
	mustFlush(t, l)
	if err := l.SetStartOffset(l.Segments()[1].BaseOffset); err != nil {
		t.Fatal(err)
	}
	if err := l.removeBelow(l.StartOffset()); err != nil {
		t.Fatal(err)
	}
	disk = crashDir(t, d, disk, vfs.CrashOptions{})
	if err := disk.Remove("/data/" + frontierFile); err != nil {
		t.Fatal(err)
	}
	d = mustOpen(t, testOptions(disk))
	defer mustClose(t, d)
	l = mustLog(t, d, testConfig())
	a, err := l.Append(producerBatch(1, 0, 0, false), AppendOptions{Origin: Client, NowMs: 1})
	if err != nil || !a.Duplicate {
		t.Fatalf("%+v, %v; producers %+v", a, err, []producer.Info(producersOf(l)))
	}
}

// A client repeats what was not acknowledged when its broker went away, up to
// five batches. Each is recognised, wherever the newest snapshot lies among
// them: or all of them would be written a second time under a new epoch.
func TestRepetitionsAreRecognisedAcrossSnapshots(t *testing.T) {
	for _, stop := range []string{"killed", "closed"} {
		for rollAfter := range 6 {
			t.Run(fmt.Sprintf("%s, rolled after %d", stop, rollAfter), func(t *testing.T) {
				disk := vfs.NewMem()
				d := mustOpen(t, testOptions(disk))
				l := mustLog(t, d, testConfig())
				var first []int64
				for seq := range int32(5) {
					if int(seq) == rollAfter {
						fillSegment(t, l)
					}
					first = append(first, appendAs(t, l, producerBatch(1, 0, seq, false), Client).First)
				}
				if rollAfter == 5 {
					fillSegment(t, l)
				}
				mustFlush(t, l)
				if stop == "closed" {
					mustClose(t, d)
				} else {
					disk = crashDir(t, d, disk, vfs.CrashOptions{KeepUnsynced: 1})
				}

				d = mustOpen(t, testOptions(disk))
				defer mustClose(t, d)
				l = mustLog(t, d, testConfig())
				for seq, want := range first {
					a, err := l.Append(producerBatch(1, 0, int32(seq), false), AppendOptions{Origin: Client, NowMs: 1})
					if err != nil || !a.Duplicate || a.First != want {
						t.Errorf("batch %d at %d: %+v, %v", seq, want, a, err)
					}
				}
			})
		}
	}
}

// fillSegment appends until a new segment has begun.
func fillSegment(t *testing.T, l *Log) {
	t.Helper()
	for n := len(l.Segments()); len(l.Segments()) == n; {
		mustAppend(t, l, makeBatch(1, 300, 1))
	}
}
