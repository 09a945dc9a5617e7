package commitlog

import (
	"bytes"
	"crypto/sha256"
	"hash/maphash"
)

const (
	// defaultDedupeBytes is Kafka's log.cleaner.dedupe.buffer.size.
	defaultDedupeBytes = 128 << 20

	keySlotSize  = 16
	minKeySlots  = 1 << 10
	keyLoadNum   = 3 // slots are used up to 3/4
	keyLoadDenom = 4

	keyChunkSize  = 1 << 20
	firstKeyChunk = 16 << 10
	maxKeyChunks  = 1<<12 - 1 // keeps key positions within 32 bits

	maxInlineKey = 63
	digestedKey  = 64 // first byte of a stored key that is a digest
	noKeyOffset  = -1
)

// keyMap holds the latest offset of each key, in bounded memory and exactly:
// keys are compared byte for byte, so that two keys with one hash stay two keys.
// A long key is represented by its SHA-256, for which no two are known to be
// equal, so the cost of a key is bounded as well.
//
// slots is an open-addressing table; a slot points at the stored key:
//
//	slot   hash (32 bits) | key position + 1 (32 bits, 0: free) | offset (64 bits)
//	chunks length 0..63 and the key, or 64 and the digest, one after the other
//
// A keyMap is used by the cleaner goroutine alone.
type keyMap struct {
	seed   maphash.Seed
	budget int64 // bytes of slots and chunks together

	slots   []keySlot
	used    int
	chunks  [][]byte
	scratch [1 + maxInlineKey]byte
}

type keySlot struct {
	hash, ref uint32
	offset    int64
}

func newKeyMap(budget int64) *keyMap {
	return &keyMap{seed: maphash.MakeSeed(), budget: budget, slots: make([]keySlot, minKeySlots)}
}

// put notes that key was last seen at offset, which must not be below the one it
// has. It returns false, and changes nothing, when a new key would need more
// memory than the budget allows, unless force is set.
func (m *keyMap) put(key []byte, offset int64, force bool) bool {
	stored, hash := m.prepare(key)
	i, found := m.locate(stored, hash)
	if found {
		m.slots[i].offset = offset
		return true
	}
	if !force && !m.room(len(stored)) {
		return false
	}
	if (m.used+1)*keyLoadDenom > len(m.slots)*keyLoadNum {
		m.grow()
		i, _ = m.locate(stored, hash)
	}
	m.slots[i] = keySlot{hash: hash, ref: m.store(stored) + 1, offset: offset}
	m.used++
	return true
}

// get is the latest offset of key, or noKeyOffset.
func (m *keyMap) get(key []byte) int64 {
	stored, hash := m.prepare(key)
	if i, found := m.locate(stored, hash); found {
		return m.slots[i].offset
	}
	return noKeyOffset
}

// prepare returns the form in which key is stored; valid until the next call.
func (m *keyMap) prepare(key []byte) (stored []byte, hash uint32) {
	if len(key) <= maxInlineKey {
		stored = append(m.scratch[:0], byte(len(key)))
		stored = append(stored, key...)
	} else {
		sum := sha256.Sum256(key)
		stored = append(append(m.scratch[:0], digestedKey), sum[:]...)
	}
	return stored, uint32(maphash.Bytes(m.seed, stored))
}

// locate finds the slot of a stored key, or the free one where it belongs.
func (m *keyMap) locate(stored []byte, hash uint32) (slot int, found bool) {
	mask := uint32(len(m.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch s := m.slots[i]; {
		case s.ref == 0:
			return int(i), false
		case s.hash == hash && bytes.HasPrefix(m.at(s.ref-1), stored):
			return int(i), true
		}
	}
}

func (m *keyMap) at(ref uint32) []byte { return m.chunks[ref/keyChunkSize][ref%keyChunkSize:] }

// store appends the key to the newest chunk; a key does not span chunks.
func (m *keyMap) store(stored []byte) uint32 {
	if m.newChunk(len(stored)) {
		m.chunks = append(m.chunks, make([]byte, 0, m.chunkCap()))
	}
	n := len(m.chunks) - 1
	ref := uint32(n*keyChunkSize + len(m.chunks[n]))
	m.chunks[n] = append(m.chunks[n], stored...)
	return ref
}

// newChunk tells whether n more bytes need another chunk.
func (m *keyMap) newChunk(n int) bool {
	last := len(m.chunks) - 1
	return last < 0 || len(m.chunks[last])+n > keyChunkSize
}

// chunkCap lets a small map begin with a small chunk; append doubles it.
func (m *keyMap) chunkCap() int {
	if len(m.chunks) == 0 {
		return firstKeyChunk
	}
	return keyChunkSize
}

// room tells whether one more key of n bytes stays within the budget. While the
// table is copied the old one counts too.
func (m *keyMap) room(n int) bool {
	bytes := int64(len(m.slots)) * keySlotSize
	if (m.used+1)*keyLoadDenom > len(m.slots)*keyLoadNum {
		bytes *= 3
	}
	for _, c := range m.chunks {
		bytes += int64(cap(c))
	}
	if m.newChunk(n) {
		return len(m.chunks) < maxKeyChunks && bytes+int64(m.chunkCap()) <= m.budget
	}
	if last := m.chunks[len(m.chunks)-1]; len(last)+n > cap(last) {
		bytes += int64(cap(last)) + int64(cap(last))/4
	}
	return bytes <= m.budget
}

func (m *keyMap) grow() {
	old := m.slots
	m.slots = make([]keySlot, 2*len(old))
	mask := uint32(len(m.slots) - 1)
	for _, s := range old {
		if s.ref == 0 {
			continue
		}
		i := s.hash & mask
		for m.slots[i].ref != 0 {
			i = (i + 1) & mask
		}
		m.slots[i] = s
	}
}
