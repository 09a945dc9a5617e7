// Package faultfs wraps a file system and injects errors, short writes, stalls
// and flipped bits into chosen calls, so that tests can show what the code does
// when a disk fails.
//
// To fail every storage call of some scenario in turn:
//
//	run the scenario once over New(fs) and take n = fs.Calls()
//	for i = 1 … n: run it over New(fs, Rule{Nth: i, Times: 1, Do: EIO})
//
// [FS.Record] additionally keeps what each call was and which function made it.
//
// Concurrency: FS and its files are as safe for concurrent use as what they
// wrap. A stalled call holds no lock. Rules see the calls in the order in which
// they come; with several goroutines that order is the scheduler's.
package faultfs

import (
	"io"
	"io/fs"
	"runtime"
	"strings"
	"sync"

	"github.com/milena-io/milena/internal/vfs"
)

// Call describes one storage call.
type Call struct {
	N    int // from 1, in the order of calls
	Op   Op
	Path string
	To   string // the new name of a Rename
	Site string // the function outside package vfs that made it; only when recording
}

// FS is a file system with faults.
type FS struct {
	inner vfs.FS

	mu     sync.Mutex
	rules  []*active
	calls  int
	counts map[Op]int
	record bool
	trace  []Call
	onOp   func(Call)
}

// active is a rule with the number of calls it matched.
type active struct {
	Rule
	seen int
}

// New wraps inner. Rules are tried in order; the first that hits decides.
func New(inner vfs.FS, rules ...Rule) *FS {
	f := &FS{inner: inner, counts: map[Op]int{}}
	for _, r := range rules {
		f.Add(r)
	}
	return f
}

// Add appends a rule; it counts calls from now on.
func (f *FS) Add(r Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &active{Rule: r})
}

// Clear removes all rules. Stalled calls stay at their gate.
func (f *FS) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// OnOp sets a function that sees each call before it happens.
func (f *FS) OnOp(hook func(Call)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onOp = hook
}

// Record starts keeping every call, with its call site, for Trace.
func (f *FS) Record() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.record = true
}

// Trace returns the calls since Record.
func (f *FS) Trace() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.trace...)
}

// Sites counts the recorded calls by kind and calling function: "sync commitlog.(*Log).flush".
func (f *FS) Sites() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	sites := map[string]int{}
	for _, c := range f.trace {
		sites[string(c.Op)+" "+c.Site]++
	}
	return sites
}

// Calls is the number of calls so far.
func (f *FS) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Count is the number of calls of one kind so far.
func (f *FS) Count(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[op]
}

// enter counts a call and returns the fault that it shall suffer. Stalls are
// served here; the returned action has only an error or a flip.
func (f *FS) enter(op Op, path, to string) Action {
	c := Call{Op: op, Path: path, To: to}
	f.mu.Lock()
	f.calls++
	f.counts[op]++
	c.N = f.calls
	if f.record {
		c.Site = callSite()
		f.trace = append(f.trace, c)
	}
	var do Action
	for _, r := range f.rules {
		if r.hit(c) {
			do = r.Do
			break
		}
	}
	hook := f.onOp
	f.mu.Unlock()
	if hook != nil {
		hook(c)
	}
	if do.gate != nil {
		do.gate.wait()
	}
	if do.err != nil {
		do.err = &fs.PathError{Op: string(op), Path: path, Err: do.err}
	}
	return do
}

// hit counts a matching call and tells whether the fault is due.
func (r *active) hit(c Call) bool {
	if !r.matches(c) {
		return false
	}
	r.seen++
	first := max(r.Nth, 1)
	return r.seen >= first && (r.Times == 0 || r.seen < first+r.Times)
}

// callSite names the function nearest to the call that is not in package vfs
// or below it.
func callSite() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		fr, more := frames.Next()
		name := fr.Function[strings.LastIndexByte(fr.Function, '/')+1:]
		if !strings.HasPrefix(name, "vfs.") && !strings.HasPrefix(name, "faultfs.(*") {
			return name
		}
		if !more {
			return ""
		}
	}
}

