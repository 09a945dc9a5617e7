package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"

	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/vfs"
)

// startsFile says where logs start. Kafka's log-start-offset-checkpoint says the
// same and is written beside it, but has no checksum: one digit wrong in it, and
// what was not deleted would count as deleted. It is read only where ours is
// missing or damaged.
//
//	8 hex digits   CRC32C of all that follows the line
//	…              as in log-start-offset-checkpoint
const startsFile = "milena.starts"

func encodeStarts(list []byte) []byte {
	return fmt.Appendf(nil, "%08x\n%s", crc32.Checksum(list, castagnoli), list)
}

func parseStarts(data []byte) (checkpoint.Offsets, bool) {
	sum, rest, ok := bytes.Cut(data, []byte("\n"))
	if !ok || string(sum) != fmt.Sprintf("%08x", crc32.Checksum(rest, castagnoli)) {
		return nil, false
	}
	o, err := checkpoint.ParseOffsets(rest)
	return o, err == nil
}

// readStarts loads the starts; ok if a file was there and whole.
func (d *Dir) readStarts() (o checkpoint.Offsets, ok bool, err error) {
	data, err := vfs.ReadFile(d.opts.FS, filepath.Join(d.opts.Path, startsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, d.fail("read "+startsFile, err)
	}
	if err == nil {
		if o, ok := parseStarts(data); ok {
			return o, true, nil
		}
		d.opts.Logger.Warn("log starts are damaged, taking Kafka's file", slog.String("file", startsFile))
	}
	return d.readOffsets(checkpoint.LogStartFile)
}

// startKeeper owns the files of log starts. Kafka lists only logs that start
// behind the beginning of their first segment; we list all that do not start at
// 0, so that a first segment that is missing is noticed, and all that are
// quarantined, so that the next start notices it too.
type startKeeper struct {
	d *Dir

	mu       sync.Mutex
	changing map[*Log]int64 // written down, but not the log's start yet
	next     *startPass     // that has not begun

	writing sync.Mutex // of the files, one pass at a time; outside mu
	last    []byte     // content of the file, nil if unknown
}

// startPass is one writing of the files, for all who asked before it began: ten
// thousand logs that expire together must not mean as many writings of a list of
// ten thousand.
type startPass struct {
	done chan struct{}
	err  error
}

// save writes the file durably, as if log l (if any) started at offset; a
// negative offset leaves the log out. So does every later save, whichever log it
// is for, until the start of l is in place and settled is called.
func (k *startKeeper) save(l *Log, offset int64) error {
	k.mu.Lock()
	if l != nil {
		if k.changing == nil {
			k.changing = map[*Log]int64{}
		}
		k.changing[l] = offset
	}
	pass := k.next
	if pass != nil {
		k.mu.Unlock()
		<-pass.done
		return pass.err
	}
	pass = &startPass{done: make(chan struct{})}
	k.next = pass
	k.mu.Unlock()
	k.writing.Lock()
	defer k.writing.Unlock()
	pass.err = k.write(k.begin())
	close(pass.done)
	return pass.err
}

// begin closes the pass that is next to those who come later, and collects what
// it shall write.
func (k *startKeeper) begin() checkpoint.Offsets {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next = nil
	starts := checkpoint.Offsets{}
	k.d.mu.RLock()
	defer k.d.mu.RUnlock()
	for tp, l := range k.d.logs {
		at, changing := k.changing[l]
		if !changing {
			at = l.start.Load()
		}
		if (at > 0 || l.startIsEvidence()) && !l.gone() {
			starts[tp] = at
		}
	}
	return starts
}

// write replaces both files. The caller holds writing.
func (k *startKeeper) write(starts checkpoint.Offsets) error {
	data := starts.Encode()
	if bytes.Equal(data, k.last) {
		return nil
	}
	k.last = nil
	fsys, dir := k.d.opts.FS, k.d.opts.Path
	if err := vfs.WriteFileAtomic(fsys, filepath.Join(dir, startsFile), encodeStarts(data)); err != nil {
		return err
	}
	// Not synced: it counts only where the other file is lost.
	if err := replaceFile(fsys, filepath.Join(dir, checkpoint.LogStartFile), data); err != nil {
		return err
	}
	k.last = data
	return nil
}

// startIsEvidence tells of a log whose start counts even if it is 0: it can't be
// used, perhaps because its first segments are missing.
func (l *Log) startIsEvidence() bool {
	return errors.Is(l.Err(), ErrQuarantined) && !l.startGuessed.Load()
}

// settled ends what save began for a log.
func (k *startKeeper) settled(l *Log) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.changing, l)
}

