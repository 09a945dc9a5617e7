package quorum

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// journal is a state machine that remembers what it was given.
type journal struct {
	mu       sync.Mutex
	index    uint64
	entries  []string
	restores int
}

func (j *journal) Apply(index uint64, data []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if index <= j.index {
		panic(fmt.Sprintf("entry %d applied after %d", index, j.index))
	}
	j.index = index
	j.entries = append(j.entries, string(data))
}

func (j *journal) Snapshot() ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	b := binary.AppendUvarint(nil, j.index)
	for _, e := range j.entries {
		b = binary.AppendUvarint(b, uint64(len(e)))
		b = append(b, e...)
	}
	return b, nil
}

func (j *journal) Restore(data []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := bytes.NewReader(data)
	index, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	j.index, j.entries = index, nil
	j.restores++
	for r.Len() > 0 {
		n, err := binary.ReadUvarint(r)
		if err != nil || n > uint64(r.Len()) {
			return errors.New("bad journal")
		}
		e := make([]byte, n)
		_, _ = r.Read(e)
		j.entries = append(j.entries, string(e))
	}
	return nil
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.entries)
}

var testDir = base.UUID{1, 2, 3, 4, 15: 9}

// single is a configuration of one voter with small files.
func single(fs vfs.FS, sm StateMachine) Config {
	return Config{
		NodeID: 1, DirectoryID: testDir, FS: fs, Path: "data/quorum", SM: sm,
		SegmentBytes: 2048, SnapshotEntries: 20,
	}
}

func mustOpen(t testing.TB, cfg Config) *Quorum {
	t.Helper()
	q, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return q
}

func mustPropose(t testing.TB, q *Quorum, text string) uint64 {
	t.Helper()
	index, err := q.Propose(context.Background(), []byte(text))
	if err != nil {
		t.Fatalf("propose %q: %v", text, err)
	}
	return index
}

func mustClose(t testing.TB, q *Quorum) {
	t.Helper()
	if err := q.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func TestSingleVoterKeepsEverythingOverRestarts(t *testing.T) {
	fs := vfs.NewMem()
	var want []string
	for run := range 6 {
		sm := &journal{}
		q := mustOpen(t, single(fs, sm))
		if !q.IsLeader() {
			t.Fatal("a cluster of one must lead when Open returns")
		}
		if got := sm.all(); !slices.Equal(got, want) {
			t.Fatalf("run %d starts with %q, want %q", run, got, want)
		}
		var last uint64
		for i := range 13 {
			text := fmt.Sprintf("run %d entry %d", run, i)
			index := mustPropose(t, q, text)
			want = append(want, text)
			if got := sm.all(); index <= last || got[len(got)-1] != text {
				t.Fatalf("proposal returned index %d after %d, applied %q", index, last, got)
			}
			last = index
		}
		mustClose(t, q)
		if _, err := q.Propose(context.Background(), []byte("x")); !errors.Is(err, ErrStopped) {
			t.Fatalf("propose after close: %v", err)
		}
	}
	snaps, err := listSnapshots(fs, "data/quorum")
	if err != nil || len(snaps) != 2 {
		t.Errorf("snapshots kept: %v, %v", snaps, err)
	}
	if segments, _ := listSegments(fs, "data/quorum"); segments[0] == 1 {
		t.Errorf("the first segment was never removed: %v", segments)
	}
}

// Each sync takes a moment of virtual time, in which everybody else has proposed:
// the next one is for all of them.
func TestConcurrentProposalsShareSyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		sm := &journal{}
		cfg := single(fs, sm)
		syncs := 0
		cfg.Events.Synced = func(_ time.Duration, _, _ int) {
			syncs++
			time.Sleep(time.Millisecond)
		}
		q := mustOpen(t, cfg)
		const n = 500
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				if _, err := q.Propose(context.Background(), fmt.Appendf(nil, "p%03d", i)); err != nil {
					t.Errorf("propose: %v", err)
				}
			})
		}
		wg.Wait()
		mustClose(t, q)
		got := sm.all()
		slices.Sort(got)
		if len(slices.Compact(got)) != n {
			t.Errorf("%d distinct entries applied, want %d", len(got), n)
		}
		if syncs > n/10 {
			t.Errorf("%d syncs for %d proposals", syncs, n)
		}
	})
}

func TestOnTheOperatingSystem(t *testing.T) {
	cfg := single(vfs.OS(), &journal{})
	cfg.Path = t.TempDir() + "/deep/quorum"
	q := mustOpen(t, cfg)
	for i := range 50 {
		mustPropose(t, q, fmt.Sprint(i))
	}
	mustClose(t, q)
	sm := &journal{}
	cfg.SM = sm
	q = mustOpen(t, cfg)
	if n := len(sm.all()); n != 50 {
		t.Errorf("%d entries after a restart", n)
	}
	mustClose(t, q)
}
