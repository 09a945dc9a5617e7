package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// Clients format requests with kmsg's formatter, so what it writes must be read.
func TestHeaderOfClients(t *testing.T) {
	id := "my-client"
	f := kmsg.NewRequestFormatter(kmsg.FormatterClientID(id))
	shared(func(key, version int16) {
		req := kmsg.RequestForKey(key)
		req.SetVersion(version)
		frame := f.AppendRequest(nil, req, 77)[SizePrefix:]
		h, body, err := ParseHeader(frame, Limits{})
		if err != nil || h.Key != key || h.Version != version || h.CorrelationID != 77 || h.ClientID == nil || *h.ClientID != id {
			t.Fatalf("%s v%d: %+v, %v", kmsg.NameForKey(key), version, h, err)
		}
		if want := req.AppendTo(nil); !bytes.Equal(body, want) {
			t.Fatalf("%s v%d: body %x, want %x", kmsg.NameForKey(key), version, body, want)
		}
		if req.IsFlexible() != mustRange(t, key).Flexible(version) {
			t.Fatalf("%s v%d: kmsg says flexible is %v", kmsg.NameForKey(key), version, req.IsFlexible())
		}
	})
}

func mustRange(t *testing.T, key int16) Range {
	t.Helper()
	r, ok := Versions(key)
	if !ok {
		t.Fatalf("no key %d", key)
	}
	return r
}

func TestHeaderEdges(t *testing.T) {
	head := func(key, version int16, rest ...byte) []byte {
		b := AppendInt16(AppendInt16(nil, key), version)
		return append(AppendInt32(b, 5), rest...)
	}
	null, tags := []byte{0xff, 0xff}, []byte{0xff, 0xff, 2, 1, 1, 'x', 9, 0}
	for name, c := range map[string]struct {
		frame []byte
		lim   Limits
		err   string // "" is success
		body  int
	}{
		"null client id":            {head(3, 1, append(null, 1, 2)...), Limits{}, "", 2},
		"tags are skipped":          {head(3, 9, append(tags, 1, 2)...), Limits{}, "", 2},
		"tags above the limit":      {head(3, 9, tags...), Limits{MaxUnknownTags: 1}, "too many unknown", 0},
		"tags cut off":              {head(3, 9, tags[:7]...), Limits{}, "cut off", 0},
		"client id cut off":         {head(3, 1, 0, 9, 'x'), Limits{}, "cut off", 0},
		"client id length negative": {head(3, 1, 0xff, 0xfe), Limits{}, "out of bounds", 0},
		"too short":                 {head(3, 1)[:7], Limits{}, "cut off", 0},
		"empty":                     {nil, Limits{}, "cut off", 0},
		"key unknown":               {head(4, 1, null...), Limits{}, "not supported", 0},
		"version unknown":           {head(3, 99, null...), Limits{}, "not supported", 0},
		"newer ApiVersions":         {head(18, 99, append(null, 0, 7, 8, 9)...), Limits{}, "not supported", 3},
		"broken newer ApiVersions":  {head(18, 99, append(null, 0xff)...), Limits{}, "cut off", 0},
	} {
		h, body, err := ParseHeader(c.frame, c.lim)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || len(body) != c.body {
			t.Errorf("%s: body of %d bytes, %v", name, len(body), err)
		}
		if len(c.frame) >= 8 && h.CorrelationID != 5 {
			t.Errorf("%s: the correlation id is lost", name)
		}
	}
}

func TestResponseHeader(t *testing.T) {
	for _, c := range []struct {
		key, version int16
		want         []byte
	}{
		{3, 8, []byte{0, 0, 0, 9}},
		{3, 9, []byte{0, 0, 0, 9, 0}},
		{18, 4, []byte{0, 0, 0, 9}},  // never flexible
		{18, 99, []byte{0, 0, 0, 9}}, // nor here
		{17, 1, []byte{0, 0, 0, 9}},
	} {
		if got := AppendResponseHeader(nil, c.key, c.version, 9); !bytes.Equal(got, c.want) {
			t.Errorf("key %d version %d: %x, want %x", c.key, c.version, got, c.want)
		}
	}
}

func TestFrames(t *testing.T) {
	for _, c := range []struct {
		size int32
		ok   bool
	}{{-1, false}, {0, true}, {100, true}, {101, false}, {1 << 30, false}} {
		var p [SizePrefix]byte
		binary.BigEndian.PutUint32(p[:], uint32(c.size))
		n, err := ParseSize(p, 100)
		if (err == nil) != c.ok || c.ok && n != int(c.size) || !c.ok && !errors.Is(err, ErrLimit) {
			t.Errorf("%d: %d, %v", c.size, n, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		data := bytes.Repeat([]byte{7, 8, 9}, rapid.IntRange(0, 70_000).Draw(t, "n"))
		size := rapid.IntRange(0, len(data)).Draw(t, "size")
		buf := make([]byte, 3, rapid.IntRange(3, 1000).Draw(t, "cap"))
		got, err := ReadFrame(iotest.HalfReader(bytes.NewReader(data)), buf, size)
		if err != nil || !bytes.Equal(got, data[:size]) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	})
}

func TestFrameGrowsWithWhatCame(t *testing.T) {
	got, err := ReadFrame(strings.NewReader("abc"), nil, 90<<20)
	if err != io.ErrUnexpectedEOF || string(got) != "abc" || cap(got) > frameStep {
		t.Errorf("%q with capacity %d, %v", got, cap(got), err)
	}
}
