package commitlog

import (
	"fmt"

	"github.com/milena-io/milena/internal/record"
)

// checkEpoch compares a batch's leader epoch, which no checksum covers, with
// the epoch cache.
func (l *Log) checkEpoch(b record.Batch, pos, next int64) error {
	want, known := l.EpochAt(b.BaseOffset())
	if !known || want == b.LeaderEpoch() {
		return nil
	}
	return &badBatch{pos: pos, offset: next, reason: fmt.Sprintf("leader epoch %d, expected %d", b.LeaderEpoch(), want)}
}
