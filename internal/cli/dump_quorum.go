package cli

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
	"github.com/milena-io/milena/internal/quorum"
	"github.com/milena-io/milena/internal/vfs"
)

// quorumRecord is a record of the metadata log as JSON. What each kind has
// besides kind, block and position is in fields.
type quorumRecord struct {
	kind   string
	fields []dumpField
	lines  []metadataRecord
}

// quorumSegment decodes a segment of the metadata log.
func (d *dumper) quorumSegment() error {
	reached := uint64(0)
	err := quorum.InspectSegment(vfs.OS(), d.path, func(r quorum.LogRecord) error {
		if r.Problem != "" {
			d.problem("position %d: %s", r.Position, r.Problem)
		}
		v := d.quorumRecord(r)
		switch {
		case r.Entry != nil:
			reached = r.Entry.Index
		case r.Snapshot != nil:
			reached = r.Snapshot.Index
		}
		if d.from > 0 && reached < uint64(d.from) {
			return nil
		}
		v.fields = append(v.fields, dumpField{"block", r.Block}, dumpField{"position", r.Position})
		return d.show(v.document(), v.print)
	})
	return d.quorumDamage(err)
}

// quorumDamage puts a finding of package quorum into the words of this tool.
func (d *dumper) quorumDamage(err error) error {
	var damage *quorum.CorruptionError
	switch {
	case !errors.As(err, &damage):
		return err
	case damage.Offset < 0:
		return errors.New(damage.Reason)
	}
	return fmt.Errorf("position %d: %s", damage.Offset, damage.Reason)
}

func (d *dumper) quorumRecord(r quorum.LogRecord) quorumRecord {
	switch {
	case r.Head != nil:
		h := r.Head
		return quorumRecord{kind: "head", fields: append([]dumpField{
			{"segment", h.Segment},
			{"size", h.Size},
			{"nodeId", h.NodeID},
			{"directoryId", h.DirectoryID.String()},
			{"lastIndex", h.Before.Index},
			{"lastTerm", h.Before.Term},
		}, stateFields(h.State)...)}
	case r.State != nil:
		return quorumRecord{kind: "state", fields: stateFields(*r.State)}
	case r.Snapshot != nil:
		return quorumRecord{kind: "snapshot", fields: []dumpField{{"index", r.Snapshot.Index}, {"term", r.Snapshot.Term}}}
	case r.Entry != nil:
		return d.quorumEntry(r.Entry)
	}
	return quorumRecord{kind: "seal"}
}

// stateFields shows the vote as the node voted for, -1 for none, and as the
// number that also tells its directory.
func stateFields(s quorum.LogState) []dumpField {
	node := int32(-1)
	if s.Vote != 0 {
		node = int32(quorum.NodeOf(s.Vote))
	}
	return []dumpField{{"term", s.Term}, {"vote", node}, {"voteRaftId", s.Vote}, {"commit", s.Commit}}
}

func (d *dumper) quorumEntry(e *quorum.LogEntry) quorumRecord {
	v := quorumRecord{kind: "entry", fields: []dumpField{{"index", e.Index}, {"term", e.Term}, {"type", e.Type}, {"size", len(e.Data)}}}
	if c := e.Change; c != nil {
		v.fields = append(v.fields, dumpField{"change", c.Kind.String()}, dumpField{"nodeId", c.Member.NodeID}, dumpField{"directoryId", c.Member.DirectoryID.String()})
	}
	if e.Type != "normal" {
		return v
	}
	records, err := metadata.DecodeBatch(e.Data)
	if err != nil {
		d.problem("entry %d: %v", e.Index, err)
	}
	for _, r := range records {
		v.lines = append(v.lines, describeRecord(r))
	}
	return v
}

func (v quorumRecord) document() map[string]any {
	doc := document(v.kind, v.fields)
	if v.kind == "entry" {
		records := []map[string]any{}
		for _, r := range v.lines {
			records = append(records, r.document())
		}
		doc["records"] = records
	}
	return doc
}

func (v quorumRecord) print(w io.Writer) {
	fmt.Fprintln(w, line(v.kind, v.fields))
	for _, r := range v.lines {
		fmt.Fprintf(w, "| %s\n", r)
	}
}

// quorumSnapshot decodes a snapshot of the metadata log: one line about it and
// its members, then the records of the image.
func (d *dumper) quorumSnapshot() error {
	s, err := quorum.InspectSnapshot(vfs.OS(), d.path)
	if err != nil {
		return d.quorumDamage(err)
	}
	var image metapb.Snapshot
	if err := proto.Unmarshal(s.Data, &image); err != nil {
		d.problem("the image cannot be decoded: %v", err)
	} else if len(s.Data) > 0 {
		if _, err := metadata.DecodeSnapshot(s.Data); err != nil {
			d.problem("%v", err)
		}
		if image.GetIndex() > s.At.Index {
			d.problem("the image includes index %d, the snapshot ends at %d", image.GetIndex(), s.At.Index)
		}
	}
	if err := d.showSnapshotHead(s, &image); err != nil {
		return err
	}
	for _, r := range image.GetRecords() {
		v := describeRecord(r)
		if err := d.show(v.document(), func(w io.Writer) { fmt.Fprintln(w, v) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) showSnapshotHead(s *quorum.LogSnapshot, image *metapb.Snapshot) error {
	head := []dumpField{
		{"index", s.At.Index},
		{"term", s.At.Term},
		{"size", len(s.Data)},
		{"imageIndex", image.GetIndex()},
		{"digest", image.GetDigest()},
		{"records", len(image.GetRecords())},
	}
	members := []map[string]any{}
	lines := []string{}
	for _, m := range s.Members {
		fields := []dumpField{{"nodeId", m.NodeID}, {"directoryId", m.DirectoryID.String()}, {"learner", m.Learner}, {"raftId", m.RaftID()}}
		members, lines = append(members, document("", fields)), append(lines, line("member", fields))
	}
	doc := document("snapshot", head)
	doc["members"] = members
	return d.show(doc, func(w io.Writer) {
		fmt.Fprintln(w, line("snapshot", head))
		for _, l := range lines {
			fmt.Fprintf(w, "| %s\n", l)
		}
	})
}

// quorumTogether checks that the files of each whole directory fit together, if
// they are the metadata log's. Damage within a file was reported with the file.
func (d *dumper) quorumTogether(found *dumpFiles) {
	var checked []string
	for _, path := range found.files {
		dir := filepath.Dir(path)
		if ext := filepath.Ext(path); ext != ".wal" && ext != ".snap" || slices.Contains(checked, dir) || !slices.Contains(found.dirs, dir) {
			continue
		}
		checked = append(checked, dir)
		err := quorum.VerifyLog(vfs.OS(), dir)
		if err == nil {
			continue
		}
		d.path = dir
		var damage *quorum.CorruptionError
		if errors.As(err, &damage) {
			d.path = damage.File
		}
		if !slices.Contains(d.damaged, d.path) {
			d.problem("%v", d.quorumDamage(err))
		}
	}
}
