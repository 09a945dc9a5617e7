package producer

import (
	"encoding/binary"

	"github.com/milena-io/milena/internal/record"
)

// spec describes a data batch by what producer state looks at.
type spec struct {
	pid    int64
	epoch  int16
	seq    int32
	count  int32
	offset int64
	ts     int64
	txn    bool
}

// batch builds only the header: data batches are never opened here.
func (s spec) batch() record.Batch {
	be := binary.BigEndian
	b := make([]byte, record.HeaderSize)
	be.PutUint64(b, uint64(s.offset))
	be.PutUint32(b[8:], record.HeaderSize-record.LogOverhead)
	b[16] = 2
	if s.txn {
		b[22] = 0x10
	}
	be.PutUint32(b[23:], uint32(s.count-1))
	be.PutUint64(b[27:], uint64(s.ts))
	be.PutUint64(b[35:], uint64(s.ts))
	be.PutUint64(b[43:], uint64(s.pid))
	be.PutUint16(b[51:], uint16(s.epoch))
	be.PutUint32(b[53:], uint32(s.seq))
	be.PutUint32(b[57:], uint32(s.count))
	return b
}

func markerBatch(kind record.ControlType, coord int32, pid int64, epoch int16, offset, ts int64) record.Batch {
	b := record.ControlBatch(kind, coord, pid, epoch, ts)
	b.SetBaseOffset(offset)
	return b
}
