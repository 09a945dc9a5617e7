package record

import "fmt"

// Codec is the compression of a batch's payload, numbered as in the attributes.
type Codec int8

// The codecs of format version 2.
const (
	None Codec = iota
	Gzip
	Snappy
	Lz4
	Zstd
)

// DefaultLevel asks for the codec's own default level: gzip 6, lz4 9 (its fast
// compressor), zstd 3. Zero is no other meaning for any of them.
const DefaultLevel = 0

var codecNames = [...]string{"none", "gzip", "snappy", "lz4", "zstd"}

// Valid reports whether c is a codec that exists.
func (c Codec) Valid() bool { return c >= None && c <= Zstd }

func (c Codec) String() string {
	if c.Valid() {
		return codecNames[c]
	}
	return fmt.Sprintf("unknown(%d)", int8(c))
}

// ParseCodec reads a codec as producers and topics name it; "uncompressed" is
// the topic-level word for none.
func ParseCodec(name string) (Codec, error) {
	if name == "uncompressed" {
		return None, nil
	}
	for i, n := range codecNames {
		if n == name {
			return Codec(i), nil
		}
	}
	return None, fmt.Errorf("record: %q is not a compression type", name)
}

// CheckLevel reports whether level is one Kafka accepts for c. DefaultLevel
// always is.
func (c Codec) CheckLevel(level int) error {
	lo, hi := 0, 0
	switch c {
	case Gzip:
		lo, hi = -1, 9
	case Lz4:
		lo, hi = 1, 17
	case Zstd:
		lo, hi = -131072, 22
	}
	if level != DefaultLevel && (level < lo || level > hi) {
		return fmt.Errorf("record: compression level %d is outside [%d, %d] of %v", level, lo, hi, c)
	}
	return nil
}

// Compress appends src, compressed as Kafka's Java clients write it, to dst:
// gzip stream, xerial-framed snappy, lz4 frame of independent 64 KiB blocks,
// zstd frame. Levels out of range are clamped.
func (c Codec) Compress(dst, src []byte, level int) ([]byte, error) {
	switch c {
	case None:
		return append(dst, src...), nil
	case Gzip:
		return compressGzip(dst, src, level)
	case Snappy:
		return compressSnappy(dst, src), nil
	case Lz4:
		return compressLz4(dst, src, level)
	case Zstd:
		return compressZstd(dst, src, level)
	}
	return nil, &InvalidError{Kind: UnsupportedCompression, Message: "compression codec " + c.String() + " does not exist"}
}

// Decompress returns the decompressed src, using dst's memory from its start
// when it is large enough. It gives up with an error that matches ErrTooLarge
// once the output would pass maxBytes, and never allocates more than a small
// multiple of what src can really hold or has really produced, whatever sizes
// src declares. With None it returns src itself.
func (c Codec) Decompress(dst, src []byte, maxBytes int) ([]byte, error) {
	switch c {
	case None:
		return src, nil
	case Gzip:
		return decompressGzip(dst[:0], src, maxBytes)
	case Snappy:
		return decompressSnappy(dst[:0], src, maxBytes)
	case Lz4:
		return decompressLz4(dst[:0], src, maxBytes)
	case Zstd:
		return decompressZstd(dst[:0], src, maxBytes)
	}
	return nil, malformed("compression codec "+c.String()+" does not exist", nil)
}

// Target is what a topic's compression.type asks for. The zero value keeps what
// the producer chose.
type Target struct {
	Convert bool
	Codec   Codec
	Level   int
}

// ParseTarget reads compression.type with the levels configured per codec.
func ParseTarget(compressionType string, gzipLevel, lz4Level, zstdLevel int) (Target, error) {
	if compressionType == "producer" || compressionType == "" {
		return Target{}, nil
	}
	c, err := ParseCodec(compressionType)
	if err != nil {
		return Target{}, err
	}
	t := Target{Convert: true, Codec: c}
	switch c {
	case Gzip:
		t.Level = gzipLevel
	case Lz4:
		t.Level = lz4Level
	case Zstd:
		t.Level = zstdLevel
	}
	return t, c.CheckLevel(t.Level)
}

func malformed(reason string, err error) error { return &MalformedError{Reason: reason, Err: err} }

func tooLarge(maxBytes int) error {
	return malformed(fmt.Sprintf("more than %d bytes after decompression", maxBytes), ErrTooLarge)
}

// grown returns b with room for more bytes: at least double, never above limit.
func grown(b []byte, limit int) []byte {
	n := min(max(2*cap(b), 4<<10), limit)
	if n <= cap(b) {
		return b
	}
	bigger := make([]byte, len(b), n)
	copy(bigger, b)
	return bigger
}