// Create makes or empties a file.
func (f *FS) Create(name string) (vfs.File, error) {
	if do := f.enter(Create, name, ""); do.err != nil {
		return nil, do.err
	}
	return f.wrap(name)(f.inner.Create(name))
}

// Open opens a file for reading and writing.
func (f *FS) Open(name string) (vfs.File, error) {
	if do := f.enter(Open, name, ""); do.err != nil {
		return nil, do.err
	}
	return f.wrap(name)(f.inner.Open(name))
}

// OpenReadOnly opens a file for reading.
func (f *FS) OpenReadOnly(name string) (vfs.File, error) {
	if do := f.enter(Open, name, ""); do.err != nil {
		return nil, do.err
	}
	return f.wrap(name)(f.inner.OpenReadOnly(name))
}

func (f *FS) wrap(name string) func(vfs.File, error) (vfs.File, error) {
	return func(inner vfs.File, err error) (vfs.File, error) {
		if err != nil {
			return nil, err
		}
		return &file{fs: f, inner: inner, name: name}, nil
	}
}

// Remove deletes a file or an empty directory.
func (f *FS) Remove(name string) error {
	if do := f.enter(Remove, name, ""); do.err != nil {
		return do.err
	}
	return f.inner.Remove(name)
}

// RemoveAll deletes a tree.
func (f *FS) RemoveAll(name string) error {
	if do := f.enter(Remove, name, ""); do.err != nil {
		return do.err
	}
	return f.inner.RemoveAll(name)
}

// Rename replaces newName.
func (f *FS) Rename(oldName, newName string) error {
	if do := f.enter(Rename, oldName, newName); do.err != nil {
		return do.err
	}
	return f.inner.Rename(oldName, newName)
}

// MkdirAll makes directories.
func (f *FS) MkdirAll(name string) error {
	if do := f.enter(Mkdir, name, ""); do.err != nil {
		return do.err
	}
	return f.inner.MkdirAll(name)
}

// List reads a directory.
func (f *FS) List(name string) ([]vfs.DirEntry, error) {
	if do := f.enter(List, name, ""); do.err != nil {
		return nil, do.err
	}
	return f.inner.List(name)
}

// Stat describes a file or directory.
func (f *FS) Stat(name string) (vfs.FileInfo, error) {
	if do := f.enter(Stat, name, ""); do.err != nil {
		return vfs.FileInfo{}, do.err
	}
	return f.inner.Stat(name)
}

// SyncDir makes directory entries durable.
func (f *FS) SyncDir(name string) error {
	if do := f.enter(SyncDir, name, ""); do.err != nil {
		return do.err
	}
	return f.inner.SyncDir(name)
}

// Lock takes a lock file.
func (f *FS) Lock(name string) (io.Closer, error) {
	if do := f.enter(Lock, name, ""); do.err != nil {
		return nil, do.err
	}
	return f.inner.Lock(name)
}

// Usage reports the space of the file system.
func (f *FS) Usage(name string) (vfs.Usage, error) {
	if do := f.enter(Usage, name, ""); do.err != nil {
		return vfs.Usage{}, do.err
	}
	return f.inner.Usage(name)
}

// Volume opens the whole file system.
func (f *FS) Volume(name string) (vfs.Volume, error) {
	if do := f.enter(Volume, name, ""); do.err != nil {
		return nil, do.err
	}
	inner, err := f.inner.Volume(name)
	if err != nil {
		return nil, err
	}
	return &volume{Volume: inner, fs: f, name: name}, nil
}

// volume is a whole file system with faults.
type volume struct {
	vfs.Volume
	fs   *FS
	name string
}

// Sync fails with nothing done, or, as ShortWrite asks for, with all of it done.
func (v *volume) Sync() error {
	do := v.fs.enter(SyncAll, v.name, "")
	if do.err != nil && !do.short {
		return do.err
	}
	if err := v.Volume.Sync(); err != nil {
		return err
	}
	return do.err
}
