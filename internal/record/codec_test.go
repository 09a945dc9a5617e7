package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	kzstd "github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

func TestCodecsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(codecs).Draw(t, "codec")
		src := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 500), rapid.Custom(func(t *rapid.T) []byte {
			r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
			b := make([]byte, rapid.IntRange(0, 300_000).Draw(t, "size"))
			noise := rapid.IntRange(1, 256).Draw(t, "noise")
			for i := range b {
				b[i] = byte(r.IntN(noise))
			}
			return b
		})).Draw(t, "src")
		level := rapid.IntRange(-5, 22).Draw(t, "level")
		prefix := []byte("prefix")
		out, err := c.Compress(bytes.Clone(prefix), src, level)
		if err != nil || !bytes.HasPrefix(out, prefix) {
			t.Fatal(err)
		}
		packed := out[len(prefix):]
		back, err := c.Decompress(make([]byte, 3, 100), packed, len(src))
		if err != nil || !bytes.Equal(back, src) {
			t.Fatalf("%v: %d bytes back of %d: %v", c, len(back), len(src), err)
		}
		if c != None && len(src) > 0 {
			if _, err := c.Decompress(nil, packed, len(src)-1); !errors.Is(err, ErrTooLarge) {
				t.Fatalf("%v: limit one byte short: %v", c, err)
			}
			if _, err := c.Decompress(nil, packed[:len(packed)-1], len(src)); err == nil && c != Gzip {
				t.Fatalf("%v: cut off input was accepted", c)
			}
		}
	})
}

// The codecs of franz-go are those of most Go clients; each must read the other.
func TestCodecsAgreeWithFranz(t *testing.T) {
	src := bytes.Repeat([]byte("a line of some log, and "), 10_000)
	for c, kc := range map[Codec]kgo.CompressionCodec{
		Gzip: kgo.GzipCompression(), Snappy: kgo.SnappyCompression(), Lz4: kgo.Lz4Compression(), Zstd: kgo.ZstdCompression(),
	} {
		comp, err := kgo.DefaultCompressor(kc)
		if err != nil {
			t.Fatal(err)
		}
		packed, _ := comp.Compress(new(bytes.Buffer), src)
		back, err := c.Decompress(nil, bytes.Clone(packed), len(src))
		if err != nil || !bytes.Equal(back, src) {
			t.Errorf("%v from franz-go: %v", c, err)
		}
		ours, _ := c.Compress(nil, src, DefaultLevel)
		back, err = kgo.DefaultDecompressor().Decompress(ours, kgo.CompressionCodecType(c))
		if err != nil || !bytes.Equal(back, src) {
			t.Errorf("%v to franz-go: %v", c, err)
		}
	}
}

// Frames with settings that other clients use and we never write.
func TestForeignLz4Frames(t *testing.T) {
	src := make([]byte, 1<<20)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range src {
		src[i] = byte(r.IntN(4))
	}
	for name, opts := range map[string][]lz4.Option{
		"large blocks": {lz4.BlockSizeOption(lz4.Block4Mb)},
		"checksums":    {lz4.BlockSizeOption(lz4.Block64Kb), lz4.BlockChecksumOption(true), lz4.ChecksumOption(true)},
		"content size": {lz4.SizeOption(uint64(len(src))), lz4.ChecksumOption(false)},
	} {
		var buf bytes.Buffer
		z := lz4.NewWriter(&buf)
		if err := z.Apply(opts...); err != nil {
			t.Fatal(err)
		}
		_, err := z.Write(src)
		if err := errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
		back, err := Lz4.Decompress(nil, buf.Bytes(), len(src))
		if err != nil || !bytes.Equal(back, src) {
			t.Errorf("%s: %v", name, err)
		}
		bad := buf.Bytes()
		bad[len(bad)/2] ^= 0x40
		if back, err := Lz4.Decompress(nil, bad, len(src)); err == nil && name == "checksums" {
			t.Errorf("a flipped bit passes %s: %v", name, bytes.Equal(back, src))
		}
	}
	ours, _ := Lz4.Compress(nil, src, DefaultLevel)
	var back bytes.Buffer
	if _, err := back.ReadFrom(lz4.NewReader(bytes.NewReader(ours))); err != nil || !bytes.Equal(back.Bytes(), src) {
		t.Errorf("the library's reader on our frame: %v", err)
	}
}

// Blocks that refer back into the block before them, as the lz4 command writes.
func TestLinkedLz4Blocks(t *testing.T) {
	first := []byte("0123456789abcdefghijklmnopqrstuvwxyz")
	frame := []byte{0x04, 0x22, 0x4d, 0x18, 0x40, 0x40}
	frame = append(frame, byte(xxh32(frame[4:6])>>8))
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(first))|lz4Stored)
	frame = append(frame, first...)
	// No literals, a match of 10 at distance 36, then the literals "the end".
	linked := append([]byte{0x06, 36, 0, 0x70}, "the end"...)
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(linked)))
	frame = append(append(frame, linked...), 0, 0, 0, 0)
	got, err := Lz4.Decompress(nil, frame, 1000)
	if want := string(first) + "0123456789the end"; err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestXXH32(t *testing.T) {
	// Published test values of xxHash with seed 0.
	for s, want := range map[string]uint32{
		"": 0x02cc5d05, "a": 0x550d7456, "abc": 0x32d153ff, "Nobody inspects the spammish repetition": 0xe2293b2f,
	} {
		if got := xxh32([]byte(s)); got != want {
			t.Errorf("xxh32(%q) = %08x, want %08x", s, got, want)
		}
	}
}

