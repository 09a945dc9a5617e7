package coordinator

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/shard"
	"github.com/milena-io/milena/internal/vfs"
)

// BenchmarkCommits commits offsets of 64 groups at once to one partition on the
// disk of this machine.
func BenchmarkCommits(b *testing.B) {
	for _, durability := range []string{"flushed", "relaxed"} {
		b.Run(durability, func(b *testing.B) { benchmarkCommits(b, durability) })
	}
}

func benchmarkCommits(b *testing.B, durability string) {
	dir, err := commitlog.OpenDir(b.Context(), commitlog.DirOptions{FS: vfs.OS(), Path: b.TempDir(), NodeID: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer dir.Close()
	tp := base.TopicPartition{Topic: base.GroupMetadataTopic}
	log, err := dir.OpenLog(tp, base.NewUUID(), logConfig(durability))
	if err != nil {
		b.Fatal(err)
	}
	p := partition.New(tp, base.NewUUID(), log, partition.Options{})
	p.BecomeLeader(partition.Leadership{Leader: 1, Replicas: []base.NodeID{1}, ISR: []base.NodeID{1}})
	cfg := testConfig()
	cfg.Partitions = 1
	var appends, groups atomic.Int64
	c := New(Options{
		Self: 1, Config: cfg, Image: metadata.Empty,
		Events: shard.Events{Appended: func(int, int, int) { appends.Add(1) }},
	})
	defer c.Close()
	c.Lead(0, 0, partitionLog{p, 0})
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		req := commitRequest(fmt.Sprint("group", groups.Add(1)), 1)
		for pb.Next() {
			code := c.OffsetCommit(b.Context(), req).Topics[0].Partitions[0].ErrorCode
			if code != 0 && code != kerr.CoordinatorLoadInProgress.Code {
				b.Error(kerr.ErrorForCode(code))
			}
		}
	})
	b.ReportMetric(float64(b.N)/float64(max(appends.Load(), 1)), "commits/append")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
