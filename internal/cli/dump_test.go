package cli

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/commitlog/producer"
	"github.com/milena-io/milena/internal/commitlog/txnindex"
	"github.com/milena-io/milena/internal/record"
)

const segmentName = "00000000000000000010"

var dumpID = base.UUID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// dumpDir writes one file of every kind.
func dumpDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	first := record.NewBuilder(record.BuilderOptions{BaseOffset: 10, LeaderEpoch: 3})
	first.Append(1000, []byte("k"), []byte("v"), record.Header{Key: "h", Value: []byte("x")})
	first.Append(1500, nil, []byte{0xff})
	second := record.NewBuilder(record.BuilderOptions{BaseOffset: 12, LeaderEpoch: 3, Codec: record.Gzip, ProducerID: 7, ProducerEpoch: 1, BaseSequence: 5, Transactional: true})
	second.Append(1200, []byte("k2"), nil)
	abort := record.ControlBatch(record.Abort, 2, 7, 1, 1600)
	abort.SetBaseOffset(13)
	a, b := first.Build(), second.Build()
	log := append(append(append([]byte{}, a...), b...), abort...)

	be := binary.BigEndian
	index := be.AppendUint32(be.AppendUint32(nil, 12-10), uint32(len(a)))
	index = be.AppendUint32(be.AppendUint32(index, 13-10), uint32(len(a)+len(b)))
	times := be.AppendUint32(be.AppendUint64(nil, 1500), 11-10)
	times = be.AppendUint32(be.AppendUint64(times, 1600), 13-10)
	var epochs epoch.Cache
	epochs.Assign(3, 10)
	frontier := append(append([]byte("milenaF1"), dumpID[:]...), 0, 0, 0, 0)
	frontier = seal(frontier)
	frontier = append(frontier, seal(be.AppendUint64(be.AppendUint32(dumpID[:16:16], 4), 14))...)
	manifest := append(append([]byte("milenaM1"), dumpID[:]...), 1, 1, 't', 8)
	manifest = append(append(manifest, dumpID[:]...), 0, 20, 28, 1, 1, 6, 20, 1, 20, 100, 30, 22)
	files := map[string][]byte{
		segmentName + ".log": log, segmentName + ".index": append(index, 0, 0, 0, 0, 0, 0, 0, 0), segmentName + ".timeindex": times,
		segmentName + ".txnindex": txnindex.Encode([]txnindex.Entry{{ProducerID: 7, FirstOffset: 12, LastOffset: 13, LastStableOffset: 14}}),
		segmentName + ".snapshot": producer.EncodeSnapshot([]producer.Info{{ProducerID: 7, Epoch: 1, CoordinatorEpoch: 2, LastSequence: 5, LastOffset: 12, LastTimestamp: 1200, TxnStart: -1}}),
		"leader-epoch-checkpoint": epochs.Encode(), "partition.metadata": checkpoint.EncodePartition(dumpID),
		"recovery-point-offset-checkpoint": []byte("0\n2\nt 4 14\nt 0 9\n"),
		"meta.properties":                  checkpoint.Meta{ClusterID: "c", NodeID: 1, DirectoryID: dumpID}.Encode(),
		"milena.frontier":                  frontier, "milena.manifest": seal(manifest),
		"milena.starts": checked("0\n1\nt 4 10\n", "%[2]s\n%[1]s"), "milena.sparse": checked("12", "%s %s\n"), "stray": []byte("?"),
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func seal(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// checked puts a text and its checksum in hexadecimal into a format.
func checked(text, format string) []byte {
	return fmt.Appendf(nil, format, text, fmt.Sprintf("%08x", crc32.Checksum([]byte(text), castagnoli)))
}

func TestDumpSegmentInKafkasWords(t *testing.T) {
	path := filepath.Join(dumpDir(t), segmentName+".log")
	code, out, errs := runLocal(t, "dump-log", path, "--print-data")
	if code != exitOK {
		t.Fatal(errs)
	}
	for i, want := range []string{
		"Dumping " + path,
		"Log starting offset: 10",
		"baseOffset: 10 lastOffset: 11 count: 2 baseSequence: -1 lastSequence: -1 producerId: -1 producerEpoch: -1 partitionLeaderEpoch: 3 " +
			"isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: 1500 size: 83 magic: 2 compresscodec: none crc: ",
		"| offset: 10 CreateTime: 1000 keySize: 1 valueSize: 1 headerKeys: [h] key: k payload: v",
		"| offset: 11 CreateTime: 1500 keySize: -1 valueSize: 1 headerKeys: [] key: (null) payload: /w==",
		"baseOffset: 12 lastOffset: 12 count: 1 baseSequence: 5 lastSequence: 5 producerId: 7 producerEpoch: 1 partitionLeaderEpoch: 3 isTransactional: true",
		"| offset: 12 CreateTime: 1200 keySize: 2 valueSize: -1 sequence: 5 headerKeys: [] key: k2 payload: (null)",
		"baseOffset: 13 lastOffset: 13 count: 1 baseSequence: -1 lastSequence: -1 producerId: 7 producerEpoch: 1",
		"| offset: 13 CreateTime: 1600 keySize: 4 valueSize: 6 headerKeys: [] endTxnMarker: ABORT coordinatorEpoch: 2",
	} {
		lines := strings.Split(out, "\n")
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d should begin with\n%s\nin\n%s", i+1, want, out)
		}
	}
}

func TestDumpEveryOtherKind(t *testing.T) {
	dir := dumpDir(t)
	_, out, errs := runLocal(t, "dump-log", dir)
	id := dumpID.String()
	for _, want := range []string{
		"offset: 12 position: 83\n", "timestamp: 1500 offset: 11\n",
		"producerId: 7 firstOffset: 12 lastOffset: 13 lastStableOffset: 14\n",
		"producerId: 7 producerEpoch: 1 coordinatorEpoch: 2 currentTxnFirstOffset: -1 lastTimestamp: 1200 lastSequence: 5 lastOffset: 12 offsetDelta: 0\n",
		"epoch: 3 startOffset: 10\n", "topicId: " + id + "\n",
		"topic: t partition: 0 offset: 9\ntopic: t partition: 4 offset: 14\n",
		"clusterId: c nodeId: 1 directoryId: " + id + "\n",
		"topicId: " + id + " partition: 4 durableOffset: 14\n",
		"topic: t partition: 4 topicId: " + id + " startOffset: 10 endOffset: 14 producerSnapshot: -1 sparse: false epochs: [[3 10]]\n" +
			"| baseOffset: 10 size: 50 maxTimestamp: 15 maxTimestampOffset: 11\n",
		"milena.starts\ntopic: t partition: 4 offset: 10\n", "gapsBelow: 12\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("missing %q in\n%s%s", want, out, errs)
		}
	}
	if strings.Contains(out, "position: 0\n") {
		t.Error("room at the end of an index was shown as an entry")
	}
	_, out, _ = runLocal(t, "dump-log", filepath.Join(dir, segmentName+".log"), "-o", "json", "-n", "1", "--from", "12")
	if strings.Count(out, "\n") != 1 || !strings.Contains(out, `"baseOffset":12`) || !strings.Contains(out, `"compresscodec":"gzip"`) {
		t.Errorf("one batch from offset 12 as JSON: %s", out)
	}
}

