package api

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/partition"
	"github.com/milena-io/milena/internal/record"
)

// Produce (key 0, v3–v13) appends one record batch to each named partition.
//
//   - The batch must be of format 2, exactly one per partition. v3–v6 may not
//     carry zstd.
//   - A partition that is named twice is written and answered twice. Kafka keeps
//     the last batch and drops the others without a word.
//   - acks=0 has no answer; any error closes the connection so that the client
//     refreshes its metadata. acks=1 answers when written, acks=-1 when the high
//     watermark has passed the batch, REQUEST_TIMED_OUT after timeout_ms
//     (the batch stays in the log). Another acks is INVALID_REQUIRED_ACKS.
//   - Topics are never created here; clients that want that ask Metadata first.
//   - Transactional batches without a transactional id are refused as a whole
//     (TRANSACTIONAL_ID_AUTHORIZATION_FAILED), judged by the batches and not by
//     the request; with one, INVALID_PRODUCER_ID_MAPPING, because no transaction
//     coordinator has ever given that id out.
//   - v8+ errors name the records at fault; v10+ carry the current leader on
//     NOT_LEADER_OR_FOLLOWER; v13+ names topics by id.
//
// The ordered part (decode, check, append) runs in handleProduce; the wait for
// acknowledgement runs in Reply.Wait, beside later Produce requests.
func handleProduce(a *API, _ context.Context, r *Request) Reply {
	req, err := decodeProduce(r.Version, r.Body, a.cfg.Limits.MaxElements)
	if err != nil {
		a.malformed(r, err)
		return Reply{Close: true}
	}
	p := &produce{api: a, conn: r.Conn, req: req, now: a.cfg.Now()}
	p.run()
	switch {
	case req.acks == 0 && p.failed:
		return Reply{Close: true}
	case req.acks == 0:
		return Reply{None: true}
	case len(p.pending) == 0 || p.commits.Done():
		return Reply{Now: p.finish()}
	}
	// Records went into the log, and names were copied when they were decoded.
	return Reply{Wait: p.wait, Ready: p.ready, Detached: true}
}

// producePart is one partition's records and, later, its result.
type producePart struct {
	index   int32
	records []byte

	err           *kerr.Error
	message       string
	recordErrors  []partition.RecordError
	baseOffset    int64
	logAppendTime int64
	logStart      int64
	leader        leaderHint
}

// pendingAppend is an append whose acks=all is outstanding.
type pendingAppend struct {
	part    *producePart
	on      Partition
	end     int64
	decided bool // committed, or never will be
}

type produce struct {
	api     *API
	conn    *Conn
	req     *produceRequest
	now     time.Time
	pending []pendingAppend
	commits *partition.Commits // of pending
	failed  bool
	nodes   nodeSet
}

// run appends what may be appended and fills in every partition's result.
func (p *produce) run() {
	refusal := p.refuseAll()
	for i := range p.req.topics {
		t := &p.req.topics[i]
		err := refusal
		if err == nil {
			err = p.checkTopic(t)
		}
		for j := t.first; j < t.end; j++ {
			part := &p.req.parts[j]
			part.baseOffset, part.logAppendTime, part.logStart = -1, -1, -1
			if err == nil {
				p.append(t, part)
			} else {
				p.fail(t, part, err)
			}
			part.records = nil // the body's memory ends with this call
		}
	}
}

// refuseAll finds reasons that concern the whole request.
func (p *produce) refuseAll() error {
	if p.req.acks < -1 || p.req.acks > 1 {
		return kerr.InvalidRequiredAcks
	}
	if !p.anyTransactional() {
		return nil
	}
	if !p.req.transactional || !p.api.allowed(p.conn, mayWrite, onTxn, p.req.txnID) {
		return kerr.TransactionalIDAuthorizationFailed
	}
	return kerr.InvalidProducerIDMapping
}

func (p *produce) anyTransactional() bool {
	for i := range p.req.parts {
		if b := p.req.parts[i].records; len(b) >= record.HeaderSize && record.Batch(b).IsTransactional() {
			return true
		}
	}
	return false
}

