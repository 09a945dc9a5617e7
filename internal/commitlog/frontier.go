package commitlog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// frontierFile is the journal of durable offsets in a log directory.
const frontierFile = "milena.frontier"

const (
	frontierMagic      = "milenaF1"
	frontierHeaderSize = 32
	frontierRecordSize = 32
	// frontierSlack is how large the journal grows before it is rewritten,
	// beyond four records per log.
	frontierSlack = 4 << 20
	// frontierEvery spaces the writes under load: what the journal is for, telling
	// a torn tail from damage, does not need the last few milliseconds.
	frontierEvery = 5 * time.Millisecond
	// frontierSyncEvery spaces the fsyncs.
	frontierSyncEvery = time.Second
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// logKey identifies a log for good: a topic created again has another id.
type logKey struct {
	id        base.UUID
	partition int32
}

func (l *Log) key() logKey { return logKey{id: l.TopicID(), partition: l.tp.Partition} }

// noFrontier is written for a log of which nothing is known: one that was
// deleted, or quarantined without a witness. Without such a record an intact
// journal would say that the log is new and all of it can be a torn tail.
const noFrontier = -1

// frontier is the append-only journal of durable offsets. A record is written
// only after the flush it speaks of, so what it says may be late but never
// early. The last record of a log counts; it may be lower than an earlier one
// after a truncation.
type frontier struct {
	d    *Dir
	path string

	mu       sync.Mutex
	file     vfs.File // nil before the start, after the end, and while lost
	lost     bool     // it could not be opened after it was rewritten
	size     int64
	pending  []*Log // flushed since the last write
	queued   map[*Log]struct{}
	wrote    time.Time
	synced   bool  // everything written is durable
	limit    int64 // size at which it is rewritten, if that could not be done when it was due
	retrying bool  // the keeper will write what is pending
	buf      []byte
}

func appendFrontierRecord(dst []byte, k logKey, durable int64) []byte {
	at := len(dst)
	dst = append(dst, k.id[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(k.partition))
	dst = binary.BigEndian.AppendUint64(dst, uint64(durable))
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
}

func appendFrontierHeader(dst []byte, dir base.UUID) []byte {
	at := len(dst)
	dst = append(dst, frontierMagic...)
	dst = append(dst, dir[:]...)
	dst = binary.BigEndian.AppendUint32(dst, 0)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
}

// frontierState is what a journal says. An intact one that lacks a log says
// that the log was created after the journal was last made durable.
type frontierState struct {
	offsets map[logKey]int64
	intact  bool
}

// parseFrontier reads a journal. Every record stands for itself: damaged ones
// and a torn tail are skipped, which makes the frontier of their log later than
// it could be, never earlier than what another record says.
func parseFrontier(data []byte, dir base.UUID) frontierState {
	st := frontierState{offsets: map[logKey]int64{}}
	if len(data) < frontierHeaderSize {
		return st
	}
	st.intact = string(data[:len(frontierMagic)]) == frontierMagic && base.UUID(data[8:24]) == dir &&
		crc32.Checksum(data[:28], castagnoli) == binary.BigEndian.Uint32(data[28:])
	for b := data[frontierHeaderSize:]; len(b) >= frontierRecordSize; b = b[frontierRecordSize:] {
		if crc32.Checksum(b[:28], castagnoli) != binary.BigEndian.Uint32(b[28:]) {
			continue
		}
		k := logKey{id: base.UUID(b[:16]), partition: int32(binary.BigEndian.Uint32(b[16:]))}
		st.offsets[k] = int64(binary.BigEndian.Uint64(b[20:]))
	}
	return st
}

// readFrontier loads the journal of a directory; a missing one is not intact.
func readFrontier(fsys vfs.FS, dir string, id base.UUID) (frontierState, error) {
	data, err := vfs.ReadFile(fsys, filepath.Join(dir, frontierFile))
	if errors.Is(err, fs.ErrNotExist) {
		return frontierState{offsets: map[logKey]int64{}}, nil
	}
	if err != nil {
		return frontierState{}, err
	}
	return parseFrontier(data, id), nil
}

// note remembers that the logs have a new durable offset, and writes it down
// unless that was done just now.
func (f *frontier) note(set []*Log) {
	f.mu.Lock()
	for _, l := range set {
		if _, dup := f.queued[l]; !dup {
			f.queued[l] = struct{}{}
			f.pending = append(f.pending, l)
		}
	}
	due := f.d.opts.Now().Sub(f.wrote) >= frontierEvery
	f.mu.Unlock()
	if due {
		f.write()
	}
}

// write appends what was noted, in one write.
func (f *frontier) write() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.d.Offline() != nil {
		return
	}
	if err := f.writeLocked(); err != nil && f.d.failOrPutOff("write "+f.path, err) == nil && !f.retrying {
		f.retrying = true
		f.d.keeper.after(frontierSyncEvery, f.retry)
	}
}

// retry writes what could not be written when it was due. A journal that says too
// little is late, as it may be.
func (f *frontier) retry() {
	f.mu.Lock()
	f.retrying = false
	f.mu.Unlock()
	f.write()
}

func (f *frontier) writeLocked() error {
	if len(f.pending) == 0 || f.file == nil && !f.lost {
		return nil
	}
	if err := f.reopen(); err != nil {
		return err
	}
	f.buf = f.buf[:0]
	for _, l := range f.pending {
		if !l.gone() {
			f.buf = appendFrontierRecord(f.buf, l.key(), l.durable.Load())
		}
	}
	if err := f.appendLocked(f.buf); err != nil {
		return err
	}
	clear(f.pending)
	f.pending = f.pending[:0]
	clear(f.queued)
	f.wrote = f.d.opts.Now()
	if f.size <= max(f.limit, frontierSlack+4*frontierRecordSize*int64(f.d.logCount())) {
		return nil
	}
	f.limit = f.size + frontierSlack
	return f.rewriteLocked()
}

// reopen opens the journal after it was rewritten, or could not be.
func (f *frontier) reopen() error {
	if !f.lost {
		return nil
	}
	file, err := f.d.files.opening(f.d.opts.FS.Open, f.path)
	if err != nil {
		return err
	}
	size, err := file.Size()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.lost, f.size = file, false, size-size%frontierRecordSize
	if !f.synced {
		f.d.keeper.after(frontierSyncEvery, f.sync)
	}
	return nil
}

func (f *frontier) appendLocked(records []byte) error {
	if len(records) == 0 {
		return nil
	}
	if f.file == nil {
		return ErrClosed
	}
	if err := writeFull(f.file, records, f.size); err != nil {
		return err
	}
	f.size += int64(len(records))
	if f.synced {
		f.synced = false
		f.d.keeper.after(frontierSyncEvery, f.sync)
	}
	return nil
}

// sync makes the journal durable; the keeper calls it about once a second while
// the journal grows.
func (f *frontier) sync() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil || f.d.Offline() != nil {
		return
	}
	f.synced = true
	if err := f.file.Sync(); err != nil {
		_ = f.d.fail("sync "+f.path, err)
	}
}

