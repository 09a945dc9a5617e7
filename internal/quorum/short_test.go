package quorum

import (
	"context"
	"testing"

	"github.com/milena-io/milena/internal/vfs"
)

// TestAWriteMayEndAnywhere cuts the write of the last block short at every byte,
// as a full disk or a killed process may: the log ends before it, and that is no
// corruption.
func TestAWriteMayEndAnywhere(t *testing.T) {
	mem := vfs.NewMem()
	cfg := single(mem, &journal{})
	q, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	wal := cfg.Path + "/" + segmentName(1)
	read := func() (*vfs.Mem, []byte) {
		t.Helper()
		if _, err := q.Propose(context.Background(), []byte("an entry of no particular size, but longer than one alignment")); err != nil {
			t.Fatal(err)
		}
		disk := mem.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
		data, err := vfs.ReadFile(disk, wal)
		if err != nil {
			t.Fatal(err)
		}
		return disk, data
	}
	disk, before := read()
	_, after := read()
	first, last := 0, len(after)
	for first < len(after) && before[first] == after[first] {
		first++
	}
	for last > first && before[last-1] == after[last-1] {
		last--
	}
	if last-first < 2*blockHeader {
		t.Fatalf("the last block is at [%d, %d)", first, last)
	}
	for cut := first; cut < last; cut++ {
		half := disk.CrashClone(vfs.CrashOptions{})
		f, err := half.Open(wal)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(after[first:cut], int64(first)); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		sm := &journal{}
		again, err := Open(context.Background(), single(half, sm))
		if err != nil {
			t.Fatalf("%d of %d bytes written: %v", cut-first, last-first, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
