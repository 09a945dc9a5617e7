package quorum

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"github.com/milena-io/milena/internal/vfs"
)

// inspected collects the records of a segment.
func inspected(fs vfs.FS, name string) (out []LogRecord, err error) {
	err = InspectSegment(fs, name, func(r LogRecord) error {
		out = append(out, r)
		return nil
	})
	return out, err
}

// What was proposed is shown, once each, and a directory that a quorum has
// written fits together, closed cleanly or not.
func TestInspectWhatWasWritten(t *testing.T) {
	for _, clean := range []bool{true, false} {
		disk := writtenLog(t, clean)
		fs := disk.disk(t, "", nil)
		if err := VerifyLog(fs, "data/quorum"); err != nil {
			t.Errorf("clean %t: %v", clean, err)
		}
		seen := map[string]int{}
		for name := range disk {
			switch path := filepath.Join("data/quorum", name); filepath.Ext(name) {
			case ".wal":
				records, err := inspected(fs, path)
				if err != nil || len(records) == 0 || records[0].Head == nil || records[0].Head.Voter != (Voter{1, testDir}) {
					t.Fatalf("clean %t: %s: %v, %v", clean, name, records, err)
				}
				for _, r := range records {
					if r.Problem != "" {
						t.Errorf("clean %t: %s at %d: %s", clean, name, r.Position, r.Problem)
					}
					if r.Entry != nil {
						seen[string(r.Entry.Data)]++
					}
				}
			case ".snap":
				s, err := InspectSnapshot(fs, path)
				if err != nil || len(s.Members) != 1 || s.At.Index == 0 {
					t.Errorf("clean %t: %s: %+v, %v", clean, name, s, err)
				}
			}
		}
		for i := corruptionEntries - 10; i < corruptionEntries; i++ { // earlier ones may be pruned
			if seen[fmt.Sprintf("entry %d", i)] != 1 {
				t.Errorf("clean %t: entry %d was shown %d times", clean, i, seen[fmt.Sprintf("entry %d", i)])
			}
		}
	}
}

// What Open refuses, VerifyLog finds, and nothing else.
func TestVerifyLogAgreesWithOpen(t *testing.T) {
	disk := writtenLog(t, true)
	for name, content := range disk {
		for i := 0; i < len(content); i += 13 {
			damaged := bytes.Clone(content)
			damaged[i] ^= 4
			fs := disk.disk(t, name, damaged)
			found := VerifyLog(fs, "data/quorum")
			if refused := reopen(t, fs, name) < 0; refused != (found != nil) {
				t.Fatalf("byte %d of %s: refused %t, found %v", i, name, refused, found)
			}
		}
	}
}

// Records with good checksums that contradict each other are named.
func TestInspectFindsDisorder(t *testing.T) {
	entry := func(term, index uint64) []byte {
		return appendEntry(nil, &raftpb.Entry{Type: new(raftpb.EntryNormal), Term: &term, Index: &index})
	}
	state := func(h hardState) []byte { return appendState(nil, h) }
	for _, c := range []struct {
		records []byte
		want    string
	}{
		{bytes.Join([][]byte{entry(3, 8), entry(3, 9), entry(4, 8), entry(4, 9)}, nil), ""},
		{bytes.Join([][]byte{appendSnapshotMark(nil, logPoint{20, 5}), entry(5, 21)}, nil), ""},
		{bytes.Join([][]byte{state(hardState{3, 5, 8}), state(hardState{4, 6, 8})}, nil), ""},
		{entry(3, 9), "entry 9 follows entry 7"},
		{entry(2, 8), "entry 8 of term 2 follows an entry of term 3"},
		{state(hardState{2, 0, 7}), "term 2 follows term 3"},
		{state(hardState{3, 5, 6}), "commit index 6 follows commit index 7"},
		{state(hardState{3, 6, 7}), "two votes in term 3"},
		{appendEntry(nil, &raftpb.Entry{Type: new(raftpb.EntryConfChange), Term: new(uint64(3)), Index: new(uint64(8)), Data: []byte{0xff}}), "cannot be decoded"},
		{appendEntry(nil, &raftpb.Entry{Type: new(raftpb.EntryConfChangeV2), Term: new(uint64(3)), Index: new(uint64(8))}), "unknown type"},
	} {
		self := Voter{1, testDir}
		head := segmentHead{voter: self, segment: 1, size: 1024, before: logPoint{7, 3}, state: hardState{3, 5, 7}}
		data, at := appendBlock(nil, head.append(nil), position{}, saltOf(self))
		data, _ = appendBlock(data, c.records, at, saltOf(self))
		name := segmentName(1)
		records, err := inspected(files{name: append(data, make([]byte, 1024-len(data))...)}.disk(t, "", nil), filepath.Join("data/quorum", name))
		var problems []string
		for _, r := range records {
			if r.Problem != "" {
				problems = append(problems, r.Problem)
			}
		}
		if got := strings.Join(problems, "; "); err != nil || c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("want %q, got %q, %v", c.want, got, err)
		}
	}
}

func TestInspectOfMissingFiles(t *testing.T) {
	fs := files{}.disk(t, "", nil)
	var damage *CorruptionError
	if _, err := inspected(fs, "data/quorum/"+segmentName(1)); err == nil || errors.As(err, &damage) {
		t.Errorf("segment: %v", err)
	}
	if _, err := InspectSnapshot(fs, "data/quorum/"+snapshotName(logPoint{1, 1})); err == nil || errors.As(err, &damage) {
		t.Errorf("snapshot: %v", err)
	}
	if err := VerifyLog(fs, "data/quorum"); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
}