// set writes a log's frontier durably, before the log is cut: nothing at or
// above to can be demanded of it from then on.
func (f *frontier) set(l *Log, to int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.reopen()
	if err == nil {
		err = f.appendLocked(appendFrontierRecord(nil, l.key(), to))
	}
	if err != nil {
		return err
	}
	return f.file.Sync()
}

// forget notes that a log is deleted. It is a help for the case that another log
// loses its id, so it need not be durable.
func (f *frontier) forget(l *Log) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.reopen()
	if err == nil {
		err = f.appendLocked(appendFrontierRecord(nil, l.key(), noFrontier))
	}
	if err != nil && !errors.Is(err, ErrClosed) {
		_ = f.d.failOrPutOff("write "+f.path, err)
	}
}

// rewrite replaces the journal by one record per log.
func (f *frontier) rewrite() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.rewriteLocked(); err != nil {
		return f.d.fail("rewrite "+f.path, err)
	}
	return nil
}

func (f *frontier) rewriteLocked() error {
	data := appendFrontierHeader(nil, f.d.id)
	for _, l := range f.d.allLogs() {
		switch at, known := l.frontier(); {
		case l.gone():
		case !known:
			data = appendFrontierRecord(data, l.key(), noFrontier)
		case !l.TopicID().IsZero(): // logs without an id share their keys
			data = appendFrontierRecord(data, l.key(), at)
		}
	}
	old := f.file
	f.file, f.lost = nil, true
	if old != nil {
		if err := old.Close(); err != nil {
			return err
		}
	}
	err := vfs.WriteFileAtomic(f.d.opts.FS, f.path, data)
	if err == nil {
		f.synced, f.limit = true, 0
	}
	return errors.Join(err, f.reopen())
}

// close writes and syncs what is left and closes the journal.
func (f *frontier) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.d.Offline()
	if err == nil {
		err = f.writeLocked()
	}
	f.lost = false
	if f.file == nil {
		return err
	}
	if err == nil {
		err = f.file.Sync()
	}
	err = errors.Join(err, f.file.Close())
	f.file = nil
	return err
}
