package faults

import (
	"bytes"
	"errors"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/test/rig"
)

// TestAFullDisk fills a disk up to the reserve. Records are refused, retriably,
// before anything is written; reading, deleting and committing go on; and records
// are taken again once there is space.
func TestAFullDisk(t *testing.T) {
	const reserve = 1 << 20
	disk := vfs.NewMem()
	disk.SetCapacity(8 << 20)
	b, err := rig.Start(t.Context(), disk, map[string]string{"milena.disk.reserve.bytes": strconv.Itoa(reserve)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keep := map[string]string{"retention.ms": "-1"}
	kept, err := c.CreateTopic("kept", 1, keep)
	must(err)
	spare, err := c.CreateTopic("spare", 1, keep)
	must(err)
	must(c.FindCoordinator("g"))
	if !eventually(func() bool { return c.Commit("g", "kept", 0, 0) == nil }) {
		t.Fatal("no coordinator")
	}
	free := func() int64 {
		u, err := disk.Usage("/")
		must(err)
		return u.Free
	}

	big := batch(string(bytes.Repeat([]byte("x"), 30<<10)))
	fill := func(topic string) (taken int) {
		t.Helper()
		for {
			before := free()
			_, err := c.Produce(topic, 0, bytes.Clone(big))
			if err == nil {
				taken++
				continue
			}
			if !errors.Is(err, kerr.KafkaStorageError) || !kerr.IsRetriable(err) {
				t.Fatalf("produce on a full disk: %v", err)
			}
			if now := free(); now < before || now < reserve {
				t.Errorf("a refused batch took space: %d bytes were free, then %d", before, now)
			}
			return taken
		}
	}
	half := fill("spare")
	if half < 10 {
		t.Fatalf("the disk took %d batches only", half)
	}
	for i := range int64(200) {
		if err := c.Commit("g", "kept", 0, i); err != nil {
			t.Fatalf("commit %d on a full disk: %v", i, err)
		}
	}
	if _, end, records, err := c.ReadAll("spare", 0); err != nil || len(records) != half || end != int64(half) {
		t.Errorf("read %d of %d records up to %d: %v", len(records), half, end, err)
	}
	if low, err := c.DeleteRecords("spare", 0, 5); err != nil || low != 5 {
		t.Errorf("delete records: %d, %v", low, err)
	}
	must(c.DeleteTopic(spare))
	if !eventually(func() bool { return free() > reserve+256<<10 }) {
		t.Fatalf("after a topic was deleted %d bytes are free", free())
	}
	if n := fill("kept"); n < 5 {
		t.Errorf("with space again %d batches were taken", n)
	}
	if got, err := c.Committed("g", "kept", 0); err != nil || got != 199 {
		t.Errorf("committed %d, %v", got, err)
	}
	if code, text, err := b.Get("/healthz"); code != 200 {
		t.Errorf("/healthz: %d %s %v", code, text, err)
	}
	_, end, _, err := c.ReadAll("kept", 0)
	must(err)
	must(b.Close())
	restart(t, disk, kept, end)
}

// restart finds the same on a disk that is still full.
func restart(t *testing.T, disk *vfs.Mem, kept base.UUID, end int64) {
	t.Helper()
	b, err := rig.Start(t.Context(), disk, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if topic := b.Node.Image().Topic("kept"); topic == nil || topic.ID != kept {
		t.Errorf("topic %v after a restart", topic)
	}
	c, err := b.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, got, _, err := c.ReadAll("kept", 0); err != nil || got != end {
		t.Errorf("the log ends at %d after a restart, %d before: %v", got, end, err)
	}
}
