package producer

import "encoding/binary"

// Batch is a batch that a repetition is recognised by.
type Batch struct {
	LastSequence int32
	LastOffset   int64
	OffsetDelta  int32 // LastOffset minus the first offset
	Timestamp    int64 // largest of its records
}

func (b Batch) meta() batchMeta {
	return batchMeta{lastOffset: b.LastOffset, timestamp: b.Timestamp, lastSeq: b.LastSequence, offsetDelta: b.OffsetDelta}
}

// earlierCount is how many batches before the newest are remembered in all.
func (s *State) earlierCount() (n int) {
	for i := range s.producers.entries {
		n += max(0, int(s.producers.entries[i].n)-1)
	}
	return n
}

// earlier puts the remembered batches before the newest into room, oldest first.
func (e *entry) earlier(room []Batch) []Batch {
	if e.n < 2 {
		return nil
	}
	n := int(e.n) - 1
	out := room[:n:n]
	for i := range out {
		m := e.ring[(int(e.head)+i)%window]
		out[i] = Batch{LastSequence: m.lastSeq, LastOffset: m.lastOffset, OffsetDelta: m.offsetDelta, Timestamp: m.timestamp}
	}
	return out
}

const (
	windowsMagic  = "MWN1"
	windowsHeader = len(windowsMagic) + 4
	windowSize    = 32
)

func countEarlier(infos []Info) (n int) {
	for i := range infos {
		n += len(infos[i].Earlier)
	}
	return n
}

// appendWindows writes what Kafka's format has no place for: the batches before
// each producer's newest, count in all. Nothing is written when there are none.
func appendWindows(b []byte, infos []Info, count int) []byte {
	if count == 0 {
		return b
	}
	be := binary.BigEndian
	b = be.AppendUint32(append(b, windowsMagic...), uint32(count))
	for _, p := range infos {
		for _, m := range p.Earlier {
			b = be.AppendUint64(b, uint64(p.ProducerID))
			b = be.AppendUint32(b, uint32(m.LastSequence))
			b = be.AppendUint64(b, uint64(m.LastOffset))
			b = be.AppendUint32(b, uint32(m.OffsetDelta))
			b = be.AppendUint64(b, uint64(m.Timestamp))
		}
	}
	return b
}

// parseWindows reads what appendWindows wrote into infos. The batches of a
// producer must come in the order of its offsets, the producers in that of
// infos.
func parseWindows(data []byte, infos []Info) error {
	if len(data) == 0 {
		return nil
	}
	be := binary.BigEndian
	if len(data) < windowsHeader || string(data[:len(windowsMagic)]) != windowsMagic {
		return corrupt("%d bytes behind the entries that are no windows", len(data))
	}
	count, body := int64(be.Uint32(data[len(windowsMagic):])), data[windowsHeader:]
	if count == 0 || int64(len(body)) != count*windowSize {
		return corrupt("%d batches of windows in %d bytes", count, len(body))
	}
	at := 0
	for ; len(body) > 0; body = body[windowSize:] {
		pid := int64(be.Uint64(body))
		for at < len(infos) && infos[at].ProducerID != pid {
			at++
		}
		m := Batch{
			LastSequence: int32(be.Uint32(body[8:])),
			LastOffset:   int64(be.Uint64(body[12:])),
			OffsetDelta:  int32(be.Uint32(body[20:])),
			Timestamp:    int64(be.Uint64(body[24:])),
		}
		if at == len(infos) || !infos[at].admits(m) {
			return corrupt("impossible window of producer %d: %+v", pid, m)
		}
		infos[at].Earlier = append(infos[at].Earlier, m)
	}
	return nil
}

// admits reports whether m may follow the batches in Earlier.
func (p *Info) admits(m Batch) bool {
	after := noOffset
	if n := len(p.Earlier); n == window-1 {
		return false
	} else if n > 0 {
		after = p.Earlier[n-1].LastOffset
	}
	first := m.LastOffset - int64(m.OffsetDelta)
	return m.OffsetDelta >= 0 && m.LastOffset >= int64(m.OffsetDelta) && first > after && m.LastOffset < p.LastOffset-int64(p.OffsetDelta)
}