// SetStartOffset moves the start of the log up to offset, durably, as
// DeleteRecords and a leader's log start ask for. Segments that lie wholly below
// it are removed in the background. Moving backwards does nothing.
func (l *Log) SetStartOffset(offset int64) error {
	l.flushMu.Lock() // no truncation below offset meanwhile
	defer l.flushMu.Unlock()
	if err := l.ready(); err != nil {
		return err
	}
	if end := l.end.Load(); offset > end {
		return &OutOfRangeError{Offset: offset, Start: l.start.Load(), End: end}
	}
	if offset <= l.start.Load() {
		return nil
	}
	if err := l.flushUpTo(offset); err != nil {
		return err
	}
	if err := l.saveStart(offset); err != nil {
		return err
	}
	l.mu.Lock()
	err := l.trimEpochs(offset)
	l.mu.Unlock()
	if err != nil {
		return l.d.fail("write "+l.path, err)
	}
	l.d.keeper.after(0, l.dropBelowStart)
	return nil
}

// flushUpTo makes what lies below a future start durable: recovery takes a
// start for a promise that it was. The caller holds flushMu.
func (l *Log) flushUpTo(start int64) error {
	if l.durable.Load() >= start {
		return nil
	}
	return l.flushHeld()
}

// saveStart moves the start up to offset, durably, or not at all.
func (l *Log) saveStart(offset int64) error {
	defer l.d.starts.settled(l)
	if err := l.d.starts.save(l, offset); err != nil {
		return l.d.failOrLater("write "+checkpoint.LogStartFile, err)
	}
	l.raiseStart(offset)
	return nil
}

// raiseStart publishes a start offset that is durable already.
func (l *Log) raiseStart(offset int64) {
	for {
		at := l.start.Load()
		if offset <= at || l.start.CompareAndSwap(at, offset) {
			return
		}
	}
}

// dropBelowStart removes what SetStartOffset has put out of reach. A log that was
// emptied since may start lower: only while flushMu is held does its start stay.
func (l *Log) dropBelowStart() {
	l.flushMu.Lock()
	defer l.flushMu.Unlock()
	// On a full disk the next pass of retention does it.
	if err := l.removeBelowHeld(l.start.Load()); err != nil {
		_ = l.d.failOrLater("remove segments of "+l.path, err)
	}
}

// removeBelowHeld removes the closed segments that end at or before offset. The
// log start is moved behind them first and durably: should a crash leave some of
// the files, they lie below the start and are no gap in the log. The caller has
// held flushMu since it knows the offset.
func (l *Log) removeBelowHeld(offset int64) error {
	if l.Err() != nil {
		return nil // a log out of service keeps its files
	}
	set := *l.segs.Load()
	n := 0
	for n < len(set)-1 && set[n].next.Load() <= offset {
		n++
	}
	if n == 0 {
		return nil
	}
	start := max(l.start.Load(), set[n].base)
	if err := l.flushUpTo(start); err != nil {
		return err
	}
	if err := l.saveStart(start); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Appends may have added segments meanwhile.
	set = *l.segs.Load()
	old, rest := set[:n], slices.Clone(set[n:])
	l.segs.Store(&rest)
	var bytes int64
	for _, s := range old {
		bytes += s.size.Load()
	}
	if err := l.drop(old); err != nil {
		return err
	}
	if err := l.trimEpochs(start); err != nil {
		return err
	}
	if f := l.d.opts.Events.Deleted; f != nil {
		f(l.tp, bytes)
	}
	return nil
}
