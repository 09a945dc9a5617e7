package commitlog

import (
	"errors"

	"github.com/milena-io/milena/internal/commitlog/txnindex"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// derivedSuffixes are the index files that a clean writes beside the log.
var derivedSuffixes = [...]string{suffixIndex, suffixTime, suffixTxn}

// cleanBuffer is how much a cleaned segment is written at a time.
const cleanBuffer = 1 << 20

// cleanWriter writes the replacement of a group of segments, under names ending
// in .cleaned. Nothing of it counts before the swap.
type cleanWriter struct {
	fs    vfs.FS
	dir   string
	base  int64
	index *indexWriter
	txns  []txnindex.Entry

	log vfs.File
	buf []byte
	at  int64 // file position of buf
}

func newCleanWriter(fsys vfs.FS, dir string, base, interval int64) (*cleanWriter, error) {
	f, err := fsys.Create(segmentPath(dir, base, suffixLog+suffixCleaned))
	if err != nil {
		return nil, err
	}
	return &cleanWriter{fs: fsys, dir: dir, base: base, index: newIndexWriter(base, interval), log: f}, nil
}

// size is the length of the cleaned log so far.
func (w *cleanWriter) size() int64 { return w.at + int64(len(w.buf)) }

// add appends a batch.
func (w *cleanWriter) add(b record.Batch) error {
	w.index.add(w.size(), b.LastOffset(), b.MaxTimestamp())
	w.buf = append(w.buf, b...)
	if len(w.buf) < cleanBuffer {
		return nil
	}
	return w.flush()
}

func (w *cleanWriter) flush() error {
	if err := writeFull(w.log, w.buf, w.at); err != nil {
		return err
	}
	w.at += int64(len(w.buf))
	w.buf = w.buf[:0]
	return nil
}

// finish writes the indexes and makes every file durable. The transaction index
// is written, perhaps empty, if one has to be replaced.
func (w *cleanWriter) finish(withTxns bool) error {
	if err := w.flush(); err != nil {
		return err
	}
	w.index.addTime()
	files := map[string][]byte{suffixIndex: w.index.pendingIndex, suffixTime: w.index.pendingTime}
	if withTxns || len(w.txns) > 0 {
		files[suffixTxn] = txnindex.Encode(w.txns)
	}
	for suffix, data := range files {
		if err := w.writeSynced(suffix, data); err != nil {
			return err
		}
	}
	if err := w.log.Sync(); err != nil {
		return err
	}
	return w.fs.SyncDir(w.dir)
}

func (w *cleanWriter) writeSynced(suffix string, data []byte) error {
	f, err := w.fs.Create(segmentPath(w.dir, w.base, suffix+suffixCleaned))
	if err != nil {
		return err
	}
	if err = writeFull(f, data, 0); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// discard removes what was written. It is best effort: the next start of the
// log does the same.
func (w *cleanWriter) discard() {
	_ = w.log.Close()
	_ = w.fs.Remove(segmentPath(w.dir, w.base, suffixLog+suffixCleaned))
	for _, suffix := range derivedSuffixes {
		_ = w.fs.Remove(segmentPath(w.dir, w.base, suffix+suffixCleaned))
	}
}
