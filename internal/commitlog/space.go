package commitlog

import (
	"sync/atomic"
	"time"

	"github.com/milena-io/milena/internal/vfs"
)

// spaceGuard refuses appends before the disk is full: a write that fails half
// way would take the directory offline, a refusal only asks the client to wait.
// The free space is asked for about once a second, or earlier when what was
// written since could matter; in between it is estimated.
type spaceGuard struct {
	fs      vfs.FS
	path    string
	reserve atomic.Int64 // as configured; 0 chooses by disk size

	asked atomic.Int64 // Unix nanoseconds of the last answer
	free  atomic.Int64 // last answer minus what was written since
	floor atomic.Int64 // refuse below this
}

const spaceMaxAge = time.Second

// coordinatorShare is the part of the reserve that only coordinators' appends
// may not use: when clients' records are refused, their groups go on committing
// and rebalancing, and need little for it.
const coordinatorShare = 4

// take accounts for n bytes about to be written, or returns ErrDiskFull.
func (g *spaceGuard) take(n int64, o Origin, now time.Time) error {
	if age := now.UnixNano() - g.asked.Load(); age < 0 || age >= int64(spaceMaxAge) || g.free.Load()-n < 2*g.floor.Load() {
		if err := g.refresh(now); err != nil {
			return err
		}
	}
	floor := g.floor.Load()
	if o == Coordinator {
		floor /= coordinatorShare
	}
	if g.free.Add(-n) < floor {
		g.free.Add(n)
		return ErrDiskFull
	}
	return nil
}

func (g *spaceGuard) refresh(now time.Time) error {
	u, err := g.fs.Usage(g.path)
	if err != nil {
		return err
	}
	floor := g.reserve.Load()
	if floor == 0 {
		floor = min(defaultReserveBytes, u.Total/100)
	}
	g.floor.Store(floor)
	g.free.Store(u.Free)
	g.asked.Store(now.UnixNano())
	return nil
}
