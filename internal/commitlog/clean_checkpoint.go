package commitlog

import (
	"path/filepath"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
)

// The file cleaner-offset-checkpoint says up to where each log has been cleaned.
// What it calls clean must be: a tombstone below it may go when its time has
// come, in the belief that nothing older of its key is left. So an entry is
// lowered before a log is cut, and removed before a log of the same name can
// come. That a log has an entry also says that its offsets have gaps.

// open reads the file, once the directory's logs are known, and puts right what
// does not fit them: a log that is gone, or one that recovery had to cut.
func (c *cleaner) open() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, _, err := c.d.readOffsets(checkpoint.CleanerFile)
	if err != nil {
		return err
	}
	wrong := false
	for tp, at := range o {
		l := c.d.logs[tp]
		if l == nil {
			wrong = true
			continue
		}
		if at > l.end.Load() && l.Err() == nil {
			at, wrong = l.start.Load(), true
		}
		c.offsets[tp] = at
	}
	if wrong {
		return c.save()
	}
	return nil
}

// save writes the file. c.mu is held. A full disk is no reason to go offline:
// the old file is whole, and what depends on the new one is not done.
func (c *cleaner) save() error {
	err := checkpoint.WriteOffsets(c.d.opts.FS, filepath.Join(c.d.opts.Path, checkpoint.CleanerFile), c.offsets)
	if err == nil {
		return nil
	}
	return c.d.failOrLater("write "+checkpoint.CleanerFile, err)
}

// change sets the entry of a log, or removes it if offset is negative. c.mu is
// held.
func (c *cleaner) change(tp base.TopicPartition, offset int64) error {
	old, had := c.offsets[tp]
	if c.offsets[tp] = offset; offset < 0 {
		delete(c.offsets, tp)
	}
	err := c.save()
	if err != nil {
		if c.offsets[tp] = old; !had {
			delete(c.offsets, tp)
		}
	}
	return err
}

// offset is where the last clean of a log ended, -1 if it never was.
func (c *cleaner) offset(l *Log) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.offsets[l.tp]; ok {
		return at
	}
	return -1
}

// setOffset writes down, durably, that a log is clean up to offset, unless it
// was deleted or cut meanwhile.
func (c *cleaner) setOffset(l *Log, offset int64) error {
	l.flushMu.Lock() // no deletion or truncation
	defer l.flushMu.Unlock()
	if err := l.Err(); err != nil {
		return err
	}
	if offset > l.end.Load() {
		return errCleanStale
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.offsets[l.tp]; ok && at == offset {
		return nil
	}
	return c.change(l.tp, offset)
}

// lower takes back that a log is clean from offset to on. It is called before
// the log is cut there.
func (c *cleaner) lower(tp base.TopicPartition, to int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.offsets[tp]; !ok || at <= to {
		return nil
	}
	return c.change(tp, to)
}

// forget removes what is known about a log that is being deleted.
func (c *cleaner) forget(l *Log) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.uncleanable, l)
	delete(c.scan, l)
	if _, ok := c.offsets[l.tp]; !ok {
		return nil
	}
	return c.change(l.tp, -1)
}
