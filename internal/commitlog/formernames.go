package commitlog

import (
	"sync"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
)

// formerNames are partitions without a log of which Kafka's checkpoint files may
// still speak: those files know names, not topic ids. Were a log created under
// such a name, a crash before the next checkpoint would have recovery demand of
// the new log what the old one held, or take for compacted what never was. So
// the files are written anew first.
//
// Its mutex is taken before the cleaner's.
type formerNames struct {
	mu    sync.Mutex
	names map[base.TopicPartition]struct{}
}

func (f *formerNames) add(tp base.TopicPartition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.names == nil {
		f.names = map[base.TopicPartition]struct{}{}
	}
	f.names[tp] = struct{}{}
}

// note finds the names in the files of a directory that was just opened.
func (d *Dir) noteFormerNames() error {
	recovery, _, err := d.readOffsets(checkpoint.RecoveryPointFile)
	if err != nil {
		return err
	}
	starts, _, err := d.readStarts()
	if err != nil {
		return err
	}
	for _, o := range []checkpoint.Offsets{recovery, starts} {
		for tp := range o {
			if d.logs[tp] == nil {
				d.former.add(tp)
			}
		}
	}
	return nil
}

// freeName makes the checkpoint files forget a log of that name, durably.
func (d *Dir) freeName(tp base.TopicPartition) error {
	d.former.mu.Lock()
	defer d.former.mu.Unlock()
	if _, taken := d.former.names[tp]; !taken {
		return nil
	}
	if err := d.saveRecoveryPoints(); err != nil {
		return d.failOrLater("write "+checkpoint.RecoveryPointFile, err)
	}
	if err := d.starts.save(nil, 0); err != nil {
		return d.failOrLater("write "+checkpoint.LogStartFile, err)
	}
	if err := d.cleaner.catchUp(); err != nil {
		return err
	}
	clear(d.former.names) // the files list what there is
	return nil
}
