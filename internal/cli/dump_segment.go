package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/milena-io/milena/internal/record"
)

// eachBatch reads a segment batch by batch. It returns the position after the
// last whole batch, which is the size of an intact segment.
func eachBatch(path string, f func(pos int64, b record.Batch) error) (end, size int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	if err != nil {
		return 0, 0, err
	}
	size = info.Size()
	r := bufio.NewReaderSize(file, 1<<20)
	var buf []byte
	for end < size {
		if buf, err = readBatch(r, size-end, buf); err != nil {
			return end, size, err
		}
		if err := f(end, record.Batch(buf)); err != nil {
			return end, size, err
		}
		end += int64(len(buf))
	}
	return end, size, nil
}

// readBatch reads the next batch into buf, which grows as needed. left is what
// the file still holds: no length field makes it read, or allocate, more.
func readBatch(r *bufio.Reader, left int64, buf []byte) ([]byte, error) {
	head, err := r.Peek(int(min(record.HeaderSize, left)))
	if err != nil {
		return buf, err
	}
	if _, _, err := record.Split(head); err != nil && !errors.Is(err, record.ErrShort) {
		return buf, err
	}
	if len(head) < record.HeaderSize || int64(record.Batch(head).Size()) > left {
		return buf, record.ErrShort
	}
	buf = slices.Grow(buf[:0], record.Batch(head).Size())[:record.Batch(head).Size()]
	if _, err := io.ReadFull(r, buf); err != nil {
		return buf, err
	}
	b, rest, err := record.Split(buf)
	if err == nil && (len(rest) > 0 || len(b) != len(buf)) {
		err = record.ErrShort
	}
	return buf, err
}

// segmentBase is the first offset a segment or index may hold: its name.
func segmentBase(path string) (int64, error) {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	n, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the name does not begin with an offset")
	}
	return n, nil
}

func (d *dumper) segment() error {
	base, err := segmentBase(d.path)
	if err != nil {
		return err
	}
	if !d.verify && !d.app.json() {
		fmt.Fprintf(d.app.out, "Log starting offset: %d\n", base)
	}
	next := base
	end, size, err := eachBatch(d.path, func(pos int64, b record.Batch) error {
		if problem := batchProblem(b, next, d.verify); problem != "" {
			d.problem("position %d, offset %d: %s", pos, b.BaseOffset(), problem)
		}
		next = max(next, b.NextOffset())
		if b.LastOffset() < d.from {
			return nil
		}
		return d.showBatch(pos, b)
	})
	if _, unread := errors.AsType[*fs.PathError](err); err == nil || unread || errors.Is(err, errEnough) {
		return err
	}
	return d.tail(end, size, err)
}

// tail judges what follows the last whole batch.
func (d *dumper) tail(end, size int64, cause error) error {
	rest := make([]byte, min(size-end, 1<<20))
	if file, err := os.Open(d.path); err == nil {
		_, _ = file.ReadAt(rest, end)
		_ = file.Close()
	}
	if len(bytes.Trim(rest, "\x00")) == 0 {
		return nil // space reserved for batches to come
	}
	if errors.Is(cause, record.ErrShort) {
		return fmt.Errorf("position %d: %d bytes after the last whole batch: a write was interrupted, or is going on", end, size-end)
	}
	return fmt.Errorf("position %d: %w", end, cause)
}

// batchProblem checks one batch; deep also walks its records.
func batchProblem(b record.Batch, next int64, deep bool) string {
	if err := b.CheckHeader(); err != nil {
		return err.Error()
	}
	if err := b.CheckCRC(); err != nil {
		return err.Error()
	}
	if b.BaseOffset() < next {
		return fmt.Sprintf("offsets go back, %d was expected at least", next)
	}
	if !deep {
		return ""
	}
	n := int32(0)
	for _, err := range b.Records(record.Limits{}) {
		if err != nil {
			return err.Error()
		}
		n++
	}
	if n != b.Count() {
		return fmt.Sprintf("holds %d records, its header says %d", n, b.Count())
	}
	return ""
}

// batchDump is a batch as JSON; the text form has the words of Kafka's tool.
type batchDump struct {
	BaseOffset      int64        `json:"baseOffset"`
	LastOffset      int64        `json:"lastOffset"`
	Count           int32        `json:"count"`
	BaseSequence    int32        `json:"baseSequence"`
	LastSequence    int32        `json:"lastSequence"`
	ProducerID      int64        `json:"producerId"`
	ProducerEpoch   int16        `json:"producerEpoch"`
	LeaderEpoch     int32        `json:"partitionLeaderEpoch"`
	Transactional   bool         `json:"isTransactional"`
	Control         bool         `json:"isControl"`
	DeleteHorizonMs *int64       `json:"deleteHorizonMs"`
	Position        int64        `json:"position"`
	TimestampType   string       `json:"timestampType"`
	MaxTimestamp    int64        `json:"maxTimestamp"`
	Size            int          `json:"size"`
	Magic           int8         `json:"magic"`
	Codec           string       `json:"compresscodec"`
	CRC             uint32       `json:"crc"`
	Valid           bool         `json:"isvalid"`
	Records         []recordDump `json:"records,omitempty"`
}

