package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// A directory that the log itself has written must verify without a remark,
// while it is open and after a clean shutdown: this holds the decoders here,
// which are written from the documented layouts, to the writers there.
func TestVerifyWhatTheLogWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	dir, err := commitlog.OpenDir(t.Context(), commitlog.DirOptions{FS: vfs.OS(), Path: path, ClusterID: "c", NodeID: 1})
	if err != nil {
		t.Fatal(err)
	}
	cfg := commitlog.DefaultConfig()
	cfg.IndexIntervalBytes, cfg.SegmentBytes = 100, 1000
	log, err := dir.OpenLog(base.TopicPartition{Topic: "orders", Partition: 3}, dumpID, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		b := record.NewBuilder(record.BuilderOptions{ProducerID: 9, BaseSequence: int32(i)})
		b.Append(int64(1000+i), []byte("key"), make([]byte, 90))
		if _, err := log.Append(b.Build(), commitlog.AppendOptions{LeaderEpoch: 1, NowMs: 2000}); err != nil {
			t.Fatal(err)
		}
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	code, _, errs := runLocal(t, "dump-log", "--verify", path, filepath.Join(path, "orders-3"))
	if code != exitOK || !strings.Contains(errs, " 0 problems found") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	_, out, _ := runLocal(t, "dump-log", path, filepath.Join(path, "orders-3"))
	for _, want := range []string{
		"topic: orders partition: 3 topicId: " + dumpID.String() + " startOffset: 0 endOffset: 20 ",
		"topicId: " + dumpID.String() + " partition: 3 durableOffset: 20\n",
		"clusterId: c nodeId: 1 ", "epoch: 1 startOffset: 0\n", "baseOffset: 19 lastOffset: 19 ", "producerId: 9 producerEpoch: 0 ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("missing %q in\n%s", want, out)
		}
	}
	if strings.Count(out, " position: ") < 25 {
		t.Errorf("20 batches and several index entries were expected in\n%s", out)
	}
}
