package commitlog

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

// abortedLog begins with a record of an aborted transaction and its marker, and
// goes on in further segments.
func abortedLog(t *testing.T, d *Dir) *Log {
	t.Helper()
	l := mustLog(t, d, testConfig())
	appendAs(t, l, producerBatch(1, 0, 0, true), Client)
	appendAs(t, l, record.ControlBatch(record.Abort, 0, 1, 0, 5), Coordinator)
	for len(l.Segments()) < 3 {
		mustAppend(t, l, makeBatch(3, 100, 5))
	}
	mustFlush(t, l)
	l.SetHighWatermark(l.EndOffset())
	return l
}

// A reader has aborted records in hand and asks which to drop. What goes away
// at that moment must not turn them into committed ones.
func TestAbortedTxnsOfWhatGoesMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		goes func(*Dir, *Log) error
		ok   func(error) bool
	}{
		"the beginning of the log": {
			func(_ *Dir, l *Log) error {
				defer l.dropBelowStart()
				return l.SetStartOffset((*l.segs.Load())[1].base)
			},
			func(err error) bool { _, out := errors.AsType[*OutOfRangeError](err); return out },
		},
		"the log": {
			func(d *Dir, _ *Log) error { return d.DeleteLog(testTP, testID) },
			func(err error) bool { return errors.Is(err, ErrDeleted) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			disk := faultfs.New(vfs.NewMem())
			d := mustOpen(t, testOptions(disk))
			defer mustClose(t, d)
			l := abortedLog(t, d)
			read, err := l.Read(0, l.EndOffset(), 1, true)
			if err != nil || read.Next != 1 {
				t.Fatal(read, err)
			}
			index := (*l.segs.Load())[0].path(suffixTxn)
			var came atomic.Bool
			disk.OnOp(func(call faultfs.Call) {
				if call.Op == faultfs.Open && call.Path == index && !came.Swap(true) {
					if err := c.goes(d, l); err != nil {
						t.Error(err)
					}
				}
			})
			if got, err := l.AbortedTxns(0, read.Next); len(got) != 1 && !c.ok(err) {
				t.Fatalf("aborted transactions %v, %v", got, err)
			}
			if !came.Load() {
				t.Fatal("the index was not read")
			}
		})
	}
}

// A disk that can't read an index is broken, as one that can't read records.
func TestAbortedTxnsOfABrokenDisk(t *testing.T) {
	disk := faultfs.New(vfs.NewMem())
	d := mustOpen(t, testOptions(disk))
	defer func() { _ = d.Close() }()
	l := abortedLog(t, d)
	disk.Add(faultfs.Rule{Ops: []faultfs.Op{faultfs.Read}, Glob: "*" + suffixTxn, Times: 1, Do: faultfs.EIO})
	if got, err := l.AbortedTxns(0, 1); !errors.Is(err, ErrOffline) || d.Offline() == nil {
		t.Fatalf("%v, %v, offline: %v", got, err, d.Offline())
	}
}
