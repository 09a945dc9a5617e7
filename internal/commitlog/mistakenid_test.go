package commitlog

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/vfs"
)

// TestAWrongTopicIDIsNoOtherTopic changes the id in partition.metadata of a log
// that has data. The log is still the log of its topic; one that really belongs
// to another topic is not.
func TestAWrongTopicIDIsNoOtherTopic(t *testing.T) {
	mem := vfs.NewMem()
	d := mustOpen(t, testOptions(mem))
	l := mustLog(t, d, testConfig())
	mustAppend(t, l, makeBatch(10, 10, 1))
	awaitDurable(t, l, 10)
	if err := l.Flush(); err != nil { // into the journal, too
		t.Fatal(err)
	}
	disk := mem.CrashClone(vfs.CrashOptions{KeepUnsynced: 1})
	other := base.UUID{7}
	if _, err := mustOpen(t, testOptions(disk.CrashClone(vfs.CrashOptions{}))).OpenLog(testTP, other, testConfig()); !isTopicIDError(err) {
		t.Errorf("another topic got the log: %v", err)
	}
	wrong := testID
	wrong[5] ^= 4
	if err := vfs.WriteFileAtomic(disk, filepath.Join(l.path, checkpoint.PartitionFile), checkpoint.EncodePartition(wrong)); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpen(t, testOptions(disk.CrashClone(vfs.CrashOptions{}))).OpenLog(testTP, other, testConfig()); !isTopicIDError(err) {
		t.Errorf("another topic got the log with the wrong id: %v", err)
	}
	for range 2 { // put right, and for good
		d = mustOpen(t, testOptions(disk))
		if l = mustLog(t, d, testConfig()); l.EndOffset() != 10 {
			t.Errorf("the log ends at %d", l.EndOffset())
		}
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
		disk = disk.CrashClone(vfs.CrashOptions{})
	}
}

func isTopicIDError(err error) bool {
	_, ok := errors.AsType[*TopicIDError](err)
	return ok
}
