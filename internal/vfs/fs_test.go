package vfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// eachFS runs a test against both implementations: Mem must behave as the
// operating system does, or tests on Mem prove nothing.
func eachFS(t *testing.T, test func(t *testing.T, fsys FS, dir string)) {
	t.Run("os", func(t *testing.T) { test(t, OS(), t.TempDir()) })
	t.Run("mem", func(t *testing.T) {
		m := NewMem()
		must(t, m.MkdirAll("/data"))
		test(t, m, "/data")
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, fsys FS, name, data string) {
	t.Helper()
	f, err := fsys.Create(name)
	must(t, err)
	_, err = f.WriteAt([]byte(data), 0)
	must(t, err)
	must(t, f.Close())
}

func wantContent(t testing.TB, fsys FS, name, want string) {
	t.Helper()
	got, err := ReadFile(fsys, name)
	must(t, err)
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", name, got, want)
	}
}

func wantList(t testing.TB, fsys FS, dir string, want ...string) {
	t.Helper()
	entries, err := fsys.List(dir)
	must(t, err)
	var got []string
	for _, e := range entries {
		name := e.Name
		if e.IsDir {
			name += "/"
		}
		got = append(got, name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s lists %q, want %q", dir, got, want)
	}
}

func TestReadAndWrite(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys FS, dir string) {
		name := filepath.Join(dir, "f")
		f, err := fsys.Create(name)
		must(t, err)
		// A hole of more than one chunk, then data, then an overwrite across chunks.
		const far = 3*chunkSize - 5
		for _, w := range []struct {
			off  int64
			data string
		}{{0, "head"}, {far, "0123456789"}, {far + 2, "xx"}} {
			if n, err := f.WriteAt([]byte(w.data), w.off); n != len(w.data) || err != nil {
				t.Fatalf("WriteAt(%d) = %d, %v", w.off, n, err)
			}
		}
		size, err := f.Size()
		must(t, err)
		if size != far+10 {
			t.Errorf("size %d, want %d", size, far+10)
		}
		want := make([]byte, far+10)
		copy(want, "head")
		copy(want[far:], "01xx456789")
		got, err := ReadFile(fsys, name)
		must(t, err)
		if !bytes.Equal(got, want) {
			t.Error("content differs")
		}
		buf := make([]byte, 8)
		if n, err := f.ReadAt(buf, far+6); n != 4 || !errors.Is(err, io.EOF) {
			t.Errorf("ReadAt over the end = %d, %v, want 4, EOF", n, err)
		}
		if n, err := f.ReadAt(buf, far+10); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("ReadAt at the end = %d, %v, want 0, EOF", n, err)
		}
		must(t, f.Sync())
		must(t, f.Allocate(0, 1<<20))
		f.Advise(DontNeed, 0, 0)
		must(t, f.Close())
		if _, err := f.ReadAt(buf, 0); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("read after Close: %v", err)
		}
		info, err := fsys.Stat(name)
		must(t, err)
		if info.Size != far+10 || info.IsDir || info.ModTime.IsZero() {
			t.Errorf("Stat = %+v: allocation must not change the size", info)
		}
	})
}

func TestLargeWritesAreWhole(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys FS, dir string) {
		name := filepath.Join(dir, "f")
		f, err := fsys.Create(name)
		must(t, err)
		want := make([]byte, 5*(32<<10)+3)
		for i := range want {
			want[i] = byte(i % 251)
		}
		at := 0
		for _, n := range []int{0, 1, 32<<10 - 1, 32 << 10, 32<<10 + 1, 2 * (32 << 10), 2} {
			if got, err := f.WriteAt(want[at:at+n], int64(at)); got != n || err != nil {
				t.Fatalf("WriteAt(%d bytes, %d) = %d, %v", n, at, got, err)
			}
			at += n
		}
		must(t, f.Close())
		wantContent(t, fsys, name, string(want[:at]))
	})
}

func TestTruncate(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys FS, dir string) {
		name := filepath.Join(dir, "f")
		write(t, fsys, name, "0123456789")
		f, err := fsys.Open(name)
		must(t, err)
		must(t, f.Truncate(4))
		must(t, f.Truncate(6))
		must(t, f.Close())
		wantContent(t, fsys, name, "0123\x00\x00")
		write(t, fsys, name, "") // Create empties
		wantContent(t, fsys, name, "")
	})
}

