package record

import "fmt"

// walkResult is what a look at every record of a batch found.
type walkResult struct {
	maxTimestamp int64
	dense        bool // offset deltas are 0, 1, 2, …
	badKeys      int
	badTimes     int
	errors       []RecordError
}

// walkAndRewrite checks each record and rewrites the batch if it must change.
func walkAndRewrite(b Batch, r *Rules, convert bool) (Report, error) {
	rep := Report{Batch: b, Walked: true}
	err := b.withContents(r.Limits, func(p []byte) error {
		res, err := b.walk(p, r)
		if err != nil {
			return err
		}
		if err := res.refusal(); err != nil {
			return err
		}
		codec, level := b.Codec(), DefaultLevel
		if convert {
			codec, level = r.Target.Codec, r.Target.Level
		}
		switch {
		case r.ClientWrite && !res.dense:
			// Kafka's rule as well: offsets are the broker's to give.
			rep.Batch, rep.Rewritten = b.renumber(p, codec, level), true
		case convert:
			rep.Batch, err = b.recode(p, codec, level)
			rep.Rewritten = true
		}
		if err == nil && r.TimestampType == CreateTime && !b.IsControl() {
			rep.Batch.SetMaxTimestamp(res.maxTimestamp) // the header may have lied
		}
		return err
	})
	if err != nil {
		return Report{}, asInvalid(err)
	}
	return rep, nil
}

func (b Batch) walk(p []byte, r *Rules) (walkResult, error) {
	res := walkResult{maxTimestamp: NoTimestamp, dense: true}
	lo, hi := r.timestampBounds()
	clock, checkTime := b.clock(), r.boundsTimes()
	var rec raw
	var err error
	for i := range b.Count() {
		if len(p) == 0 {
			return res, errFewRecords
		}
		if p, err = rec.next(p, r.Limits.MaxRecordBytes); err != nil {
			return res, err
		}
		res.dense = res.dense && rec.offsetDelta == i
		if r.Compacted && rec.key == nil {
			res.badKeys++
			res.add(i, "records of a compacted topic need a key")
			continue
		}
		ts := clock.at(rec.tsDelta)
		if checkTime && ts != NoTimestamp && (ts < lo || ts > hi) {
			res.badTimes++
			if len(res.errors) < MaxRecordErrors {
				res.add(i, fmt.Sprintf("timestamp %d is outside [%d, %d]", ts, lo, hi))
			}
			continue
		}
		res.maxTimestamp = max(res.maxTimestamp, ts)
	}
	if len(p) != 0 {
		return res, errManyRecords
	}
	return res, nil
}

func (w *walkResult) add(i int32, message string) {
	if len(w.errors) < MaxRecordErrors {
		w.errors = append(w.errors, RecordError{Index: i, Message: message})
	}
}

// refusal prefers the timestamp error for a mixture, as Kafka does.
func (w *walkResult) refusal() error {
	switch {
	case w.badTimes > 0:
		return &InvalidError{
			Kind: InvalidTimestamp, Records: w.errors,
			Message: fmt.Sprintf("timestamps of %d records are out of bounds", w.badTimes),
		}
	case w.badKeys > 0:
		return &InvalidError{
			Kind: InvalidRecord, Records: w.errors,
			Message: fmt.Sprintf("%d records have no key, but the topic is compacted", w.badKeys),
		}
	}
	return nil
}

// Recode returns a copy of b with its records compressed by codec; nothing else
// changes. Errors are *MalformedError.
func Recode(b Batch, codec Codec, level int, lim Limits) (Batch, error) {
	var out Batch
	err := b.withContents(lim, func(p []byte) (err error) {
		out, err = b.recode(p, codec, level)
		return err
	})
	return out, err
}

func (b Batch) recode(contents []byte, codec Codec, level int) (Batch, error) {
	room := len(contents)
	if codec != None {
		room /= 2
	}
	buf, err := codec.Compress(make([]byte, HeaderSize, HeaderSize+room), contents, level)
	if err != nil {
		return nil, err
	}
	h := b.header()
	h.attributes = h.attributes&^attrCodecMask | int16(codec)
	return h.seal(buf), nil
}

// renumber rebuilds b with offset deltas 0, 1, 2, …; contents were walked.
func (b Batch) renumber(contents []byte, codec Codec, level int) Batch {
	nb := b.rebuilder(codec, level, 0)
	clock, p := b.clock(), contents
	var rec raw
	for i := range b.Count() {
		p, _ = rec.next(p, 0)
		nb.appendRaw(&rec, i, clock.at(rec.tsDelta))
	}
	return nb.Build()
}

// rebuilder returns a builder with everything of b but its records.
func (b Batch) rebuilder(codec Codec, level int, deleteHorizonMs int64) *Builder {
	return NewBuilder(BuilderOptions{
		BaseOffset: b.BaseOffset(), Codec: codec, Level: level, TimestampType: b.TimestampType(),
		LogAppendTime: b.MaxTimestamp(), LeaderEpoch: b.LeaderEpoch(), ProducerID: b.ProducerID(),
		ProducerEpoch: b.ProducerEpoch(), BaseSequence: b.BaseSequence(), Idempotent: true,
		Transactional: b.IsTransactional(), Control: b.IsControl(), DeleteHorizonMs: deleteHorizonMs,
	})
}