func TestVerifyFindsNothingInGoodFiles(t *testing.T) {
	code, out, errs := runLocal(t, "dump-log", "--verify", dumpDir(t))
	if code != exitOK || out != "" || errs != "13 files checked, 0 problems found.\n" {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

// Every kind of damage is found, and named with its file.
func TestVerifyFindsDamage(t *testing.T) {
	for _, c := range []struct {
		file   string
		damage func([]byte) []byte
		want   string
	}{
		{segmentName + ".log", flip(75), "position 0, offset 10: "},
		{segmentName + ".log", func(b []byte) []byte { return b[:len(b)-3] }, "after the last whole batch"},
		{segmentName + ".log", func(b []byte) []byte { return append(b, b...) }, "offsets go back"},
		{segmentName + ".index", flip(7), "where no batch ends with that offset"},
		{segmentName + ".index", func(b []byte) []byte { return append(b[:8:8], b[:8]...) }, "both must grow"},
		{segmentName + ".index", func(b []byte) []byte { return b[:13] }, "no whole number of entries"},
		{segmentName + ".timeindex", flip(7), "the largest timestamp up to there is"},
		{segmentName + ".txnindex", func(b []byte) []byte { return b[:20] }, segmentName + ".txnindex: "},
		{segmentName + ".snapshot", flip(20), segmentName + ".snapshot: "},
		{"leader-epoch-checkpoint", func([]byte) []byte { return []byte("0\n3\n") }, "leader-epoch-checkpoint: "},
		{"recovery-point-offset-checkpoint", flip(2), "recovery-point-offset-checkpoint: "},
		{"partition.metadata", func([]byte) []byte { return nil }, "partition.metadata: "},
		{"meta.properties", func([]byte) []byte { return []byte("x") }, "meta.properties: "},
		{"milena.frontier", flip(3), "the header is damaged"},
		{"milena.frontier", flip(40), "position 32: a record is damaged"},
		{"milena.frontier", func(b []byte) []byte { return b[:60] }, "no whole record"},
		{"milena.manifest", flip(30), "the manifest is damaged"},
		{"milena.starts", flip(17), "the log starts are damaged"},
		{"milena.sparse", flip(1), "gaps are allowed anywhere"},
	} {
		dir := dumpDir(t)
		path := filepath.Join(dir, c.file)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, c.damage(data), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, errs := runLocal(t, "dump-log", "--verify", dir)
		if code != exitFailed || !strings.Contains(errs, path) || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, want %q in\n%s", c.file, code, c.want, errs)
		}
	}
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[at] ^= 1; return b }
}

