package api

import (
	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/replica"
)

// LocalReplicas lets handlers use a node's replicas and its data directory.
func LocalReplicas(set *replica.Set, dir *commitlog.Dir) Replicas { return localReplicas{set, dir} }

type localReplicas struct {
	set *replica.Set
	dir *commitlog.Dir
}

// Get implements Replicas.
func (l localReplicas) Get(topic string, index int32) (Partition, error) {
	return found(l.set.Get(topic, index))
}

// GetByID implements Replicas.
func (l localReplicas) GetByID(id base.UUID, index int32) (Partition, error) {
	return found(l.set.GetByID(id, index))
}

// found keeps a nil partition from becoming a non-nil interface.
func found(p *partition.Partition, err error) (Partition, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

// LogDirs implements Replicas.
func (l localReplicas) LogDirs() []LogDir {
	d := LogDir{Path: l.dir.Path(), Err: l.dir.Offline(), Total: -1, Usable: -1}
	if usage, err := l.dir.Usage(); err == nil {
		d.Total, d.Usable = usage.Total, usage.Free
	}
	for p := range l.set.Partitions() {
		d.Partitions = append(d.Partitions, LogDirPartition{TP: p.TopicPartition(), Size: p.Size()})
	}
	return []LogDir{d}
}
