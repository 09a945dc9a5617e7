package producer

import (
	"slices"
	"sort"
)

// openTxn is a transaction without a marker.
type openTxn struct{ first, pid int64 }

// doneTxn is a transaction whose marker the high watermark may not have passed.
type doneTxn struct{ first, marker int64 }

// txns orders the unstable transactions of a log.
type txns struct {
	open []openTxn // by first offset, rising
	done []doneTxn // by marker offset, rising
}

func (t *txns) begin(first, pid int64) {
	i := sort.Search(len(t.open), func(i int) bool { return t.open[i].first > first })
	t.open = slices.Insert(t.open, i, openTxn{first, pid})
}

// end moves the transaction that began at first to the done ones and returns
// the last stable offset that this leaves, replication aside.
func (t *txns) end(first, marker int64) (lastStable int64) {
	if i := sort.Search(len(t.open), func(i int) bool { return t.open[i].first >= first }); i < len(t.open) && t.open[i].first == first {
		t.open = slices.Delete(t.open, i, i+1)
	}
	t.done = append(t.done, doneTxn{first, marker})
	if len(t.open) > 0 {
		return t.open[0].first
	}
	return marker + 1
}

// replicated forgets finished transactions whose marker lies below hw.
func (t *txns) replicated(hw int64) {
	n := t.stable(hw)
	if n == len(t.done) {
		t.done = t.done[:0]
		return
	}
	t.done = slices.Delete(t.done, 0, n)
}

// stable is the number of finished transactions whose marker lies below hw.
func (t *txns) stable(hw int64) int {
	return sort.Search(len(t.done), func(i int) bool { return t.done[i].marker >= hw })
}

func (t *txns) firstUnstable(hw int64) (int64, bool) {
	first, ok := int64(0), false
	if len(t.open) > 0 {
		first, ok = t.open[0].first, true
	}
	for _, d := range t.done[t.stable(hw):] {
		if !ok || d.first < first {
			first, ok = d.first, true
		}
	}
	return first, ok
}
