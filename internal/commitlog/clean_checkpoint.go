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
//
// The entry of a log that is gone is nobody's: the deletion, which makes room,
// does not wait for room to write the file. Its name is a former name until the
// file is written, and no log can be created under it before (freeName).

// open reads the file, once the directory's logs are known, and puts right what
// does not fit them: a log that is gone, or one that recovery had to cut.
func (c *cleaner) open() error {
	gone, err := c.load()
	for _, tp := range gone {
		c.d.former.add(tp)
	}
	return err
}

// load is open without the names that have no log any more.
func (c *cleaner) load() (gone []base.TopicPartition, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, _, err := c.d.readOffsets(checkpoint.CleanerFile)
	if err != nil {
		return nil, err
	}
	cut := false
	for tp, at := range o {
		l := c.d.logs[tp]
		if l == nil {
			gone = append(gone, tp)
			continue
		}
		if at > l.end.Load() && l.Err() == nil {
			at, cut = l.start.Load(), true
		}
		c.offsets[tp] = at
	}
	switch {
	case cut:
		return gone, c.save()
	case len(gone) > 0:
		return gone, c.saveOrPutOff()
	}
	return nil, nil
}

// save writes the file. c.mu is held. A full disk is no reason to go offline:
// the old file is whole, and what depends on the new one is not done.
func (c *cleaner) save() error {
	err := checkpoint.WriteOffsets(c.d.opts.FS, filepath.Join(c.d.opts.Path, checkpoint.CleanerFile), c.offsets)
	if err == nil {
		c.behind = false
		return nil
	}
	return c.d.failOrLater("write "+checkpoint.CleanerFile, err)
}

// saveOrPutOff writes the file to be rid of entries whose logs are gone. c.mu is
// held.
func (c *cleaner) saveOrPutOff() error {
	c.behind = true
	if err := c.save(); err != nil {
		return c.d.failOrPutOff("write "+checkpoint.CleanerFile, err)
	}
	return nil
}

// catchUp writes what was put off.
func (c *cleaner) catchUp() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.behind {
		return nil
	}
	return c.save()
}

// change sets the entry of a log. c.mu is held.
func (c *cleaner) change(tp base.TopicPartition, offset int64) error {
	old, had := c.offsets[tp]
	c.offsets[tp] = offset
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

// forget removes what is known about a log that is being deleted or set aside.
// The caller makes its name a former one.
func (c *cleaner) forget(l *Log) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.uncleanable, l)
	delete(c.scan, l)
	if _, ok := c.offsets[l.tp]; !ok {
		return nil
	}
	delete(c.offsets, l.tp)
	return c.saveOrPutOff()
}
