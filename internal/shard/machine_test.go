package shard

import (
	"fmt"
	"strconv"
)

// register is the machine of these tests: named numbers.
type register struct {
	values  map[string]int64
	changed map[string]int64 // end offset of the last record of each name
	held    []Ticket
	end     int64
	alarm   int64 // next deadline, 0 for none
	every   int64 // ticks write "ticks" this often
	started int
	markers []Marker
	txn     []int64
	refused []error // what Settle was told
}

type op struct {
	put   string // set a name to a value: independent
	incr  string // add one to a name: depends on its value
	get   string
	hold  bool // answered by release
	freed bool
	value int64
	bytes int // size of the record
	two   bool
}

func newRegister(every int64) *register {
	return &register{values: map[string]int64{}, changed: map[string]int64{}, every: every}
}

func (r *register) Independent(o op) bool { return o.incr == "" }

func (r *register) record(name string, v int64, pad int) Record {
	return Record{Key: []byte(name), Value: fmt.Appendf(nil, "%d%*s", v, pad, "")}
}

func (r *register) Decide(t Ticket, o op, _ Instant) Outcome {
	switch {
	case o.put != "":
		out := Outcome{Records: []Record{r.record(o.put, o.value, o.bytes)}, Replies: []Reply{{To: t, Value: o.value}}}
		if o.two {
			out.Records = append(out.Records, r.record(o.put+"2", o.value, o.bytes))
		}
		return out
	case o.incr != "":
		v := r.values[o.incr] + 1
		return Outcome{
			Records: []Record{r.record(o.incr, v, 0)},
			Settle: func(err error, _ Instant) Outcome {
				r.refused = append(r.refused, err)
				if err != nil {
					return Outcome{Replies: []Reply{{To: t, Err: err}}}
				}
				return Outcome{Replies: []Reply{{To: t, Value: r.values[o.incr]}}}
			},
		}
	case o.hold:
		r.held = append(r.held, t)
		return Outcome{}
	case o.freed:
		out := Answer(t, int64(len(r.held)), 0)
		for _, h := range r.held {
			out.Replies = append(out.Replies, Reply{To: h, Value: int64(-1)})
		}
		r.held = nil
		return out
	}
	return Answer(t, r.values[o.get], r.changed[o.get])
}

func (r *register) Apply(e Entry) {
	r.end = e.Offset + 1
	if e.Marker != NoMarker {
		r.markers, r.txn = append(r.markers, e.Marker), append(r.txn, e.ProducerID)
		return
	}
	var v int64
	_, _ = fmt.Sscan(string(e.Value), &v)
	r.values[string(e.Key)], r.changed[string(e.Key)] = v, r.end
}

func (r *register) Tick(now Instant) Outcome {
	r.started++
	if r.every == 0 {
		return Outcome{}
	}
	r.alarm = now.Steady + r.every
	if r.started == 1 {
		return Outcome{}
	}
	return Outcome{Records: []Record{{Key: []byte("ticks"), Value: []byte(strconv.Itoa(r.started - 1))}}}
}

func (r *register) Deadline() int64 { return r.alarm }
