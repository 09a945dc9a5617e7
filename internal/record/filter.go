package record

import "math"

// FilterOptions says how a batch is rewritten by compaction.
type FilterOptions struct {
	// NowMs and DeleteRetentionMs give the delete horizon that a batch gets
	// when it first keeps a tombstone, or, with MarkerForEmptyTxn, when it is
	// the marker of a transaction whose data is gone (KIP-534).
	NowMs             int64
	DeleteRetentionMs int64
	MarkerForEmptyTxn bool
	// RetainEmpty keeps a header without records when no record stays, because
	// it still carries a producer's last sequence or the log's last offset.
	RetainEmpty bool
	// Level is the compression level of a rewritten batch.
	Level  int
	Limits Limits
}

// FilterResult says what Filter did.
type FilterResult struct {
	Read, Kept int
	// Rewritten is false when the returned batch is the argument itself.
	Rewritten bool
	// MaxTimestamp is of the returned batch, LastKept the offset of its last
	// record; both are -1 when no record stays.
	MaxTimestamp int64
	LastKept     int64
}

// Filter returns the batch that remains when only the records stay that keep
// accepts: base offset, last offset, sequence, producer and leader epoch are as
// before. It returns b itself when nothing has to change, and nil when nothing
// remains and RetainEmpty is off. keep sees records without headers and must
// not hold on to them. Errors are *MalformedError; the caller then keeps b.
func (b Batch) Filter(keep func(Record) bool, opts FilterOptions) (Batch, FilterResult, error) {
	var out Batch
	res := FilterResult{MaxTimestamp: NoTimestamp, LastKept: -1}
	err := b.withContents(opts.Limits, func(p []byte) error {
		kept, tombstones, err := b.selectRecords(p, keep, opts.Limits, &res)
		if err != nil {
			return err
		}
		out = b.rebuildKept(kept, tombstones, &res, &opts)
		return nil
	})
	if err != nil {
		return nil, FilterResult{}, err
	}
	return out, res, nil
}

func (b Batch) selectRecords(p []byte, keep func(Record) bool, lim Limits, res *FilterResult) (kept []raw, tombstones bool, err error) {
	var r raw
	clock, base, last := b.clock(), b.BaseOffset(), int32(-1)
	for range b.Count() {
		if p, err = b.nextAscending(&r, p, &last, lim); err != nil {
			return nil, false, err
		}
		res.Read++
		rec := r.record(base, clock)
		if !keep(rec) {
			continue
		}
		kept = append(kept, r)
		tombstones = tombstones || rec.Value == nil
		res.MaxTimestamp = max(res.MaxTimestamp, rec.Timestamp)
		res.LastKept = rec.Offset
	}
	if len(p) != 0 {
		return nil, false, errManyRecords
	}
	res.Kept = len(kept)
	return kept, tombstones, nil
}

func (b Batch) rebuildKept(kept []raw, tombstones bool, res *FilterResult, opts *FilterOptions) Batch {
	horizon, hasHorizon := b.DeleteHorizon()
	setHorizon := !hasHorizon && (tombstones || opts.MarkerForEmptyTxn)
	switch {
	case len(kept) == 0 && opts.RetainEmpty:
		res.Rewritten = res.Read > 0
		if !res.Rewritten {
			return b
		}
		return b.emptied()
	case len(kept) == 0:
		res.Rewritten = true
		return nil
	case len(kept) == res.Read && !setHorizon:
		res.MaxTimestamp = b.MaxTimestamp()
		return b
	}
	res.Rewritten = true
	if setHorizon {
		horizon = opts.NowMs + min(opts.DeleteRetentionMs, math.MaxInt64-opts.NowMs)
	}
	nb := b.rebuilder(b.Codec(), opts.Level, horizon)
	clock := b.clock()
	for i := range kept {
		nb.appendRaw(&kept[i], kept[i].offsetDelta, clock.at(kept[i].tsDelta))
	}
	return nb.build(b.LastOffsetDelta())
}

// emptied is b's header alone: no codec, no horizon, no base timestamp, no
// records.
func (b Batch) emptied() Batch {
	h := b.header()
	h.attributes &^= attrCodecMask | attrDeleteHorizon
	h.baseTimestamp, h.count = NoTimestamp, 0
	return h.seal(make([]byte, HeaderSize))
}
