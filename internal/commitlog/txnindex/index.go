package txnindex

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/milena-io/milena/internal/vfs"
)

// Index is the index file of one segment. It holds no open file: an entry is
// written by opening the file for a moment, since aborts are rare and there may
// be a hundred thousand segments. Entries are read once, when somebody asks for
// them, and kept until Release.
type Index struct {
	fs   vfs.FS
	base int64 // base offset of the segment

	mu      sync.Mutex
	name    string
	loaded  bool
	entries []Entry

	ended bool  // the next two are known
	size  int64 // of the file
	last  int64 // offset of the last marker, base-1 without one
}

// New describes the index in the named file, of the segment that begins at
// base. Nothing is read or created.
func New(fsys vfs.FS, name string, base int64) *Index {
	return &Index{fs: fsys, name: name, base: base}
}

// Append adds aborted transactions, all of them or none. They are not durable
// before Sync. What an append needs to know is the end of the file; the entries
// are not read for it.
func (x *Index) Append(entries ...Entry) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.findEnd(); err != nil {
		return err
	}
	last := x.last
	var b []byte
	for _, e := range entries {
		if err := e.check(last); err != nil {
			return fmt.Errorf("%s: refused entry: %w", x.name, err)
		}
		b, last = e.AppendTo(b), e.LastOffset
	}
	if err := x.write(b, x.size); err != nil {
		return err
	}
	x.size, x.last = x.size+int64(len(b)), last
	if x.loaded {
		x.entries = append(x.entries, entries...)
	}
	return nil
}

// findEnd looks up where the file ends and what its last entry says, unless that
// is known.
func (x *Index) findEnd() (err error) {
	if x.ended {
		return nil
	}
	f, err := x.fs.Open(x.name)
	if errors.Is(err, fs.ErrNotExist) {
		x.size, x.last, x.ended = 0, x.base-1, true
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := f.Size()
	if err != nil {
		return err
	}
	last := x.base - 1
	if size > 0 {
		tail := make([]byte, min(size, EntrySize))
		if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if size%EntrySize != 0 {
			return fmt.Errorf("%s: %w", x.name, &CorruptError{Pos: size - size%EntrySize, Reason: "cut inside an entry"})
		}
		e, err := decode(tail, last)
		if err != nil {
			return fmt.Errorf("%s: %w", x.name, &CorruptError{Pos: size - EntrySize, Reason: err.Error()})
		}
		last = e.LastOffset
	}
	x.size, x.last, x.ended = size, last, true
	return nil
}

// Collect returns the aborted transactions with records in [from, upTo). done
// says that no later segment can hold a further one.
func (x *Index) Collect(from, upTo int64) (found []Entry, done bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.load(); err != nil {
		return nil, false, err
	}
	for _, e := range x.entries {
		if e.LastOffset >= from && e.FirstOffset < upTo {
			found = append(found, e)
		}
		if e.LastStableOffset >= upTo {
			return found, true, nil
		}
	}
	return found, false, nil
}

// Truncate drops the entries whose marker is at or after offset.
func (x *Index) Truncate(offset int64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.load(); err != nil {
		return err
	}
	n := len(x.entries)
	for n > 0 && x.entries[n-1].LastOffset >= offset {
		n--
	}
	if n == len(x.entries) {
		return nil
	}
	x.ended = false
	if err := x.cut(int64(n) * EntrySize); err != nil {
		return err
	}
	x.entries = x.entries[:n:n]
	return nil
}

// Reset empties the index, whatever its file holds; recovery appends anew.
func (x *Index) Reset() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = false
	if err := x.cut(0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	x.entries, x.loaded = nil, true
	return nil
}

// Check reads the file again and reports a *CorruptError if it can't be true.
func (x *Index) Check() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.entries, x.loaded, x.ended = nil, false, false
	return x.load()
}

// Sync makes appended entries durable. A segment without aborts costs nothing.
func (x *Index) Sync() (err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.loaded && len(x.entries) == 0 {
		return nil
	}
	f, err := x.fs.Open(x.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}

// Moved tells the index that its file now has another name.
func (x *Index) Moved(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.name = name
}

// Name is the file that holds the index, whether or not it exists.
func (x *Index) Name() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.name
}

// Release drops the entries from memory; the next use reads them again.
func (x *Index) Release() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.entries, x.loaded = nil, false
}

// load reads the file unless that was done; a missing file is an empty index.
func (x *Index) load() error {
	if x.loaded {
		return nil
	}
	data, err := vfs.ReadFile(x.fs, x.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := Parse(data, x.base)
	if err != nil {
		return fmt.Errorf("%s: %w", x.name, err)
	}
	x.entries, x.loaded = entries, true
	return nil
}

func (x *Index) write(b []byte, at int64) (err error) {
	f, err := x.fs.Open(x.name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = x.fs.Create(x.name)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := f.WriteAt(b, at)
	if err == nil && n < len(b) {
		err = fmt.Errorf("%s: %w", x.name, io.ErrShortWrite)
	}
	if err != nil && n > 0 {
		_ = f.Truncate(at) // a reader would take half an entry for damage; the next write replaces it
	}
	return err
}

func (x *Index) cut(size int64) (err error) {
	f, err := x.fs.Open(x.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Truncate(size)
}
