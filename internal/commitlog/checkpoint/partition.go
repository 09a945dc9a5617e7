package checkpoint

import (
	"fmt"
	"strings"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// PartitionFile ties a partition directory to its topic id.
const PartitionFile = "partition.metadata"

// ParsePartition reads the topic id out of a partition.metadata file. As in
// Kafka a higher version is accepted, since later versions only add lines.
func ParsePartition(data []byte) (base.UUID, error) {
	var none base.UUID
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) < 2 {
		return none, bad(0, "%d lines, want 2", len(lines))
	}
	v, ok := strings.CutPrefix(lines[0], "version: ")
	if !ok {
		return none, bad(1, "no version")
	}
	num, err := ParseNumber(v, 32)
	if err != nil {
		return none, bad(1, "%v", err)
	}
	if num == version && len(lines) != 2 {
		return none, bad(3, "text after the end")
	}
	text, ok := strings.CutPrefix(lines[1], "topic_id: ")
	if !ok {
		return none, bad(2, "no topic_id")
	}
	id, err := base.ParseUUID(text)
	if err != nil {
		return none, bad(2, "topic_id %s", clip([]byte(text)))
	}
	if id == none {
		return none, bad(2, "topic_id is zero")
	}
	return id, nil
}

// EncodePartition is Kafka's own text, which has no final line end.
func EncodePartition(id base.UUID) []byte {
	return fmt.Appendf(nil, "version: %d\ntopic_id: %s", version, id)
}

// ReadPartition parses the named partition.metadata file.
func ReadPartition(fs vfs.FS, name string) (base.UUID, error) {
	data, err := vfs.ReadFile(fs, name)
	if err != nil {
		return base.UUID{}, err
	}
	id, err := ParsePartition(data)
	if err != nil {
		return base.UUID{}, fmt.Errorf("%s: %w", name, err)
	}
	return id, nil
}

// WritePartition replaces the named file atomically and durably.
func WritePartition(fs vfs.FS, name string, id base.UUID) error {
	return vfs.WriteFileAtomic(fs, name, EncodePartition(id))
}
