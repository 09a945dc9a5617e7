package commitlog

import (
	"errors"
	"log/slog"
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
	log     *slog.Logger
	reserve atomic.Int64 // as configured; 0 chooses by disk size

	asked atomic.Int64 // Unix nanoseconds of the last answer
	free  atomic.Int64 // last answer minus what was written since
	floor atomic.Int64 // refuse below this

	refusing atomic.Bool // clients; has been logged
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

// admit is take for an append. The cleaner, which also takes, may be refused
// what appends still get.
func (g *spaceGuard) admit(n int64, o Origin, now time.Time) error {
	err := g.take(n, o, now)
	if o == Client {
		g.tell(errors.Is(err, ErrDiskFull))
	}
	return err
}

// tell logs when clients begin to be refused, and when that is over: clients
// try again by themselves, and may only report a time-out in the end. It is over
// with a quarter of the reserve to spare, or large and small batches in turn
// would be a line each.
func (g *spaceGuard) tell(refused bool) {
	if g.refusing.Load() == refused {
		return
	}
	free, floor := g.free.Load(), g.floor.Load()
	if !refused && free < floor+floor/4 || !g.refusing.CompareAndSwap(!refused, refused) {
		return
	}
	attrs := []any{slog.String("dir", g.path), slog.Int64("freeBytes", free), slog.Int64("reserveBytes", floor)}
	if refused {
		g.log.Warn("appends are refused: the disk is nearly full, and the rest is kept as a reserve (milena.disk.reserve.bytes)", attrs...)
		return
	}
	g.log.Info("appends are accepted again", attrs...)
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
