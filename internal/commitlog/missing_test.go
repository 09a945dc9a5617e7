package commitlog

import (
	"errors"
	"testing"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/record"
	"github.com/milena-io/milena/internal/vfs"
)

// TestASegmentThatSomebodyRemoved after a clean stop is the damage of one log:
// it is quarantined, and the directory and its other logs go on.
func TestASegmentThatSomebodyRemoved(t *testing.T) {
	for name, use := range map[string]func(l *Log, batch []byte) error{
		"append": func(l *Log, b []byte) error { _, err := l.Append(b, AppendOptions{NowMs: 1}); return err },
		"read":   func(l *Log, _ []byte) error { _, err := l.Read(0, 1, 1000, true); return err },
	} {
		t.Run(name, func(t *testing.T) { removeASegment(t, use) })
	}
}

func removeASegment(t *testing.T, use func(l *Log, batch []byte) error) {
	disk := vfs.NewMem()
	hurt, healthy := base.TopicPartition{Topic: "hurt"}, base.TopicPartition{Topic: "healthy"}
	ids := map[base.TopicPartition]base.UUID{hurt: base.NewUUID(), healthy: base.NewUUID()}
	one := func() []byte {
		b := record.NewBuilder(record.BuilderOptions{})
		b.Append(1, nil, []byte("x"))
		return b.Build()
	}
	open := func() (*Dir, map[base.TopicPartition]*Log) {
		d, err := OpenDir(t.Context(), DirOptions{FS: disk, Path: "/d", NodeID: 1})
		if err != nil {
			t.Fatal(err)
		}
		logs := map[base.TopicPartition]*Log{}
		for tp, id := range ids {
			if logs[tp], err = d.OpenLog(tp, id, DefaultConfig()); err != nil {
				t.Fatal(err)
			}
		}
		return d, logs
	}
	d, logs := open()
	for _, l := range logs {
		if _, err := l.Append(one(), AppendOptions{NowMs: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := disk.Remove("/d/hurt-0/00000000000000000000.log"); err != nil {
		t.Fatal(err)
	}
	d, logs = open()
	defer func() { _ = d.Close() }()
	if err := use(logs[hurt], one()); !errors.Is(err, ErrQuarantined) {
		t.Errorf("the damaged log: %v", err)
	}
	if err := use(logs[healthy], one()); err != nil || d.Offline() != nil {
		t.Errorf("another log: %v, directory: %v", err, d.Offline())
	}
}
