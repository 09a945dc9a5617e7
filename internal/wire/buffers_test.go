package wire

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

func TestBuffersKeepTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewBuffers()
		defer w.Release()
		w.Start(3, 9, 1234)
		want := []byte{0, 0, 4, 210, 0}
		for range rapid.IntRange(0, 20).Draw(t, "pieces") {
			p := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")
			switch rapid.IntRange(0, 2).Draw(t, "way") {
			case 0:
				w.Borrow(p)
			case 1:
				_, _ = w.Write(p)
			case 2:
				w.Append(func(dst []byte) []byte { return append(dst, p...) })
			}
			want = append(want, p...)
		}
		n := w.Len()
		list, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := list.WriteTo(&got); err != nil {
			t.Fatal(err)
		}
		size := AppendInt32(nil, int32(len(want)))
		if n != 4+len(want) || !bytes.Equal(got.Bytes(), append(size, want...)) {
			t.Fatalf("got %x\nwant %x %x", got.Bytes(), size, want)
		}
	})
}

func TestBorrowedBytesAreNotCopied(t *testing.T) {
	w := NewBuffers()
	defer w.Release()
	w.Start(1, 4, 1)
	records := []byte("records")
	w.Borrow(records)
	list, err := w.Finish()
	if err != nil || len(*list) != 2 || &(*list)[1][0] != &records[0] {
		t.Errorf("%q, %v", *list, err)
	}
}

func TestMessage(t *testing.T) {
	resp := kmsg.NewPtrHeartbeatResponse()
	resp.Version = 4
	w := NewBuffers()
	defer w.Release()
	w.Start(12, 4, 7)
	w.Message(resp)
	list, err := w.Finish()
	if err != nil || len(*list) != 1 {
		t.Fatal(err)
	}
	back := kmsg.NewPtrHeartbeatResponse()
	back.Version = 4
	if err := back.ReadFrom((*list)[0][9:]); err != nil {
		t.Error(err)
	}
}

func TestUnstartedFrameIsRefused(t *testing.T) {
	w := NewBuffers()
	defer w.Release()
	if _, err := w.Finish(); err == nil {
		t.Error("a frame without a size was accepted")
	}
}

func BenchmarkFetchResponse100Partitions(b *testing.B) {
	records := make([]byte, 16<<10)
	b.ReportAllocs()
	for b.Loop() {
		w := NewBuffers()
		w.Start(1, 13, 1)
		for i := range 100 {
			w.Append(func(dst []byte) []byte { return AppendInt64(AppendInt32(dst, int32(i)), 42) })
			w.Borrow(records)
		}
		if _, err := w.Finish(); err != nil {
			b.Fatal(err)
		}
		w.Release()
	}
}
