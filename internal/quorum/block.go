package quorum

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	blockMagic  = 0x314c524d // "MRL1"
	blockHeader = 32
	blockAlign  = 32
	sectorSize  = 512
	// bodyEnd is the last byte of every body, so that the last sector of a
	// block that reached the disk is never all zeros.
	bodyEnd = 0xA5
	// sealSize is what the block that ends a segment takes.
	sealSize = blockHeader + blockAlign
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var le = binary.LittleEndian

// position is where the log's chain of blocks stands.
type position struct {
	sequence uint64 // of the last block
	chain    uint32 // its header checksum
}

// blockHead is a decoded block header.
type blockHead struct {
	length   uint32
	bodyCRC  uint32
	sequence uint64
	chain    uint32
	salt     uint32
	crc      uint32
}

// appendBlock frames records, which it pads in place, as the next block.
func appendBlock(dst, records []byte, at position, salt uint32) ([]byte, position) {
	body := padBody(records)
	var h [blockHeader]byte
	le.PutUint32(h[0:], blockMagic)
	le.PutUint32(h[8:], uint32(len(body)))
	le.PutUint32(h[12:], crc32.Checksum(body, castagnoli))
	le.PutUint64(h[16:], at.sequence+1)
	le.PutUint32(h[24:], at.chain)
	le.PutUint32(h[28:], salt)
	sum := crc32.Checksum(h[8:], castagnoli)
	le.PutUint32(h[4:], sum)
	return append(append(dst, h[:]...), body...), position{at.sequence + 1, sum}
}

func padBody(records []byte) []byte {
	n := bodySize(len(records))
	for len(records) < n-1 {
		records = append(records, 0)
	}
	return append(records, bodyEnd)
}

// bodySize is the size of a body that holds n bytes of records.
func bodySize(n int) int { return (n + 1 + blockAlign - 1) / blockAlign * blockAlign }

// parseHead decodes a header; false if it is not one.
func parseHead(b []byte) (blockHead, bool) {
	if len(b) < blockHeader || le.Uint32(b) != blockMagic {
		return blockHead{}, false
	}
	h := blockHead{
		crc: le.Uint32(b[4:]), length: le.Uint32(b[8:]), bodyCRC: le.Uint32(b[12:]),
		sequence: le.Uint64(b[16:]), chain: le.Uint32(b[24:]), salt: le.Uint32(b[28:]),
	}
	if crc32.Checksum(b[8:blockHeader], castagnoli) != h.crc || h.length == 0 || h.length%blockAlign != 0 {
		return blockHead{}, false
	}
	return h, true
}

// follows reports whether h is the block after at in the log with this salt.
func (h blockHead) follows(at position, salt uint32) bool {
	return h.sequence == at.sequence+1 && h.chain == at.chain && h.salt == salt
}

func (h blockHead) bodyOK(body []byte) bool {
	return uint32(len(body)) == h.length && crc32.Checksum(body, castagnoli) == h.bodyCRC && body[len(body)-1] == bodyEnd
}

func allZero(b []byte) bool {
	for len(b) >= 8 {
		if le.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// hasZeroSector reports whether data, which lies at off in its file, covers a
// sector (or a part of one) that is all zeros.
func hasZeroSector(data []byte, off int64) bool {
	for len(data) > 0 {
		n := min(int64(len(data)), sectorSize-off%sectorSize)
		if allZero(data[:n]) {
			return true
		}
		data, off = data[n:], off+n
	}
	return false
}
