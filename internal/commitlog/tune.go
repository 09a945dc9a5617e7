package commitlog

import (
	"math"
	"time"
)

// Tuning is what may be changed while a directory is open. The fields mean what
// those of DirOptions do.
type Tuning struct {
	ReserveBytes          int64
	ProducerIDExpiration  time.Duration // for logs opened from now on
	CleanerMaxBytesPerSec float64
}

// Tune puts other limits into force. It may be called at any time.
func (d *Dir) Tune(t Tuning) {
	d.space.reserve.Store(t.ReserveBytes)
	d.space.asked.Store(0) // the next append asks again
	d.producerIDExpirationMs.Store(t.ProducerIDExpiration.Milliseconds())
	d.cleanerRateBits.Store(math.Float64bits(t.CleanerMaxBytesPerSec))
}

func (d *Dir) cleanerRate() float64 { return math.Float64frombits(d.cleanerRateBits.Load()) }
