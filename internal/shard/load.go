package shard

import (
	"fmt"
	"time"

	"github.com/milena-io/milena/internal/record"
)

// load replays the log of a term. It returns early when the term is over; a
// failure is logged and tried again later.
func (s *Shard[Op]) load(t *term) {
	started := time.Now()
	m := s.opts.New()
	entries, err := s.replay(t, m)
	switch {
	case s.superseded(t):
		return
	case err != nil:
		s.opts.Logger.Error("coordinator shard failed to load", "epoch", t.epoch, "error", err)
		s.pause(t)
		return
	}
	s.loop.machine = m
	if s.opts.Events.Loaded != nil {
		s.opts.Events.Loaded(time.Since(started), entries)
	}
	now := s.opts.Timers.Now()
	s.measure()
	s.takeAlone(m.Tick(now), now)
	s.opts.Timers.set(&s.alarm, m.Deadline())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted == t {
		s.status = leading
	}
}

// replay applies everything up to the end the log has now, as it becomes
// committed: what a former leader wrote and nobody confirmed is confirmed, or
// gone, before the first operation is decided.
func (s *Shard[Op]) replay(t *term, m Machine[Op]) (entries int, err error) {
	b, err := t.log.Bounds()
	if err != nil {
		return 0, err
	}
	next, end := b.Start, b.End
	for next < end && !s.superseded(t) {
		if b, err = t.log.Bounds(); err != nil {
			return entries, err
		}
		data, err := t.log.Read(next, s.opts.LoadBytes)
		if err != nil {
			return entries, err
		}
		if len(data) == 0 {
			if b.HighWatermark >= end {
				return entries, nil // compaction left no record up to the end
			}
			s.awaitProgress(t, b.HighWatermark)
		}
		for _, chunk := range data {
			n, after, err := applyBatches(m, chunk, next)
			if err != nil {
				return entries, err
			}
			entries, next = entries+n, max(next, after)
		}
	}
	return entries, nil
}

// awaitProgress waits until the high watermark has moved beyond hw, or there is
// something else to look at.
func (s *Shard[Op]) awaitProgress(t *term, hw int64) {
	t.log.Watch(s.loop.hw, hw+1)
	defer t.log.Unwatch(s.loop.hw)
	if b, err := t.log.Bounds(); err != nil || b.HighWatermark > hw {
		return
	}
	select {
	case <-s.loop.hw.C():
	case <-s.wake.C():
	}
}

// applyBatches applies the records at or after from.
func applyBatches(m interface{ Apply(Entry) }, data []byte, from int64) (entries int, next int64, err error) {
	next = from
	for len(data) > 0 {
		var b record.Batch
		b, data, err = record.Split(data)
		if err != nil {
			return entries, next, err
		}
		n, err := applyBatch(m, b, from)
		if err != nil {
			return entries, next, fmt.Errorf("batch at offset %d: %w", b.BaseOffset(), err)
		}
		entries, next = entries+n, b.LastOffset()+1
	}
	return entries, next, nil
}

func applyBatch(m interface{ Apply(Entry) }, b record.Batch, from int64) (entries int, err error) {
	producer := int64(-1)
	if b.IsTransactional() {
		producer = b.ProducerID()
	}
	if b.IsControl() {
		ctl, err := record.ParseControl(b)
		if err != nil {
			return 0, err
		}
		marker := AbortMarker
		if ctl.Type == record.Commit {
			marker = CommitMarker
		}
		m.Apply(Entry{Offset: b.BaseOffset(), Timestamp: ctl.Timestamp, ProducerID: producer, Marker: marker})
		return 1, nil
	}
	for r, err := range b.Records(record.Limits{}) {
		if err != nil {
			return entries, err
		}
		if r.Offset < from {
			continue
		}
		m.Apply(Entry{Offset: r.Offset, Timestamp: r.Timestamp, Key: r.Key, Value: r.Value, ProducerID: producer})
		entries++
	}
	return entries, nil
}

// superseded reports whether the leadership in t is over.
func (s *Shard[Op]) superseded(t *term) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted != t
}

// pause waits before the next attempt to load, unless the term ends.
func (s *Shard[Op]) pause(t *term) {
	timer := time.NewTimer(s.opts.RetryLoadAfter)
	defer timer.Stop()
	for !s.superseded(t) {
		select {
		case <-timer.C:
			return
		case <-s.wake.C():
		}
	}
}