// checkTopic resolves the topic's name and checks what does not depend on the
// partition.
func (p *produce) checkTopic(t *produceTopic) error {
	if p.req.version >= produceByID {
		topic := p.api.image().TopicByID(t.id)
		if topic == nil {
			return kerr.UnknownTopicID
		}
		t.name = topic.Name
	}
	if !p.api.allowed(p.conn, mayWrite, onTopic, t.name) {
		return kerr.TopicAuthorizationFailed
	}
	return nil
}

func (p *produce) append(t *produceTopic, part *producePart) {
	on, err := p.api.replica(t.name, t.id, part.index)
	if err != nil {
		p.fail(t, part, err)
		return
	}
	if err := checkProduced(p.req.version, part.records); err != nil {
		p.fail(t, part, err)
		return
	}
	if base.IsInternalTopic(t.name) {
		p.fail(t, part, kerr.InvalidTopicException)
		return
	}
	got, err := on.Append(part.records, partition.AppendRequest{
		Acks: p.req.acks, Origin: commitlog.Client, ExpectedEpoch: base.NoEpoch, NowMs: p.now.UnixMilli(),
	})
	if err != nil {
		p.fail(t, part, err)
		switch part.err {
		case kerr.CorruptMessage, kerr.MessageTooLarge, kerr.RecordListTooLarge:
		default:
			part.logStart = on.LogStart()
		}
		return
	}
	part.baseOffset, part.logAppendTime, part.logStart = got.BaseOffset, got.LogAppendTime, got.LogStart
	if p.req.acks == -1 {
		p.pending = append(p.pending, pendingAppend{part: part, on: on, end: got.End})
		if p.commits == nil {
			p.commits = partition.NewCommits()
		}
		on.Await(p.commits, got.End)
	}
}

// checkProduced applies the rules of the request, as opposed to those of the
// topic: exactly one batch, of the current format, with a codec the version has.
func checkProduced(version int16, records []byte) error {
	if len(records) == 0 {
		return kerr.InvalidRecord
	}
	b, rest, err := record.Split(records)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return kerr.InvalidRecord
	case version < produceZstd && b.Codec() == record.Zstd:
		return kerr.UnsupportedCompressionType
	}
	return nil
}

// fail records a partition's error.
func (p *produce) fail(t *produceTopic, part *producePart, err error) {
	p.failed = true
	part.err = p.api.code(err)
	if invalid, ok := errors.AsType[*partition.InvalidRecordsError](err); ok {
		part.message, part.recordErrors = invalid.Message, invalid.Records
	} else if part.err == kerr.CorruptMessage {
		part.message = err.Error()
	}
	if part.err == kerr.NotLeaderForPartition && p.req.version >= produceLeaderInfo {
		part.leader = p.api.currentLeader(t.name, part.index)
		p.nodes.add(part.leader.id)
	}
}

// ready makes the answer if every acks=all append is committed.
func (p *produce) ready() Response {
	if !p.commits.Done() {
		return nil
	}
	return p.finish()
}

// wait blocks until every acks=all append is committed or lost, or time is up.
func (p *produce) wait(ctx context.Context) Response {
	defer p.forget()
	timeout := time.NewTimer(time.Duration(p.req.timeoutMs)*time.Millisecond - p.api.cfg.Now().Sub(p.now))
	defer timeout.Stop()
	for !p.commits.Done() && !p.settle() {
		select {
		case <-p.commits.C():
		case <-timeout.C:
			p.giveUp()
			return p.finish()
		case <-ctx.Done():
			return nil
		}
	}
	return p.finish()
}

// forget leaves nothing behind in the partitions.
func (p *produce) forget() {
	if p.commits.Done() {
		return
	}
	for _, w := range p.pending {
		w.on.Unawait(p.commits, w.end)
	}
}

// settle looks at the appends that are not decided, and tells whether all are.
func (p *produce) settle() bool {
	all := true
	for i := range p.pending {
		w := &p.pending[i]
		if w.decided {
			continue
		}
		done, err := w.on.Committed(w.end)
		if err != nil && !done {
			w.part.err = p.api.code(err)
			w.on.Unawait(p.commits, w.end) // it would be waited for in vain
		}
		w.decided = done || err != nil
		all = all && w.decided
	}
	return all
}

// giveUp ends the wait for what is not decided. It stays in the log.
func (p *produce) giveUp() {
	if p.settle() {
		return
	}
	for i := range p.pending {
		if w := &p.pending[i]; !w.decided {
			w.part.err = kerr.RequestTimedOut
		}
	}
}