func TestReservedSpaceIsNoDamage(t *testing.T) {
	dir := dumpDir(t)
	path := filepath.Join(dir, segmentName+".log")
	data, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(data, make([]byte, 5000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := runLocal(t, "dump-log", "--verify", path); code != exitOK {
		t.Error(errs)
	}
}

func TestDumpOfUnknownFiles(t *testing.T) {
	dir := dumpDir(t)
	for _, path := range []string{filepath.Join(dir, "stray"), filepath.Join(dir, "missing")} {
		if code, _, _ := runLocal(t, "dump-log", path); code != exitFailed {
			t.Errorf("%s: exit %d", path, code)
		}
	}
}

// dataDir is the directory of a broker with two partitions and the metadata log.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Rename(quorumLog(t), filepath.Join(dir, "milena.quorum")); err != nil {
		t.Fatal(err)
	}
	for _, partition := range []string{"t-0", "t-1"} {
		from := dumpDir(t)
		if err := os.Rename(filepath.Join(from, "meta.properties"), filepath.Join(dir, "meta.properties")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(from, filepath.Join(dir, partition)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// damageLog breaks the segment of a partition.
func damageLog(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, segmentName+".log")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, flip(75)(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A data directory stands for everything below it, each file once; another
// directory only for its own files.
func TestDumpOfADataDirectory(t *testing.T) {
	dir := dataDir(t)
	quorumFiles := len(filesOf(t, filepath.Join(dir, "milena.quorum"), "*.wal")) + len(filesOf(t, filepath.Join(dir, "milena.quorum"), "*.snap"))
	want := fmt.Sprintf("%d files checked, 0 problems found.\n", 1+2*12+quorumFiles)
	for _, args := range [][]string{{dir}, {dir + "/", filepath.Join(dir, "t-1")}, {filepath.Join(dir, "t-0"), dir}} {
		if code, _, errs := runLocal(t, append([]string{"dump-log", "--verify"}, args...)...); code != exitOK || errs != want {
			t.Errorf("%v: exit %d, want %q\n%s", args, code, want, errs)
		}
	}
	_, out, _ := runLocal(t, "dump-log", dir)
	at := -1
	for _, name := range []string{"meta.properties", "milena.quorum/", "t-0/" + segmentName + ".index", "t-0/partition.metadata", "t-1/" + segmentName + ".index"} {
		next := strings.Index(out, "Dumping "+filepath.Join(dir, name))
		if next <= at {
			t.Errorf("%s at %d, the one before at %d", name, next, at)
		}
		at = next
	}
	damaged := damageLog(t, filepath.Join(dir, "t-1"))
	if code, _, errs := runLocal(t, "dump-log", "--verify", dir); code != exitFailed || !strings.Contains(errs, damaged+": ") {
		t.Errorf("exit %d\n%s", code, errs)
	}
	if err := os.Remove(filesOf(t, filepath.Join(dir, "milena.quorum"), "*.wal")[1]); err != nil {
		t.Fatal(err)
	}
	if _, _, errs := runLocal(t, "dump-log", "--verify", dir); !strings.Contains(errs, "milena.quorum") {
		t.Errorf("a segment of the metadata log is missing:\n%s", errs)
	}
	if err := os.Remove(filepath.Join(dir, "meta.properties")); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := runLocal(t, "dump-log", dir); code != exitFailed || out != "" {
		t.Errorf("a directory of directories: exit %d\n%s", code, out)
	}
}

// What is missing fails the command, and keeps nothing else from being read.
func TestDumpGoesOnBehindWhatIsMissing(t *testing.T) {
	dir := dumpDir(t)
	damaged, missing := damageLog(t, dir), filepath.Join(dir, "missing")
	code, _, errs := runLocal(t, "dump-log", missing, dir, "--verify")
	for _, want := range []string{missing + ": no such file", damaged + ": ", "13 files checked, "} {
		if code != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("exit %d, nothing says %q:\n%s", code, want, errs)
		}
	}
	if code, out, _ := runLocal(t, "dump-log", missing, filepath.Join(dir, "partition.metadata")); code != exitFailed || !strings.Contains(out, "topicId: ") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// A broker may delete what has been listed.
func TestDumpOfAFileThatIsGone(t *testing.T) {
	var errs strings.Builder
	d := &dumper{dumpOptions: dumpOptions{verify: true}, app: &app{err: &errs}}
	d.file(filepath.Join(t.TempDir(), segmentName+".log"))
	if d.problems != 0 || d.checked != 0 {
		t.Errorf("%d checked, %d problems\n%s", d.checked, d.problems, errs.String())
	}
}

// Whatever the bytes, a dump ends with an answer.
func FuzzDump(f *testing.F) {
	names := []string{
		segmentName + ".log", segmentName + ".index", segmentName + ".timeindex", segmentName + ".txnindex", segmentName + ".snapshot",
		"leader-epoch-checkpoint", "recovery-point-offset-checkpoint", "partition.metadata", "meta.properties", "milena.frontier", "milena.manifest",
		"00000000000000000001.wal", "00000000000000000008-0000000002.snap", "milena.starts", "milena.sparse",
	}
	written := quorumLog(f)
	for kind, pattern := range map[uint8]string{11: "*.wal", 12: "*.snap"} {
		data, err := os.ReadFile(filesOf(f, written, pattern)[0])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kind, data)
	}
	f.Add(uint8(0), make([]byte, 100))
	f.Add(uint8(10), seal(append(append([]byte("milenaM1"), dumpID[:]...), 0xff, 0xff, 0xff, 0xff, 0x0f)))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		path := filepath.Join(dir, names[int(kind)%len(names)])
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, errs := runLocal(t, "dump-log", "--verify", path)
		if code != exitOK && !strings.Contains(errs, path) {
			t.Errorf("exit %d without naming the file: %s", code, errs)
		}
	})
}

// A file that was blown up is refused before it is read; its neighbours are not.
func TestDumpOfHugeFiles(t *testing.T) {
	dir := dumpDir(t)
	huge := []string{segmentName + ".index", segmentName + ".timeindex", segmentName + ".snapshot", "leader-epoch-checkpoint", "milena.manifest"}
	for _, name := range huge {
		if err := os.Truncate(filepath.Join(dir, name), 3<<30); err != nil {
			t.Fatal(err)
		}
	}
	code, _, errs := runLocal(t, "dump-log", "--verify", dir)
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
	for _, name := range huge {
		if want := name + " has 3221225472 bytes"; !strings.Contains(errs, want) {
			t.Errorf("nothing says %q:\n%s", want, errs)
		}
	}
	if !strings.Contains(errs, fmt.Sprintf("%d problems found", len(huge))) {
		t.Errorf("other problems:\n%s", errs)
	}
}