func TestRawSnappyIsRead(t *testing.T) {
	src := []byte(strings.Repeat("snappy without frames ", 100))
	got, err := Snappy.Decompress(nil, s2.EncodeSnappy(nil, src), len(src))
	if err != nil || !bytes.Equal(got, src) {
		t.Error(err)
	}
}

// bombs are small inputs that claim or really have enormous contents.
func bombs(t testing.TB) map[string]struct {
	codec Codec
	src   []byte
} {
	t.Helper()
	const size = 64 << 20
	zeros := make([]byte, size)
	var gz bytes.Buffer
	z, _ := kgzip.NewWriterLevel(&gz, 9)
	_, _ = z.Write(zeros)
	_ = z.Close()
	enc, _ := kzstd.NewWriter(nil)
	var zs bytes.Buffer
	stream, _ := kzstd.NewWriter(&zs)
	_, _ = stream.Write(zeros)
	_ = stream.Close()
	lz, _ := Lz4.Compress(nil, zeros, 0)
	sn, _ := Snappy.Compress(nil, zeros, 0)
	rle := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88} // a frame without size, 128 MiB window
	for range 2000 {
		rle = append(rle, 0x02, 0x00, 0x10, 0) // 128 KiB of zeros in 4 bytes
	}
	lying := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0x40, 0, 0, 0, 0, 1, 0, 0} // says 1 GiB, has nothing
	return map[string]struct {
		codec Codec
		src   []byte
	}{
		"gzip":                 {Gzip, gz.Bytes()},
		"gzip in members":      {Gzip, bytes.Repeat(gz.Bytes(), 3)},
		"zstd with size":       {Zstd, enc.EncodeAll(zeros, nil)},
		"zstd stream":          {Zstd, zs.Bytes()},
		"zstd runs, ratio 32k": {Zstd, rle},
		"zstd lying size":      {Zstd, lying},
		"zstd frames":          {Zstd, bytes.Repeat(enc.EncodeAll(zeros[:1<<20], nil), 64)},
		"lz4":                  {Lz4, lz},
		"snappy":               {Snappy, sn},
		"snappy lying size":    {Snappy, []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0, 'x'}},
		"snappy lying within":  {Snappy, []byte{0x80, 0x80, 0x20, 0, 'x'}},
		"s2 repeat code":       {Snappy, append(binary.AppendUvarint(nil, 500_000), 0, 'a', 0x01, 0x01, 0x1d, 0xff, 0xff, 0x07)},
	}
}

// With a limit of 1 MiB no bomb may cost more than a few MiB, and each is refused.
func TestBombs(t *testing.T) {
	const limit = 1 << 20
	for name, bomb := range bombs(t) {
		_, _ = bomb.codec.Decompress(nil, []byte("warm up"), limit)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		out, err := bomb.codec.Decompress(nil, bomb.src, limit)
		runtime.ReadMemStats(&after)
		m, ok := errors.AsType[*MalformedError](err)
		if !ok || out != nil {
			t.Errorf("%s: %d bytes from %d: %v, %v", name, len(out), len(bomb.src), err, m)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 8*limit {
			t.Errorf("%s of %d bytes cost %d KiB", name, len(bomb.src), spent>>10)
		}
	}
}

func TestCodecNames(t *testing.T) {
	for _, c := range codecs {
		if got, err := ParseCodec(c.String()); err != nil || got != c {
			t.Errorf("%v -> %v, %v", c, got, err)
		}
	}
	if _, err := ParseCodec("brotli"); err == nil {
		t.Error("brotli was accepted")
	}
	if got := Codec(7).String(); got != "unknown(7)" {
		t.Error(got)
	}
	if _, err := Codec(6).Compress(nil, nil, 0); err == nil {
		t.Error("codec 6 compresses")
	}
	if _, err := Codec(6).Decompress(nil, nil, 10); err == nil {
		t.Error("codec 6 decompresses")
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		name string
		want Target
		bad  bool
	}{
		{name: "producer"},
		{name: ""},
		{name: "uncompressed", want: Target{Convert: true}},
		{name: "none", want: Target{Convert: true}},
		{name: "gzip", want: Target{true, Gzip, -1}},
		{name: "lz4", want: Target{true, Lz4, 17}},
		{name: "zstd", want: Target{true, Zstd, -131072}},
		{name: "snappy", want: Target{true, Snappy, 0}},
		{name: "lzo", bad: true},
	} {
		got, err := ParseTarget(c.name, -1, 17, -131072)
		if (err != nil) != c.bad || !c.bad && got != c.want {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	for _, bad := range [][3]int{{10, 9, 3}, {-2, 9, 3}, {1, 18, 3}, {1, -1, 3}, {1, 9, 23}, {1, 9, -131073}} {
		errs := 0
		for _, name := range []string{"gzip", "lz4", "zstd"} {
			if _, err := ParseTarget(name, bad[0], bad[1], bad[2]); err != nil {
				errs++
			}
		}
		if errs != 1 {
			t.Errorf("levels %v: %d errors", bad, errs)
		}
	}
}
