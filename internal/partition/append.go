package partition

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/invariant"
	"github.com/milena-io/milena/internal/record"
)

// AppendRequest says how a set of batches is to be appended.
type AppendRequest struct {
	// Acks is the producer's: 0, 1 or -1 (all).
	Acks int16
	// Origin tells clients' records from a coordinator's.
	Origin commitlog.Origin
	// ExpectedEpoch is the leader epoch the caller decided in, -1 for any.
	ExpectedEpoch int32
	// NowMs is the time of the request, in milliseconds since 1970.
	NowMs int64
}

// Appended is the answer to an append.
type Appended struct {
	BaseOffset    int64
	LogAppendTime int64 // -1 unless the topic uses LogAppendTime
	LogStart      int64
	End           int64 // what the high watermark must reach for acks=all
}

// Append validates the batches in data and appends them all, or none. data is
// changed in place (offsets, leader epoch, timestamps) and not kept.
//
// With a durable topic the records are neither readable nor acknowledged with
// acks=all until they are flushed: wait until Committed(End).
func (p *Partition) Append(data []byte, req AppendRequest) (Appended, error) {
	cfg := p.log.Config()
	if req.Acks == -1 && p.inSync() < p.wanted() {
		return Appended{}, kerr.NotEnoughReplicas
	}
	if req.Origin == commitlog.Client && int64(len(data)) > cfg.SegmentBytes {
		return Appended{}, kerr.RecordListTooLarge
	}
	ready, err := p.prepare(data, cfg, req)
	if err != nil {
		return Appended{}, err
	}
	got, err := p.write(ready.data, req)
	if err != nil {
		return Appended{}, err
	}
	if !p.log.Config().Durable { // cfg may be from before a change that looked at the log's end too early
		p.advance()
	}
	if p.evts.Appended != nil && !got.Duplicate {
		p.evts.Appended(p.tp, ready.records, len(ready.data))
	}
	if got.Duplicate && ready.appendTime < 0 {
		ready.appendTime = record.Batch(ready.data).MaxTimestamp() // as Kafka answers a retry
	}
	return Appended{BaseOffset: got.First, LogAppendTime: ready.appendTime, LogStart: got.LogStart, End: got.Last + 1}, nil
}

// write is the only part of an append under the partition's lock: between the
// check of the epoch and the append nobody may take leadership away.
func (p *Partition) write(batches []byte, req AppendRequest) (commitlog.Appended, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	defer invariant.Intact("an append to the log")
	if err := p.leaderErrLocked(req.ExpectedEpoch); err != nil {
		return commitlog.Appended{}, err
	}
	got, err := p.log.Append(batches, commitlog.AppendOptions{
		LeaderEpoch: p.leadership.LeaderEpoch, Origin: req.Origin, NowMs: req.NowMs,
	})
	if err != nil {
		return got, p.appendError(err)
	}
	return got, nil
}

// inSync is the number of replicas that count for acks=all.
func (p *Partition) inSync() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.leadership.ISR)
}

// wanted is how many in-sync replicas acks=all needs: min.insync.replicas, but
// never more than there are replicas.
func (p *Partition) wanted() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return min(int(p.minISR.Load()), len(p.leadership.Replicas))
}

// prepare checks every batch and brings it into the form the topic stores. The
// usual case, every batch stored as it came, copies nothing.
func (p *Partition) prepare(data []byte, cfg commitlog.Config, req AppendRequest) (prepared, error) {
	rules, err := rulesFor(cfg, req)
	if err != nil {
		return prepared{}, err
	}
	out := prepared{data: data, appendTime: -1}
	if rules.TimestampType == record.LogAppendTime {
		out.appendTime = req.NowMs
	}
	copied := false
	for done := 0; done < len(data); {
		b, _, err := record.Split(data[done:])
		if err != nil {
			return prepared{}, contentError(err, out.records)
		}
		report, err := record.Validate(b, rules)
		if err != nil {
			return prepared{}, contentError(err, out.records)
		}
		if report.Rewritten && !copied {
			out.data, copied = append([]byte(nil), data[:done]...), true
		}
		if copied {
			out.data = append(out.data, report.Batch...)
		}
		done += len(b)
		out.records += int(report.Batch.Count())
	}
	return out, nil
}

// prepared is what goes into the log.
type prepared struct {
	data       []byte
	appendTime int64
	records    int
}

func rulesFor(cfg commitlog.Config, req AppendRequest) (record.Rules, error) {
	if req.Origin != commitlog.Client {
		return record.Rules{NowMs: req.NowMs, Limits: record.Limits{}}, nil
	}
	target, err := record.ParseTarget(cfg.CompressionType, cfg.GzipLevel, cfg.Lz4Level, cfg.ZstdLevel)
	if err != nil {
		return record.Rules{}, fmt.Errorf("compression.type: %v: %w", err, kerr.InvalidConfig)
	}
	return record.Rules{
		ClientWrite:          true,
		Compacted:            cfg.Compact,
		TimestampType:        cfg.TimestampType,
		TimestampBeforeMaxMs: cfg.TimestampBeforeMaxMs,
		TimestampAfterMaxMs:  cfg.TimestampAfterMaxMs,
		NowMs:                req.NowMs,
		MaxBytes:             cfg.MaxMessageBytes,
		Target:               target,
		Limits:               record.Limits{MaxRecordBytes: cfg.MaxDecompressedBytes},
	}, nil
}
