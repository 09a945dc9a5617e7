package commitlog

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/milena-io/milena/internal/vfs"
)

// TestCoordinatorsHaveHeadroom fills a disk up to the reserve: clients are
// refused before anything is written, coordinators go on down to a quarter of it.
func TestCoordinatorsHaveHeadroom(t *testing.T) {
	const capacity, reserve = 1 << 20, 64 << 10
	mem := vfs.NewMem()
	mem.SetCapacity(capacity)
	o := testOptions(mem)
	o.ReserveBytes = reserve
	var logged bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	d := mustOpen(t, o)
	defer mustClose(t, d)
	cfg := testConfig()
	cfg.SegmentBytes = capacity
	l := mustLog(t, d, cfg)
	if err := d.space.take(2*capacity, Client, d.opts.Now()); !errors.Is(err, ErrDiskFull) || logged.Len() > 0 {
		t.Errorf("what the cleaner is refused says nothing of appends: %v\n%s", err, &logged)
	}
	left := func(origin Origin) int64 {
		t.Helper()
		for {
			size := l.Size()
			_, err := l.Append(makeBatch(1, 1000, 1), AppendOptions{Origin: origin, NowMs: 1})
			if errors.Is(err, ErrDiskFull) {
				if l.Size() != size {
					t.Errorf("a refused append wrote %d bytes", l.Size()-size)
				}
				u, err := d.Usage()
				if err != nil {
					t.Fatal(err)
				}
				return u.Free
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if free := left(Client); free < reserve || free > reserve+4096 {
		t.Errorf("clients were refused at %d free bytes, the reserve is %d", free, reserve)
	}
	if free := left(Coordinator); free < reserve/4 || free > reserve/4+4096 {
		t.Errorf("coordinators were refused at %d free bytes, their part of the reserve is %d", free, reserve/4)
	}
	mem.SetCapacity(2 * capacity)
	if _, err := l.Append(makeBatch(1, 1000, 1), AppendOptions{NowMs: 1}); err != nil {
		t.Errorf("with space again: %v", err)
	}
	for _, once := range []string{"appends are refused", "appends are accepted again"} {
		if n := strings.Count(logged.String(), once); n != 1 {
			t.Errorf("%q was logged %d times:\n%s", once, n, &logged)
		}
	}
}
