package record

import (
	"bytes"
	"testing"
	"testing/synctest"
)

func TestBudgetServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		b.take(8)
		got := make(chan int64, 3)
		for _, n := range []int64{9, 1, 2} { // 1 would fit at once, but 9 was first
			go func() {
				b.take(n)
				got <- n
			}()
			synctest.Wait()
		}
		if len(got) > 0 {
			t.Fatalf("%d was served out of order", <-got)
		}
		b.give(8)
		synctest.Wait()
		if len(got) != 2 || <-got != 9 || <-got != 1 {
			t.Fatal("want 9 and 1 to be served, 2 to wait")
		}
		b.give(9)
		synctest.Wait()
		if len(got) != 1 {
			t.Fatal("2 was not served")
		}
		b.give(3)
		if b.free != b.limit {
			t.Errorf("%d of %d free in the end", b.free, b.limit)
		}
	})
}

func TestInflatedBoundHolds(t *testing.T) {
	for _, c := range []Codec{Gzip, Snappy, Lz4, Zstd} {
		for _, size := range []int{0, 1, 100, 10 << 10, 3 << 20} {
			packed, err := c.Compress(nil, make([]byte, size), DefaultLevel)
			if err != nil {
				t.Fatal(err)
			}
			if bound := inflatedBound(c, packed, Limits{}); bound < int64(size) {
				t.Errorf("%v: %d bytes are said to become %d at most, they become %d", c, len(packed), bound, size)
			}
			if bound := inflatedBound(c, packed, Limits{MaxDecompressedBytes: 50}); bound > 50 {
				t.Errorf("%v: bound %d is above the limit", c, bound)
			}
		}
	}
}

// TestInflatingGivesBack goes through every way to look into a large batch.
func TestInflatingGivesBack(t *testing.T) {
	b := NewBuilder(BuilderOptions{Codec: Zstd})
	b.Append(1, nil, bytes.Repeat([]byte("0123456789"), 1<<19))
	b.Append(2, nil, []byte("second"))
	batch := b.Build()
	for range batch.Records(Limits{}) {
		break
	}
	for range batch.Records(Limits{MaxDecompressedBytes: 1000}) {
		break
	}
	if _, err := Recode(batch, Gzip, DefaultLevel, Limits{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Recode(batch, Gzip, DefaultLevel, Limits{MaxDecompressedBytes: 2 << 20}); err == nil {
		t.Fatal("a batch above the limit was read")
	}
	if inflating.free != inflating.limit {
		t.Errorf("%d of %d bytes are reserved in the end", inflating.limit-inflating.free, inflating.limit)
	}
}
