package producer

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// SnapshotSuffix ends the name of a snapshot file; its stem is the offset the
// snapshot stands at, in 20 digits.
const SnapshotSuffix = ".snapshot"

const (
	snapshotVersion = 1
	snapshotHeader  = 10 // version, CRC, count
	crcEnd          = 6
	entrySize       = 46
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Info is the public view of one producer, as DescribeProducers and snapshots
// have it.
type Info struct {
	ProducerID       int64
	Epoch            int16
	CoordinatorEpoch int32 // -1: no marker seen
	LastSequence     int32 // -1: none in this epoch
	LastOffset       int64 // last data record, -1: none in this epoch
	OffsetDelta      int32 // LastOffset minus the first offset of that batch
	LastTimestamp    int64
	TxnStart         int64 // first offset of the open transaction, -1: none

	Earlier []Batch // remembered batches before the newest, oldest first
}

// info describes e; earlier has room for the batches before the newest.
func (e *entry) info(earlier []Batch) Info {
	m, _ := e.last()
	return Info{
		ProducerID: e.pid, Epoch: e.epoch, CoordinatorEpoch: e.coordEpoch,
		LastSequence: m.lastSeq, LastOffset: m.lastOffset, OffsetDelta: m.offsetDelta,
		LastTimestamp: e.lastTimestamp, TxnStart: e.txnFirst, Earlier: e.earlier(earlier),
	}
}

// Producers describes every known producer, in order of id.
func (s *State) Producers() []Info {
	if len(s.producers.entries) == 0 {
		return nil
	}
	out := make([]Info, len(s.producers.entries))
	windows := make([]Batch, s.earlierCount()) // one piece: appends wait while a snapshot is made
	for i := range s.producers.entries {
		out[i] = s.producers.entries[i].info(windows)
		windows = windows[len(out[i].Earlier):]
	}
	slices.SortFunc(out, func(a, b Info) int {
		if a.ProducerID < b.ProducerID {
			return -1
		}
		return 1
	})
	return out
}

// Snapshot encodes the state for a .snapshot file.
func (s *State) Snapshot() []byte { return EncodeSnapshot(s.Producers()) }

// EncodeSnapshot is the file content that describes infos.
func EncodeSnapshot(infos []Info) []byte {
	be := binary.BigEndian
	earlier := countEarlier(infos)
	b := make([]byte, snapshotHeader, snapshotHeader+len(infos)*entrySize+windowsHeader+earlier*windowSize)
	be.PutUint16(b, snapshotVersion)
	be.PutUint32(b[crcEnd:], uint32(len(infos)))
	for _, p := range infos {
		b = be.AppendUint64(b, uint64(p.ProducerID))
		b = be.AppendUint16(b, uint16(p.Epoch))
		b = be.AppendUint32(b, uint32(p.LastSequence))
		b = be.AppendUint64(b, uint64(p.LastOffset))
		b = be.AppendUint32(b, uint32(p.OffsetDelta))
		b = be.AppendUint64(b, uint64(p.LastTimestamp))
		b = be.AppendUint32(b, uint32(p.CoordinatorEpoch))
		b = be.AppendUint64(b, uint64(p.TxnStart))
	}
	b = appendWindows(b, infos, earlier)
	be.PutUint32(b[2:], crc32.Checksum(b[crcEnd:], castagnoli))
	return b
}

// ParseSnapshot reads a snapshot file. Anything that does not add up is a
// *CorruptSnapshotError.
func ParseSnapshot(data []byte) ([]Info, error) {
	be := binary.BigEndian
	if len(data) < snapshotHeader {
		return nil, corrupt("%d bytes", len(data))
	}
	if v := int16(be.Uint16(data)); v != snapshotVersion {
		return nil, corrupt("version %d, want %d", v, snapshotVersion)
	}
	if crc := crc32.Checksum(data[crcEnd:], castagnoli); crc != be.Uint32(data[2:]) {
		return nil, corrupt("checksum %#x, want %#x", be.Uint32(data[2:]), crc)
	}
	count := int64(int32(be.Uint32(data[crcEnd:])))
	body := int64(len(data) - snapshotHeader)
	if count < 0 || body < count*entrySize {
		return nil, corrupt("%d entries in %d bytes", count, body)
	}
	entries, windows := data[snapshotHeader:][:count*entrySize], data[snapshotHeader+count*entrySize:]
	infos := make([]Info, 0, count)
	seen := make(map[int64]struct{}, count)
	for b := entries; len(b) > 0; b = b[entrySize:] {
		p := decodeInfo(b)
		if _, dup := seen[p.ProducerID]; dup || p.ProducerID < 0 || p.OffsetDelta < 0 ||
			p.LastOffset >= 0 && int64(p.OffsetDelta) > p.LastOffset {
			return nil, corrupt("impossible entry %+v", p)
		}
		seen[p.ProducerID] = struct{}{}
		infos = append(infos, p)
	}
	if err := parseWindows(windows, infos); err != nil {
		return nil, err
	}
	return infos, nil
}

func decodeInfo(b []byte) Info {
	be := binary.BigEndian
	return Info{
		ProducerID:       int64(be.Uint64(b)),
		Epoch:            int16(be.Uint16(b[8:])),
		LastSequence:     int32(be.Uint32(b[10:])),
		LastOffset:       int64(be.Uint64(b[14:])),
		OffsetDelta:      int32(be.Uint32(b[22:])),
		LastTimestamp:    int64(be.Uint64(b[26:])),
		CoordinatorEpoch: int32(be.Uint32(b[34:])),
		TxnStart:         int64(be.Uint64(b[38:])),
	}
}

func corrupt(format string, args ...any) error {
	return &CorruptSnapshotError{Reason: fmt.Sprintf(format, args...)}
}

// restoredGraceMs is how long a restored producer is known at least.
const restoredGraceMs = 60 * 60 * 1000

// seenBefore is when a producer of a snapshot last showed itself. The file has
// only the timestamp of its records, which clients choose: someone who loads old
// data writes old timestamps, and must not be forgotten by a restart between a
// batch and its repetition. A clock that ran ahead must not keep a producer for
// ever.
func (s *State) seenBefore(timestamp, nowMs int64) int64 {
	return max(min(timestamp, nowMs), nowMs-s.expirationMs+min(restoredGraceMs, s.expirationMs))
}

// Restore replaces the state by a snapshot. Producers that seem to have expired
// are kept for a while: see seenBefore. On an error the state is unchanged.
func (s *State) Restore(data []byte, nowMs int64) error {
	infos, err := ParseSnapshot(data)
	if err != nil {
		return err
	}
	s.Reset()
	for _, p := range infos {
		e := newEntry(p.ProducerID)
		e.epoch, e.coordEpoch = p.Epoch, p.CoordinatorEpoch
		e.lastTimestamp, e.txnFirst = p.LastTimestamp, max(p.TxnStart, noOffset)
		e.seenMs = s.seenBefore(p.LastTimestamp, nowMs)
		for _, m := range p.Earlier {
			e.push(m.meta())
		}
		if p.LastOffset >= 0 {
			// The entry has one timestamp, which after a transaction is the marker's.
			e.push(batchMeta{
				lastOffset: p.LastOffset, timestamp: p.LastTimestamp,
				lastSeq: p.LastSequence, offsetDelta: p.OffsetDelta,
			})
		}
		s.producers.put(e)
		if e.txnFirst >= 0 {
			s.txns.begin(e.txnFirst, e.pid)
		}
	}
	return nil
}
