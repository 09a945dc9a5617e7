package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/quorum"
	"github.com/milena-io/milena/internal/vfs"
)

var dumpVoter = quorum.Voter{NodeID: 1, DirectoryID: dumpID}

// quorumLog is a directory of the metadata log that a quorum has written:
// several segments and two snapshots. Payloads follow the ordinary records.
func quorumLog(t testing.TB, payloads ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "milena.quorum")
	q, err := quorum.Open(t.Context(), quorum.Config{
		NodeID: dumpVoter.NodeID, DirectoryID: dumpID, FS: vfs.OS(), Path: path, SM: metadata.NewStore(nil),
		SegmentBytes: 1024, SnapshotEntries: 30, // the membership change asks for one earlier
	})
	if err != nil {
		t.Fatal(err)
	}
	propose := func(messages ...proto.Message) {
		t.Helper()
		var records []*metapb.Record
		for _, m := range messages {
			records = append(records, metadata.Record(m))
		}
		data, err := metadata.EncodeBatch(records)
		if err == nil {
			_, err = q.Propose(t.Context(), data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	propose(&metapb.ClusterInit{ClusterId: "c"})
	propose(&metapb.RegisterBroker{Id: 1, Incarnation: dumpID[:], Listeners: []*metapb.Listener{{Name: "PLAINTEXT", Host: "h", Port: 9092}}, Rack: new("r 1")})
	propose(&metapb.Topic{Id: dumpID[:], Name: "orders"}, &metapb.Partition{TopicId: dumpID[:], Replicas: []int32{1, 0}, Isr: []int32{1}, Leader: 1})
	propose(&metapb.PartitionChange{TopicId: dumpID[:], Isr: &metapb.NodeList{Ids: []int32{0}}, Leader: new(int32(0))})
	if err := q.Change(t.Context(), quorum.AddLearner, quorum.Voter{NodeID: 2, DirectoryID: base.UUID{9}}); err != nil {
		t.Fatal(err)
	}
	for i := range 16 {
		propose(&metapb.Config{ResourceType: 2, ResourceName: "orders", Key: fmt.Sprint("key", i), Value: new("a value")})
	}
	propose(&metapb.Config{ResourceType: 2, ResourceName: "orders", Key: "key0"})
	for _, data := range payloads {
		if _, err := q.Propose(t.Context(), data); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func filesOf(t testing.TB, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) < 2 {
		t.Fatalf("%s: %v, %v", pattern, names, err)
	}
	return names
}

func TestDumpOfTheMetadataLog(t *testing.T) {
	dir := quorumLog(t)
	code, out, errs := runLocal(t, "dump-log", dir)
	if code != exitOK {
		t.Fatal(errs)
	}
	id := dumpID.String()
	for _, want := range []string{
		"snapshot index: 7 term: 2 size: ", " imageIndex: 6 digest: ",
		"| member nodeId: 1 directoryId: " + id + " learner: false raftId: ", "| member nodeId: 2 directoryId: " + base.UUID{9}.String() + " learner: true raftId: ",
		"\nclusterInit clusterId: c\n",
		"\npartition topicId: " + id + " index: 0 replicas: [1 0] isr: [0] leader: 0 leaderEpoch: 1 partitionEpoch: 1 directories: []\n",
		"\nhead segment: 1 size: 1024 nodeId: 1 directoryId: " + id + " lastIndex: 0 lastTerm: 0 term: 0 vote: -1 voteRaftId: 0 commit: 0 block: 1 position: 0\n",
		"\nstate term: 2 vote: 1 voteRaftId: ", "\nseal block: ",
		"\nentry index: 2 term: 2 type: normal size: 0 block: ",
		"| registerBroker id: 1 incarnation: " + id + " listeners: [{name: PLAINTEXT host: h port: 9092 protocol: 0}] rack: \"r 1\" fenced: false directories: [] epoch: 0\n",
		"| topic id: " + id + " name: orders\n| partition topicId: " + id + " index: 0 replicas: [1 0] isr: [1] leader: 1 ",
		"| partitionChange topicId: " + id + " index: 0 isr: {ids: [0]} leader: 0 directories: []\n",
		" type: membership size: ", " change: addLearner nodeId: 2 directoryId: " + base.UUID{9}.String() + " block: ",
		"| config resourceType: 2 resourceName: orders key: key0\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("missing %q in\n%s", want, out)
		}
	}
}

func TestDumpOfTheMetadataLogAsJSON(t *testing.T) {
	segment := filesOf(t, quorumLog(t), "*.wal")[0]
	_, out, errs := runLocal(t, "dump-log", segment, "-o", "json", "--from", "5", "-n", "1")
	var line struct {
		File  string
		Entry struct {
			Kind, Type            string
			Index, Term, Position uint64
			Records               []map[string]any
		}
	}
	if err := json.Unmarshal([]byte(out), &line); err != nil {
		t.Fatalf("%v: %s%s", err, out, errs)
	}
	e := line.Entry
	if line.File != segment || e.Kind != "entry" || e.Type != "normal" || e.Index != 5 || e.Term != 2 || e.Position == 0 || len(e.Records) != 2 {
		t.Fatal(out)
	}
	if p := e.Records[1]; p["kind"] != "partition" || p["topicId"] != dumpID.String() || p["leader"] != 1.0 {
		t.Errorf("second record: %v", p)
	}
}

func TestVerifyFindsNothingInTheMetadataLog(t *testing.T) {
	dir := quorumLog(t)
	code, out, errs := runLocal(t, "dump-log", "--verify", dir)
	want := fmt.Sprintf("%d files checked, 0 problems found.\n", len(filesOf(t, dir, "*.wal"))+len(filesOf(t, dir, "*.snap")))
	if code != exitOK || out != "" || errs != want {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

// Every kind of damage is found once, and named with the file it is about.
func TestVerifyFindsDamageOfTheMetadataLog(t *testing.T) {
	cut := func(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:len(b)-n] } }
	remove := func([]byte) []byte { return nil }
	unseal := func(b []byte) []byte {
		at := len(bytes.TrimRight(b, "\x00")) - 1
		clear(b[at/32*32-32 : at+1])
		return b
	}
	tear := func(b []byte) []byte {
		at := len(bytes.TrimRight(b, "\x00")) - 1
		clear(b[at/32*32 : at+1])
		return b
	}
	for _, c := range []struct {
		name, pattern string
		at            int // which file of the pattern, from the end if negative
		damage        func([]byte) []byte
		want          string
	}{
		{"head", "*.wal", 0, flip(40), "position 0: the segment's first block is damaged"},
		{"empty", "*.wal", 0, func([]byte) []byte { return []byte{} }, "position 0: the segment's first block is damaged"},
		{"body", "*.wal", 0, flip(300), "had been written completely"},
		{"short", "*.wal", 0, cut(100), "the segment has 924 bytes, it was created with 1024"},
		{"torn", "*.wal", -1, tear, "a block that was not written completely"},
		{"unsealed", "*.wal", -2, unseal, "the one before it does not end properly"},
		{"middle", "*.wal", -2, remove, "segment is missing"},
		{"newest", "*.wal", -1, remove, "the one after it is missing"},
		{"snapshots", "*.snap", 0, flip(60), "checksum mismatch"},
		{"cut snapshot", "*.snap", 0, cut(5), "checksum mismatch"},
		{"no snapshot", "*.snap", 0, func([]byte) []byte { return []byte("x") }, "not a snapshot"},
	} {
		dir := quorumLog(t)
		names := filesOf(t, dir, c.pattern)
		path := names[(c.at+len(names))%len(names)]
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if data = c.damage(data); data == nil {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		code, _, errs := runLocal(t, "dump-log", "--verify", dir)
		if code != exitFailed || !strings.HasPrefix(errs, dir) || !strings.Contains(errs, c.want) || !strings.Contains(errs, " 1 problem found") {
			t.Errorf("%s (%s): exit %d, want %q in\n%s", c.name, path, code, c.want, errs)
		}
	}
}

// What was before the damage is shown.
func TestDumpUpToTheDamage(t *testing.T) {
	path := filesOf(t, quorumLog(t), "*.wal")[0]
	if err := os.Truncate(path, 900); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runLocal(t, "dump-log", path)
	if code != exitFailed || !strings.Contains(out, "| topic id: ") || !strings.Contains(errs, "position 900: the segment has 900 bytes") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

func TestVerifyFindsLostFilesOfTheMetadataLog(t *testing.T) {
	dir := quorumLog(t)
	snaps := filesOf(t, dir, "*.snap")
	for _, name := range snaps {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	code, _, errs := runLocal(t, "dump-log", "--verify", dir)
	if code != exitFailed || !strings.Contains(errs, "snapshot") {
		t.Errorf("without snapshots: exit %d: %s", code, errs)
	}

	dir = quorumLog(t)
	for _, name := range filesOf(t, dir, "*.wal") {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	code, _, errs = runLocal(t, "dump-log", "--verify", dir)
	if code != exitFailed || !strings.Contains(errs, "there are snapshots, but the log is missing") {
		t.Errorf("without a log: exit %d: %s", code, errs)
	}
}

// Checksums are right, but what they cover is not metadata. A record of a kind
// that only a later version knows is none of that.
func TestDumpOfForeignMetadata(t *testing.T) {
	later := []byte{0x0a, 4, 0xaa, 0x06, 1, 'x'} // a batch of one record with field 101
	path := quorumLog(t, later)
	if _, out, errs := runLocal(t, "dump-log", path); !strings.Contains(out, "| unknown size: 4\n") || errs != "" {
		t.Errorf("a later record:\n%s%s", out, errs)
	}
	code, _, errs := runLocal(t, "dump-log", "--verify", quorumLog(t, []byte{0xff}))
	if code != exitFailed || !strings.Contains(errs, "bad batch") || !strings.Contains(errs, "entry 25: ") {
		t.Errorf("no batch: exit %d: %s", code, errs)
	}
}

func TestDumpOfMisnamedMetadataFiles(t *testing.T) {
	for name, want := range map[string]string{
		"1.wal": "not a name that a segment can have", "x.snap": "not a name that a snapshot can have",
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := runLocal(t, "dump-log", path); code != exitFailed || !strings.Contains(errs, path+": "+want) {
			t.Errorf("exit %d: %s", code, errs)
		}
	}
}
