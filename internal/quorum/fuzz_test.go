package quorum

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// The content of a directory is refused clearly or opened; never a panic, even
// when every checksum is right.
func FuzzSegment(f *testing.F) {
	fs := vfs.NewMem()
	q, err := Open(context.Background(), single(fs, &journal{}))
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"a", "bb", "ccc"} {
		if _, err := q.Propose(context.Background(), []byte(text)); err != nil {
			f.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		f.Fatal(err)
	}
	segment, err := vfs.ReadFile(fs, "data/quorum/"+segmentName(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(segment, []byte{})
	f.Add(segment[:700], []byte{kindSeal})
	f.Add(segment, appendSnapshotMark(nil, logPoint{9, 9}))
	f.Add(segment, appendState(nil, hardState{9, 1, 2}))
	cfg := single(fs, &journal{})
	snaps, err := listSnapshots(fs, "data/quorum")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, segment, records []byte) {
		err := readFuzzed(&cfg, segment, snaps)
		if err == nil && len(records) > 0 {
			err = readFuzzed(&cfg, withBlock(segment, records), snaps)
		}
		var corrupt *CorruptionError
		var identity *IdentityError
		if err != nil && !errors.As(err, &corrupt) && !errors.As(err, &identity) {
			t.Fatalf("refused with %v", err)
		}
	})
}

func readFuzzed(cfg *Config, segment []byte, snaps []logPoint) error {
	s := &scan{}
	r := segmentReader{scan: s, name: "x", data: segment, voter: cfg.self(), salt: saltOf(cfg.self())}
	err := r.read(1, true)
	if err == nil {
		_, _, err = restoreState(cfg, s, snaps)
	}
	return err
}

// withBlock puts records into a well-formed block behind what is good.
func withBlock(segment, records []byte) []byte {
	voter := Voter{1, testDir}
	s := &scan{}
	r := segmentReader{scan: s, data: segment, voter: voter, salt: saltOf(voter)}
	if r.read(1, true) != nil {
		return segment
	}
	block, _ := appendBlock(nil, bytes.Clone(records), s.at, saltOf(voter))
	if int(s.end)+len(block) > len(segment) {
		return segment
	}
	segment = bytes.Clone(segment)
	copy(segment[s.end:], block)
	return segment
}

func FuzzSnapshot(f *testing.F) {
	s := &snapshot{at: logPoint{7, 3}, members: members{}, data: []byte("state")}
	for id := range base.NodeID(3) {
		m := Member{Voter: voter(id), Learner: id == 2}
		s.members[m.RaftID()] = m
	}
	f.Add(s.encode(), false)
	f.Add(s.encode()[:50], true)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, b []byte, fix bool) {
		if fix && len(b) >= 8 {
			b = fixSnapshotChecksum(b)
		}
		got, err := decodeSnapshot(b)
		if err != nil {
			return
		}
		if again := got.encode(); len(again) > len(b) {
			t.Fatalf("%d bytes decoded, %d encoded", len(b), len(again))
		}
	})
}

func FuzzWALRecords(f *testing.F) {
	f.Add([]byte{kindSeal})
	f.Add(segmentHead{voter: voter(1), segment: 4}.append(nil))
	f.Add(appendState(appendSnapshotMark(nil, logPoint{1, 2}), hardState{1, 2, 3}))
	f.Fuzz(func(t *testing.T, records []byte) {
		_, _ = parseRecords(padBody(records), nil)
		_, _ = parseRecords(records, nil)
	})
}

func TestBlocksRoundTrip(t *testing.T) {
	at := position{sequence: 41, chain: 99}
	for n := range 200 {
		body := bytes.Repeat([]byte{kindSeal}, n+1)
		block, next := appendBlock(nil, bytes.Clone(body), at, 7)
		h, ok := parseHead(block)
		if !ok || !h.follows(at, 7) || h.follows(at, 8) || h.follows(next, 7) || len(block)%blockAlign != 0 {
			t.Fatalf("%d bytes: head %+v, %t", n+1, h, ok)
		}
		if int(h.length) != len(block)-blockHeader || !h.bodyOK(block[blockHeader:]) {
			t.Fatalf("%d bytes: body of %d", n+1, h.length)
		}
		records, err := parseRecords(block[blockHeader:], nil)
		if err != nil || len(records) != n+1 {
			t.Fatalf("%d records: %d, %v", n+1, len(records), err)
		}
		at = next
	}
}

func fixSnapshotChecksum(b []byte) []byte {
	b = bytes.Clone(b)
	le.PutUint32(b, snapshotMagic)
	le.PutUint32(b[4:], crc32.Checksum(b[8:], castagnoli))
	return b
}
