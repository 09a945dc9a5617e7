package partition

import (
	"fmt"
	"testing"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
	"github.com/milena-io/milena/internal/vfs/faultfs"
)

const nowMs = 1_700_000_000_000

// bench is a partition over a log on a disk that can be made to fail or wait.
type bench struct {
	t    *testing.T
	disk *faultfs.FS
	dir  *commitlog.Dir
	p    *Partition
}

func newBench(t *testing.T, change func(*commitlog.Config)) *bench {
	t.Helper()
	b := &bench{t: t, disk: faultfs.New(vfs.NewMem())}
	dir, err := commitlog.OpenDir(t.Context(), commitlog.DirOptions{FS: b.disk, Path: "/d", NodeID: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	cfg := commitlog.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	tp, id := base.TopicPartition{Topic: "orders"}, base.NewUUID()
	log, err := dir.OpenLog(tp, id, cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.dir, b.p = dir, New(tp, id, log, Options{})
	return b
}

// restart stops and starts cleanly; nothing is in memory afterwards.
func (b *bench) restart() {
	b.t.Helper()
	leadership := b.p.Leadership()
	if err := b.dir.Close(); err != nil {
		b.t.Fatal(err)
	}
	dir, err := commitlog.OpenDir(b.t.Context(), commitlog.DirOptions{FS: b.disk, Path: "/d", NodeID: 1})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = dir.Close() })
	log, err := dir.OpenLog(b.p.tp, b.p.id, b.p.log.Config())
	if err != nil {
		b.t.Fatal(err)
	}
	b.dir, b.p = dir, New(b.p.tp, b.p.id, log, Options{})
	b.p.BecomeLeader(leadership)
}

// leading makes the partition leader in an epoch, alone in sync.
func (b *bench) leading(epoch int32) *bench {
	b.p.BecomeLeader(Leadership{Leader: 1, LeaderEpoch: epoch, Replicas: []base.NodeID{1}, ISR: []base.NodeID{1}})
	return b
}

// batch is one batch of records with keys k0, k1, … and the values.
func batch(values ...string) []byte {
	bl := record.NewBuilder(record.BuilderOptions{})
	for i, v := range values {
		bl.Append(nowMs+int64(i), fmt.Appendf(nil, "k%d", i), []byte(v))
	}
	return bl.Build()
}

func (b *bench) append(req AppendRequest, data []byte) (Appended, error) {
	req.ExpectedEpoch, req.NowMs = -1, nowMs
	return b.p.Append(data, req)
}

// committed waits until everything before end is committed.
func (b *bench) committed(end int64) error {
	b.t.Helper()
	n := base.NewNotifier()
	b.p.Watch(n, end)
	defer b.p.Unwatch(n)
	for {
		ok, err := b.p.Committed(end)
		if ok || err != nil {
			return err
		}
		select {
		case <-n.C():
		case <-time.After(10 * time.Second):
			b.t.Fatalf("offset %d is not committed after 10 s, high watermark %d", end, b.p.HighWatermark())
		}
	}
}

// mustAppend appends a batch and waits for its commit.
func (b *bench) mustAppend(values ...string) Appended {
	b.t.Helper()
	got, err := b.append(AppendRequest{Acks: -1}, batch(values...))
	if err == nil {
		err = b.committed(got.End)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// values reads from an offset to the end.
func (b *bench) values(offset int64) []string {
	b.t.Helper()
	res, err := b.p.Read(ReadRequest{Offset: offset, MaxBytes: 1 << 20, CurrentEpoch: -1, LastFetchedEpoch: -1})
	if err != nil {
		b.t.Fatal(err)
	}
	var out []string
	for _, data := range res.Data {
		for len(data) > 0 {
			rb, rest, err := record.Split(data)
			if err != nil {
				b.t.Fatal(err)
			}
			for r, err := range rb.Records(record.Limits{}) {
				if err != nil {
					b.t.Fatal(err)
				}
				out = append(out, string(r.Value))
			}
			data = rest
		}
	}
	return out
}
