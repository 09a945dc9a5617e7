package commitlog

import (
	"encoding/hex"
	"path/filepath"

	"github.com/milena-io/milena/internal/base"
)

// straySuffix is Kafka's mark of a log that no metadata claims.
const straySuffix = "-stray"

// SetAside renames the log of a partition, durably, so that another topic of the
// same name can have its place. Nothing in it is removed: it stays on the disk
// as topic-partition.<unique id>-stray until a person decides.
func (d *Dir) SetAside(tp base.TopicPartition) error {
	if err := d.usable(); err != nil {
		return err
	}
	d.mu.RLock()
	l := d.logs[tp]
	d.mu.RUnlock()
	if l == nil {
		return ErrNotFound
	}
	_, err := d.retire(l, uniqueName(tp, straySuffix))
	return err
}

// retire takes a log out of service and renames its directory within d.
func (d *Dir) retire(l *Log, name string) (path string, err error) {
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	l.abandon(ErrDeleted)
	d.frontier.forget(l)
	if err := d.cleaner.forget(l); err != nil {
		return "", err
	}
	d.former.add(l.tp)
	path = filepath.Join(d.opts.Path, name)
	if err := d.opts.FS.Rename(l.path, path); err != nil {
		return "", d.fail("rename "+l.path, err)
	}
	d.mu.Lock()
	if d.logs[l.tp] == l {
		delete(d.logs, l.tp)
		d.count.Add(-1)
	}
	d.mu.Unlock()
	if err := d.syncRoot(); err != nil {
		return "", d.fail("rename "+l.path, err)
	}
	return path, nil
}

// maxDirName is what file systems allow for a name.
const maxDirName = 255

// uniqueName is Kafka's topic-partition.<unique id>-suffix, a long topic cut.
func uniqueName(tp base.TopicPartition, suffix string) string {
	u := base.NewUUID()
	tail := "." + hex.EncodeToString(u[:]) + suffix
	name := tp.String()
	if len(name)+len(tail) > maxDirName {
		name = name[:maxDirName-len(tail)]
	}
	return name + tail
}
