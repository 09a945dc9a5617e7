package vfs

import (
	"path/filepath"
	"strconv"
	"testing"
)

// BenchmarkAppendSync measures an append of 16 KiB made durable by itself.
func BenchmarkAppendSync(b *testing.B) {
	for name, fsys := range map[string]FS{"os": OS(), "mem": NewMem()} {
		b.Run(name, func(b *testing.B) {
			dir := "/"
			if name == "os" {
				dir = b.TempDir()
			}
			var f File
			block := make([]byte, 16<<10)
			b.SetBytes(int64(len(block)))
			off := int64(0)
			for b.Loop() {
				var err error
				if off%(64<<20) == 0 { // a new segment
					f, err = fsys.Create(filepath.Join(dir, "f"+strconv.FormatInt(off, 10)))
					must(b, err)
				}
				_, err = f.WriteAt(block, off%(64<<20))
				must(b, err)
				must(b, f.Sync())
				off += int64(len(block))
			}
		})
	}
}

// BenchmarkCrashClone measures a clone of 64 MiB with 1 MiB unsynced.
func BenchmarkCrashClone(b *testing.B) {
	m := NewMem()
	f, err := m.Create("f")
	must(b, err)
	must(b, m.SyncDir("/"))
	block := make([]byte, 1<<20)
	for i := range int64(64) {
		if i == 63 {
			must(b, f.Sync())
		}
		_, err := f.WriteAt(block, i<<20)
		must(b, err)
	}
	for b.Loop() {
		m.CrashClone(CrashOptions{})
	}
}
