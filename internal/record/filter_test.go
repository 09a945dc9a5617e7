package record

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestFilterKeepsWhatItShould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rs := drawRecords(t, 1000, rapid.Bool().Draw(t, "dense"))
		o := BuilderOptions{
			BaseOffset: 1000, Codec: rapid.SampledFrom(codecs).Draw(t, "codec"), LeaderEpoch: 4,
			ProducerID: 7, ProducerEpoch: 2, BaseSequence: 50, Idempotent: true,
		}
		if rapid.Bool().Draw(t, "append time") {
			o.TimestampType, o.LogAppendTime = LogAppendTime, 1<<43
		}
		b := buildAll(o, rs)
		var want []Record
		keep := map[int64]bool{}
		tombstone := false
		for _, r := range rs {
			if rapid.IntRange(0, 2).Draw(t, "keep") > 0 {
				keep[r.Offset] = true
				if o.TimestampType == LogAppendTime {
					r.Timestamp = o.LogAppendTime
				}
				want = append(want, r)
				tombstone = tombstone || r.Value == nil
			}
		}
		opts := FilterOptions{NowMs: 5_000_000, DeleteRetentionMs: 1000, RetainEmpty: rapid.Bool().Draw(t, "retain empty")}
		before := bytes.Clone(b)
		out, res, err := b.Filter(func(r Record) bool { return keep[r.Offset] }, opts)
		if err != nil || !bytes.Equal(b, before) {
			t.Fatalf("%v; the source changed: %v", err, !bytes.Equal(b, before))
		}
		if res.Read != len(rs) || res.Kept != len(want) {
			t.Fatalf("%+v of %d/%d", res, len(want), len(rs))
		}
		if len(want) == 0 && !opts.RetainEmpty {
			if out != nil {
				t.Fatal("something remains of nothing")
			}
			return
		}
		if err := errors.Join(out.CheckHeader(), out.CheckCRC()); err != nil {
			t.Fatal(err)
		}
		g, w := out.header(), b.header()
		if g.baseOffset != w.baseOffset || g.lastDelta != w.lastDelta || g.leaderEpoch != w.leaderEpoch || g.producerID != w.producerID ||
			g.producerEpoch != w.producerEpoch || g.baseSequence != w.baseSequence || out.TimestampType() != b.TimestampType() {
			t.Fatalf("header %+v became %+v", w, g)
		}
		got, err := collectErr(out, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		sameRecords(t, got, want)
		if horizon, ok := out.DeleteHorizon(); ok != tombstone || ok && horizon != 5_001_000 {
			t.Fatalf("delete horizon %d, %v with tombstones: %v", horizon, ok, tombstone)
		}
		if !res.Rewritten && !bytes.Equal(out, b) {
			t.Fatal("an unchanged batch is not itself")
		}
		// A second pass with the same decision changes nothing, the horizon
		// least of all.
		opts.NowMs *= 2
		again, res2, err := out.Filter(func(Record) bool { return true }, opts)
		if err != nil || res2.Rewritten || !bytes.Equal(again, out) {
			t.Fatalf("second pass: %+v, %v", res2, err)
		}
	})
}

func TestMarkerGetsItsHorizon(t *testing.T) {
	m := ControlBatch(Abort, 3, 8, 1, 1000)
	out, res, err := m.Filter(func(Record) bool { return true }, FilterOptions{NowMs: 50, DeleteRetentionMs: 5, MarkerForEmptyTxn: true})
	horizon, ok := out.DeleteHorizon()
	if err != nil || !res.Rewritten || !ok || horizon != 55 {
		t.Fatalf("%d, %v, %+v, %v", horizon, ok, res, err)
	}
	c, err := ParseControl(out)
	if err != nil || c.Type != Abort || c.CoordinatorEpoch != 3 || c.Timestamp != 1000 || out.BaseSequence() != NoSequence || !out.IsTransactional() {
		t.Errorf("%+v, %v", c, err)
	}
}

// delete.retention.ms may be the largest number there is: tombstones stay.
func TestFilterHorizonDoesNotOverflow(t *testing.T) {
	m := ControlBatch(Abort, 3, 8, 1, 1000)
	out, _, err := m.Filter(func(Record) bool { return true }, FilterOptions{
		NowMs: 1_700_000_000_000, DeleteRetentionMs: math.MaxInt64, MarkerForEmptyTxn: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if h, ok := out.DeleteHorizon(); !ok || h != math.MaxInt64 {
		t.Fatalf("horizon %d, %v", h, ok)
	}
}
