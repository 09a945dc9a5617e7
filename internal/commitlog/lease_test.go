package commitlog

import (
	"bytes"
	"slices"
	"testing"

	"github.com/milena-io/milena/internal/vfs"
)

// coldLog is a log of n batches of 128 KiB, none of which is in memory.
func coldLog(t *testing.T, n int) (*Dir, *Log) {
	t.Helper()
	o := testOptions(vfs.NewMem())
	o.TailCacheBytes, o.PoisonLeases = 1, true
	d := mustOpen(t, o)
	l := mustRoomyLog(t, d)
	for range n {
		mustAppend(t, l, makeBatch(1, 128<<10, 1))
	}
	return d, l
}

func mustRead(t *testing.T, l *Log, from int64, maxBytes int) Chunk {
	t.Helper()
	c, err := l.Read(from, l.EndOffset(), maxBytes, true)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLeases(t *testing.T) {
	d, l := coldLog(t, 20)
	defer mustClose(t, d)
	first := mustRead(t, l, 0, 1<<20)
	if first.Lease == nil || first.Next != 7 {
		t.Fatalf("lease %v, next %d", first.Lease, first.Next)
	}
	want := bytes.Clone(first.Data[0])

	// Whoever keeps its data has it for good, whatever others read and give back.
	for from := int64(0); from < 20; {
		c := mustRead(t, l, from, 1<<20)
		from = c.Next
		c.Lease.Release()
		c.Lease.Release() // once is enough
	}
	if !bytes.Equal(first.Data[0], want) {
		t.Fatal("data that was not given back has changed")
	}

	first.Lease.Release()
	if !slices.Equal(first.Data[0][:4], []byte{leasePoison, leasePoison, leasePoison, leasePoison}) {
		t.Error("released data is not poisoned")
	}
	if again := mustRead(t, l, 0, 1<<20); !bytes.Equal(again.Data[0], want) {
		t.Error("the next read is wrong")
	}
}

func TestSmallReadsBorrowNothing(t *testing.T) {
	d, l := coldLog(t, 3)
	defer mustClose(t, d)
	if c := mustRead(t, l, 0, 1000); c.Lease != nil || c.Bytes == 0 {
		t.Errorf("%d bytes, lease %v", c.Bytes, c.Lease)
	}
}
