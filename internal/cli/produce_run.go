package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// production is one run of the produce command.
type production struct {
	*app
	cl      *kgo.Client
	options produceOptions
	tally   produceTally
	stop    context.CancelCauseFunc // of reading
	abort   context.CancelFunc      // of what is on its way
	pending sync.WaitGroup          // records whose fate is open
}

// produceTally counts what was confirmed. It is kept by the client's goroutines.
type produceTally struct {
	mu       sync.Mutex
	records  int64
	bytes    int64
	first    lineError // that failed
	tooLarge tooLargeLines
	printErr error // of offsets
	last     time.Time
}

type lineError struct {
	line int64
	err  error
}

// tooLargeLines are the lines that were left out.
type tooLargeLines struct {
	n           int64
	line, bytes int64 // of the first
	last        int64
}

type produceSummary struct {
	Topic   string  `json:"topic"`
	Records int64   `json:"records"`
	Bytes   int64   `json:"bytes"`
	Failed  int64   `json:"failed"`
	Seconds float64 `json:"seconds"`
}

// storedJSON is where a record was stored.
type storedJSON struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// produce sends lines until the end of input, the first failure or a signal. A
// line that is too large is left out: the others do not depend on it. A signal
// ends the reading only; what was read is still on its way to the broker.
func (a *app) produce(ctx context.Context, cl *kgo.Client, parse lineParser, o produceOptions) error {
	p := &production{app: a, cl: cl, options: o}
	sending, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p.stop, p.abort = stop, abort
	started := time.Now()
	lines := &inputLines{in: a.in, keptMax: recordBytesMax + len(o.separator) + len("\r\n")}
	readErr := lines.each(reading, func(line inputLine) error {
		r, err := parse(line.text)
		if err != nil {
			return err
		}
		r.Topic, r.Partition = o.topic, o.partition
		p.send(sending, line, r)
		return context.Cause(reading)
	})
	flushErr := cl.Flush(sending)
	p.pending.Wait() // Flush does not wait for a record that the client refused
	if ctx.Err() != nil {
		readErr = errInterrupted
	}
	return p.finish(time.Since(started), lines.read.Load(), cmp.Or(readErr, flushErr))
}

// errInterrupted ends the reading at a signal.
var errInterrupted = errors.New("interrupted before all that was read was sent")

func (p *production) send(ctx context.Context, line inputLine, r *kgo.Record) {
	if n := recordBytes(r) + line.cut; n > recordBytesMax {
		p.tally.leaveOut(line.number, n)
		return
	}
	p.pending.Add(1)
	done := func(r *kgo.Record, err error) {
		defer p.pending.Done()
		if err := p.confirmed(line.number, r, err); err != nil {
			p.stop(err)
			p.abort()
		}
	}
	if p.options.sync {
		done(p.cl.ProduceSync(ctx, r).First())
		return
	}
	p.cl.Produce(ctx, r, done)
}

func (t *produceTally) leaveOut(line, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := &t.tooLarge
	if l.n++; l.n == 1 {
		l.line, l.bytes = line, bytes
	}
	l.last = line
}

func (p *production) confirmed(line int64, r *kgo.Record, err error) error {
	t := &p.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		if t.first.err == nil {
			t.first = lineError{line, err}
		}
		return err
	}
	t.records++
	t.bytes += int64(len(r.Key) + len(r.Value))
	if p.options.offsets && t.printErr == nil {
		t.printErr = p.printStored(r)
	}
	if now := time.Now(); !p.options.quiet && isTerminal(p.err) && now.Sub(t.last) > 200*time.Millisecond {
		t.last = now
		fmt.Fprintf(p.err, "\r%s, %s ", count(t.records, "record"), sizeText(t.bytes))
	}
	return nil
}

func (p *production) printStored(r *kgo.Record) error {
	if p.json() {
		return p.printLine(storedJSON{r.Topic, r.Partition, r.Offset})
	}
	_, err := fmt.Fprintf(p.out, "%s\t%d\t%d\n", r.Topic, r.Partition, r.Offset)
	return err
}

// finish prints the summary. Every line that was read is in it: what was not
// confirmed was not written.
func (p *production) finish(took time.Duration, read int64, readErr error) error {
	t := &p.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	failed := read - t.records
	sum := produceSummary{p.options.topic, t.records, t.bytes, failed, took.Seconds()}
	if p.json() {
		if err := p.printJSON(sum); err != nil {
			return err
		}
	}
	if !p.options.quiet {
		clear := ""
		if isTerminal(p.err) {
			clear = "\r"
		}
		fmt.Fprintf(p.err, "%sProduced %s (%s) to %s in %s.\n", clear, count(t.records, "record"), sizeText(t.bytes), sum.Topic, took.Round(time.Millisecond))
	}
	if err := t.failure(p.options, failed, readErr); err != nil {
		return err
	}
	return t.printErr
}

// failure tells which lines were not written, and why.
func (t *produceTally) failure(o produceOptions, failed int64, readErr error) error {
	lost := fmt.Sprintf("%s written, %d not", count(t.records, "record"), failed)
	switch {
	case errors.Is(t.first.err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("topic %s does not exist and is not created automatically; create it with: milena topic create %s", o.topic, o.topic)
	case t.first.err != nil:
		hint := ""
		if !o.sync && errors.Is(t.first.err, kerr.MessageTooLarge) {
			hint = "; the topic takes smaller batches only, and --sync sends each line in one of its own"
		}
		return fmt.Errorf("line %d: %w%s (%s)", t.first.line, explain(t.first.err, "", "topic "+o.topic), hint, lost)
	case t.tooLarge.n > 0:
		return fmt.Errorf("%v (%s)", t.tooLarge, lost)
	case failed > 0:
		return fmt.Errorf("%w (%s)", cmp.Or(readErr, errUnanswered), lost)
	case errors.Is(readErr, errInterrupted): // and all that was read is written
		return nil
	}
	return readErr
}

// errUnanswered stands in for a reason that nobody gave.
var errUnanswered = errors.New("not all that was read was confirmed")

func (l tooLargeLines) String() string {
	if l.n > 1 {
		return fmt.Sprintf("%d lines are too large, from line %d to line %d: the first record has %d bytes, more than %d", l.n, l.line, l.last, l.bytes, recordBytesMax)
	}
	return fmt.Sprintf("line %d is too large: its record has %d bytes, more than %d", l.line, l.bytes, recordBytesMax)
}
