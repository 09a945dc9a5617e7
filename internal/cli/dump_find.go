package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// dumpFiles is what the arguments of a dump stand for, each file once and in
// the order of the arguments.
type dumpFiles struct {
	files []string
	dirs  []string // those of which all files are among files
	seen  map[string]bool
}

// find replaces directories by their files. What can't be found or listed is a
// problem like those in files: it does not keep the others from being read.
func (d *dumper) find(args []string) *dumpFiles {
	found := &dumpFiles{seen: map[string]bool{}}
	for _, arg := range args {
		d.path = arg
		if err := found.add(arg, d); err != nil {
			d.problem("%v", cause(err))
		}
	}
	return found
}

// gone reports whether nothing is at a path any more.
func gone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// cause is an error without the path, which a problem names by itself.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

func (f *dumpFiles) add(path string, d *dumper) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return f.addDirectory(filepath.Clean(path), d)
	case decoderOf(path) == nil:
		return errors.New("dump-log knows no files of this kind")
	}
	f.addFile(path)
	return nil
}

func (f *dumpFiles) addFile(path string) {
	if key := filepath.Clean(path); !f.seen[key] {
		f.seen[key] = true
		f.files = append(f.files, path)
	}
}

// dataDirectoryMark is the file that makes a directory one of a broker.
const dataDirectoryMark = "meta.properties"

// addDirectory adds the files of a directory; those of a data directory come
// with the files of its partitions and of the metadata log, one directory after
// another.
func (f *dumpFiles) addDirectory(path string, d *dumper) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	f.dirs = append(f.dirs, path)
	whole := false
	for _, e := range entries {
		whole = whole || e.Name() == dataDirectoryMark
		if e.Type().IsRegular() {
			f.addFile(filepath.Join(path, e.Name()))
		}
	}
	for _, e := range entries {
		if !whole || !e.IsDir() {
			continue
		}
		d.path = filepath.Join(path, e.Name())
		if err := f.addDirectory(d.path, d); err != nil && !gone(d.path) {
			d.problem("%v", cause(err))
		}
	}
	return nil
}
