package checkpoint

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// Kafka's names of the offset checkpoints in a log directory.
const (
	RecoveryPointFile = "recovery-point-offset-checkpoint"
	LogStartFile      = "log-start-offset-checkpoint"
	CleanerFile       = "cleaner-offset-checkpoint"
	HighWatermarkFile = "replication-offset-checkpoint"
)

// Offsets maps partitions to offsets, as an offset checkpoint holds them.
type Offsets map[base.TopicPartition]int64

// ParseOffsets reads an offset checkpoint.
func ParseOffsets(data []byte) (Offsets, error) {
	out := Offsets{}
	err := ParseLines(data, 3, func(f []string) error {
		if err := base.ValidateTopicName(f[0]); err != nil {
			return err
		}
		p, err := ParseNumber(f[1], 32)
		if err != nil {
			return err
		}
		off, err := ParseNumber(f[2], 64)
		if err != nil {
			return err
		}
		tp := base.TopicPartition{Topic: f[0], Partition: int32(p)}
		if _, dup := out[tp]; dup {
			return fmt.Errorf("%s occurs twice", tp)
		}
		out[tp] = off
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Encode writes the checkpoint in sorted order, so equal maps give equal files.
func (o Offsets) Encode() []byte {
	keys := make([]base.TopicPartition, 0, len(o))
	size := 16
	for tp := range o {
		keys = append(keys, tp)
		size += len(tp.Topic) + 24
	}
	slices.SortFunc(keys, func(a, b base.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	dst := AppendHeader(make([]byte, 0, size), len(keys))
	for _, tp := range keys {
		dst = append(dst, tp.Topic...)
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, int64(tp.Partition), 10)
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, o[tp], 10)
		dst = append(dst, '\n')
	}
	return dst
}

// ReadOffsets parses the named file. A missing file is the file system's
// not-exist error, which callers usually treat as an empty checkpoint.
func ReadOffsets(fs vfs.FS, name string) (Offsets, error) {
	data, err := vfs.ReadFile(fs, name)
	if err != nil {
		return nil, err
	}
	o, err := ParseOffsets(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return o, nil
}

// WriteOffsets replaces the named file atomically and durably.
func WriteOffsets(fs vfs.FS, name string, o Offsets) error {
	return vfs.WriteFileAtomic(fs, name, o.Encode())
}
