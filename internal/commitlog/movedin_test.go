package commitlog

import (
	"path/filepath"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// A partition directory that somebody puts into a log directory while the broker
// is stopped is a log that the directory's own files do not know. Whatever offset
// it begins at, nothing of it is removed.
func TestLogMovedInIsKept(t *testing.T) {
	disk := vfs.NewMem()
	d := mustOpen(t, testOptions(disk))
	l := mustLog(t, d, testConfig())
	for len(l.Segments()) < 4 {
		mustAppend(t, l, makeBatch(1, 300, 1))
	}
	mustFlush(t, l)
	if err := l.SetStartOffset(l.Segments()[1].BaseOffset); err != nil {
		t.Fatal(err)
	}
	if err := l.removeBelow(l.StartOffset()); err != nil {
		t.Fatal(err)
	}
	start, end := l.StartOffset(), l.EndOffset()
	mustClose(t, d)

	o := testOptions(disk)
	o.Path = "/other"
	d = mustOpen(t, o)
	if _, err := d.OpenLog(base.TopicPartition{Topic: "resident"}, base.UUID{9}, testConfig()); err != nil {
		t.Fatal(err)
	}
	mustClose(t, d)
	if err := disk.Rename("/data/orders-0", filepath.Join("/other", "orders-0")); err != nil {
		t.Fatal(err)
	}
	d = mustOpen(t, o)
	defer mustClose(t, d)
	l = mustLog(t, d, testConfig())
	if l.StartOffset() != start || l.EndOffset() != end {
		t.Fatalf("[%d, %d), was [%d, %d)", l.StartOffset(), l.EndOffset(), start, end)
	}
}