type recordDump struct {
	Offset    int64        `json:"offset"`
	Timestamp int64        `json:"timestamp"`
	KeySize   int64        `json:"keySize"`
	ValueSize int64        `json:"valueSize"`
	Sequence  *int32       `json:"sequence,omitempty"`
	Headers   []headerJSON `json:"headers,omitempty"`
	Key       *string      `json:"key,omitempty"`
	Value     *string      `json:"value,omitempty"`
	Encoding  string       `json:"encoding,omitempty"`
	Control   string       `json:"control,omitempty"`

	headerKeys []string
}

func (d *dumper) showBatch(pos int64, b record.Batch) error {
	v := batchDump{
		BaseOffset: b.BaseOffset(), LastOffset: b.LastOffset(), Count: b.Count(), BaseSequence: b.BaseSequence(), LastSequence: b.LastSequence(),
		ProducerID: b.ProducerID(), ProducerEpoch: b.ProducerEpoch(), LeaderEpoch: b.LeaderEpoch(), Transactional: b.IsTransactional(),
		Control: b.IsControl(), Position: pos, TimestampType: b.TimestampType().String(), MaxTimestamp: b.MaxTimestamp(), Size: b.Size(),
		Magic: b.Magic(), Codec: b.Codec().String(), CRC: b.CRC(), Valid: b.CheckCRC() == nil,
	}
	if ms, ok := b.DeleteHorizon(); ok {
		v.DeleteHorizonMs = &ms
	}
	if d.deep && !d.verify {
		records, err := d.records(b)
		if err != nil {
			d.problem("position %d, offset %d: %v", pos, b.BaseOffset(), err)
		}
		v.Records = records
	}
	return d.show(v, func(w io.Writer) { v.print(w, d.printData) })
}

func (d *dumper) records(b record.Batch) ([]recordDump, error) {
	var out []recordDump
	for r, err := range b.Records(record.Limits{}) {
		if err != nil {
			return out, err
		}
		v := recordDump{Offset: r.Offset, Timestamp: r.Timestamp, KeySize: lengthOf(r.Key), ValueSize: lengthOf(r.Value)}
		if b.HasProducerID() && !b.IsControl() {
			sequence := record.AddSequence(b.BaseSequence(), r.OffsetDelta)
			v.Sequence = &sequence
		}
		for _, h := range r.Headers {
			v.headerKeys = append(v.headerKeys, h.Key)
		}
		if b.IsControl() {
			if c, err := record.ParseControl(b); err == nil {
				v.Control = fmt.Sprintf("%s coordinatorEpoch: %d", strings.ToUpper(c.Type.String()), c.CoordinatorEpoch)
			}
		} else if d.printData {
			v.data(r)
		}
		out = append(out, v)
	}
	return out, nil
}

// data adds what the record holds. Key and value share one note on encoding:
// both are in base64 as soon as one is not text.
func (v *recordDump) data(r record.Record) {
	var e1, e2 string
	v.Key, e1 = textOf(r.Key)
	v.Value, e2 = textOf(r.Value)
	if e1 != e2 {
		v.Key, v.Value = base64Of(r.Key), base64Of(r.Value)
	}
	v.Encoding = e1 + e2
	if len(v.Encoding) > len("base64") {
		v.Encoding = "base64"
	}
	for _, h := range r.Headers {
		value, encoding := textOf(h.Value)
		v.Headers = append(v.Headers, headerJSON{h.Key, value, encoding})
	}
}

func (v *batchDump) print(w io.Writer, data bool) {
	horizon := "OptionalLong.empty"
	if v.DeleteHorizonMs != nil {
		horizon = fmt.Sprintf("OptionalLong[%d]", *v.DeleteHorizonMs)
	}
	fmt.Fprintf(w, "baseOffset: %d lastOffset: %d count: %d baseSequence: %d lastSequence: %d producerId: %d producerEpoch: %d partitionLeaderEpoch: %d "+
		"isTransactional: %t isControl: %t deleteHorizonMs: %s position: %d %s: %d size: %d magic: %d compresscodec: %s crc: %d isvalid: %t\n",
		v.BaseOffset, v.LastOffset, v.Count, v.BaseSequence, v.LastSequence, v.ProducerID, v.ProducerEpoch, v.LeaderEpoch,
		v.Transactional, v.Control, horizon, v.Position, v.TimestampType, v.MaxTimestamp, v.Size, v.Magic, v.Codec, v.CRC, v.Valid)
	for _, r := range v.Records {
		r.print(w, v.TimestampType, data)
	}
}

func (v *recordDump) print(w io.Writer, timestampType string, data bool) {
	fmt.Fprintf(w, "| offset: %d %s: %d keySize: %d valueSize: %d", v.Offset, timestampType, v.Timestamp, v.KeySize, v.ValueSize)
	if v.Sequence != nil {
		fmt.Fprintf(w, " sequence: %d", *v.Sequence)
	}
	fmt.Fprintf(w, " headerKeys: [%s]", strings.Join(v.headerKeys, ","))
	switch {
	case v.Control != "":
		fmt.Fprintf(w, " endTxnMarker: %s", v.Control)
	case data:
		fmt.Fprintf(w, " key: %s payload: %s", valueText(v.Key, false), valueText(v.Value, false))
	}
	fmt.Fprintln(w)
}