func TestNames(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys FS, dir string) {
		in := func(name string) string { return filepath.Join(dir, name) }
		must(t, fsys.MkdirAll(in("d/e")))
		must(t, fsys.MkdirAll(in("d/e")))
		write(t, fsys, in("b"), "B")
		write(t, fsys, in("a"), "A")
		write(t, fsys, in("d/x"), "X")
		wantList(t, fsys, dir, "a", "b", "d/")
		must(t, fsys.Rename(in("a"), in("b")))
		wantContent(t, fsys, in("b"), "A")
		must(t, fsys.Rename(in("d/x"), in("y")))
		wantList(t, fsys, dir, "b", "d/", "y")
		must(t, fsys.Rename(in("d"), in("moved")))
		wantList(t, fsys, in("moved"), "e/")
		must(t, fsys.SyncDir(dir))
		must(t, fsys.Remove(in("y")))
		if err := fsys.Remove(in("moved")); err == nil {
			t.Error("removed a directory that is not empty")
		}
		must(t, fsys.RemoveAll(in("moved")))
		must(t, fsys.RemoveAll(in("moved")))
		wantList(t, fsys, dir, "b")
	})
}

func TestErrorsOfMissingThings(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys FS, dir string) {
		gone := filepath.Join(dir, "gone")
		_, openErr := fsys.Open(gone)
		_, readErr := fsys.OpenReadOnly(gone)
		_, createErr := fsys.Create(filepath.Join(gone, "f"))
		_, listErr := fsys.List(gone)
		_, statErr := fsys.Stat(gone)
		for op, err := range map[string]error{
			"open": openErr, "open read-only": readErr, "create below": createErr,
			"list": listErr, "stat": statErr,
			"remove": fsys.Remove(gone), "rename": fsys.Rename(gone, gone+"2"), "sync": fsys.SyncDir(gone),
		} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v, want ErrNotExist", op, err)
			}
		}
		if ok, err := Exists(fsys, gone); ok || err != nil {
			t.Errorf("Exists = %v, %v", ok, err)
		}
	})
}

func TestReadOnlyFilesRefuseWrites(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys FS, dir string) {
		name := filepath.Join(dir, "f")
		write(t, fsys, name, "kept")
		f, err := fsys.OpenReadOnly(name)
		must(t, err)
		if _, err := f.WriteAt([]byte("x"), 0); err == nil {
			t.Error("wrote through a read-only file")
		}
		if err := f.Truncate(0); err == nil {
			t.Error("truncated through a read-only file")
		}
		must(t, f.Close())
		wantContent(t, fsys, name, "kept")
	})
}

func TestRemovedFilesStayReadableWhileOpen(t *testing.T) {
	m := NewMem()
	write(t, m, "f", "data")
	f, err := m.Open("f")
	must(t, err)
	must(t, m.Remove("f"))
	buf := make([]byte, 4)
	_, err = f.ReadAt(buf, 0)
	must(t, err)
	if string(buf) != "data" {
		t.Errorf("read %q", buf)
	}
}

func TestLock(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys FS, dir string) {
		name := filepath.Join(dir, ".lock")
		held, err := fsys.Lock(name)
		must(t, err)
		_, err = fsys.Lock(name)
		locked, ok := errors.AsType[*LockedError](err)
		if !ok {
			t.Fatalf("second Lock: %v, want a LockedError", err)
		}
		if msg := locked.Error(); !bytes.Contains([]byte(msg), []byte("uses "+dir)) {
			t.Errorf("message %q doesn't name %s", msg, dir)
		}
		must(t, held.Close())
		again, err := fsys.Lock(name)
		must(t, err)
		must(t, again.Close())
	})
}

func TestWriteFileAtomic(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys FS, dir string) {
		name := filepath.Join(dir, "meta")
		must(t, WriteFileAtomic(fsys, name, []byte("one")))
		must(t, WriteFileAtomic(fsys, name, []byte("two")))
		wantContent(t, fsys, name, "two")
		wantList(t, fsys, dir, "meta")
		if err := WriteFileAtomic(fsys, filepath.Join(dir, "no", "meta"), nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("into a missing directory: %v", err)
		}
	})
}

func TestUsage(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys FS, dir string) {
		u, err := fsys.Usage(dir)
		must(t, err)
		if u.Free <= 0 || u.Total < u.Free {
			t.Errorf("usage %+v", u)
		}
	})
}

func TestConcurrentUseOfOneFile(t *testing.T) {
	eachFS(t, func(t *testing.T, fsys FS, dir string) {
		f, err := fsys.Create(filepath.Join(dir, "f"))
		must(t, err)
		const workers, blocks, size = 4, 50, 3000
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				block := bytes.Repeat([]byte{byte('a' + w)}, size)
				got := make([]byte, size)
				for i := range blocks {
					off := int64(i*workers+w) * size
					if _, err := f.WriteAt(block, off); err != nil {
						t.Error(err)
					}
					if _, err := f.ReadAt(got, off); err != nil || !bytes.Equal(got, block) {
						t.Errorf("block at %d read back wrong, %v", off, err)
					}
					if err := f.Sync(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		must(t, f.Close())
	})
}
