package record

import (
	"encoding/binary"
	"fmt"
)

// ControlType is the kind of a control record.
type ControlType int16

// The kinds of control records. Brokers write Abort and Commit; the others
// belong to Kafka's own metadata log.
const (
	Abort ControlType = iota
	Commit
	LeaderChange
	SnapshotHeader
	SnapshotFooter
	KRaftVersion
	KRaftVoters
)

func (t ControlType) String() string {
	names := [...]string{"abort", "commit", "leader-change", "snapshot-header", "snapshot-footer", "kraft-version", "kraft-voters"}
	if t < 0 || int(t) >= len(names) {
		return fmt.Sprintf("unknown(%d)", int16(t))
	}
	return names[t]
}

// Control is a decoded control record. CoordinatorEpoch is set for Abort and
// Commit.
type Control struct {
	Type             ControlType
	CoordinatorEpoch int32
	Offset           int64
	Timestamp        int64
}

// IsEndTxn reports whether the record ends a transaction.
func (c Control) IsEndTxn() bool { return c.Type == Abort || c.Type == Commit }

// ControlBatch builds the marker that ends a producer's transaction.
//
//	key:   version(int16)=0 type(int16)
//	value: version(int16)=0 coordinatorEpoch(int32)
//
// Newer readers accept higher versions of both, with fields appended. A
// transaction version (KIP-1228) travels in WriteTxnMarkers, not in the marker.
func ControlBatch(kind ControlType, coordinatorEpoch int32, producerID int64, producerEpoch int16, timestampMs int64) Batch {
	var key [4]byte
	var value [6]byte
	binary.BigEndian.PutUint16(key[2:], uint16(kind))
	binary.BigEndian.PutUint32(value[2:], uint32(coordinatorEpoch))
	b := NewBuilder(BuilderOptions{
		LeaderEpoch: -1, ProducerID: producerID, ProducerEpoch: producerEpoch, BaseSequence: NoSequence,
		Transactional: true, Control: true,
	})
	b.Append(timestampMs, key[:], value[:])
	return b.Build()
}

// ParseControl decodes the first record of a control batch. A batch that is not
// one, or is empty after compaction, is a *MalformedError.
func ParseControl(b Batch) (Control, error) {
	if !b.IsControl() {
		return Control{}, malformed("not a control batch", nil)
	}
	for r, err := range b.Records(Limits{}) {
		if err != nil {
			return Control{}, err
		}
		return parseControlRecord(r)
	}
	return Control{}, malformed("control batch without a record", nil)
}

func parseControlRecord(r Record) (Control, error) {
	if len(r.Key) < 4 || int16(binary.BigEndian.Uint16(r.Key)) < 0 {
		return Control{}, malformed("control record key", nil)
	}
	c := Control{Type: ControlType(binary.BigEndian.Uint16(r.Key[2:])), Offset: r.Offset, Timestamp: r.Timestamp}
	if c.IsEndTxn() {
		if len(r.Value) < 6 || int16(binary.BigEndian.Uint16(r.Value)) < 0 {
			return Control{}, malformed("end-of-transaction marker value", nil)
		}
		c.CoordinatorEpoch = int32(binary.BigEndian.Uint32(r.Value[2:]))
	}
	return c, nil
}
