package cli

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/milena-io/milena/internal/base"
)

// These files of Milena's own are read here by their documented layout and
// not by the log's own code, which trusts them only for its own directory: a
// dump must also show what the log would refuse.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type frontierEntry struct {
	TopicID   string `json:"topicId"`
	Partition int32  `json:"partition"`
	Durable   int64  `json:"durableOffset"`
}

// frontier decodes milena.frontier: a header and records of 32 bytes, each
// ending in a checksum of its own.
func (d *dumper) frontier() error {
	data, err := d.content()
	if err != nil {
		return err
	}
	if len(data) < 32 || string(data[:8]) != "milenaF1" || !sealed(data[:32]) {
		return errors.New("the header is damaged")
	}
	dir := base.UUID(data[8:24])
	if err := d.show(map[string]string{"directoryId": dir.String()}, func(w io.Writer) { fmt.Fprintf(w, "directoryId: %s\n", dir) }); err != nil {
		return err
	}
	at := 32
	for ; at+32 <= len(data); at += 32 {
		b := data[at : at+32]
		if !sealed(b) {
			d.problem("position %d: a record is damaged", at)
			continue
		}
		e := frontierEntry{base.UUID(b[:16]).String(), int32(binary.BigEndian.Uint32(b[16:])), int64(binary.BigEndian.Uint64(b[20:]))}
		err := d.show(e, func(w io.Writer) {
			fmt.Fprintf(w, "topicId: %s partition: %d durableOffset: %d\n", e.TopicID, e.Partition, e.Durable)
		})
		if err != nil {
			return err
		}
	}
	if at != len(data) {
		return fmt.Errorf("position %d: %d bytes are no whole record: a write was interrupted, or is going on", at, len(data)-at)
	}
	return nil
}

// starts decodes milena.starts: a checksum and what Kafka's file of log starts
// holds.
func (d *dumper) starts() error {
	data, err := d.content()
	if err != nil {
		return err
	}
	sum, offsets, ok := bytes.Cut(data, []byte("\n"))
	if !ok || string(sum) != fmt.Sprintf("%08x", crc32.Checksum(offsets, castagnoli)) {
		return errors.New("the log starts are damaged: the next start takes log-start-offset-checkpoint")
	}
	return d.showOffsets(offsets)
}

// sparse decodes milena.sparse: below which offset a log may have gaps, -1 for
// anywhere.
func (d *dumper) sparse() error {
	data, err := d.content()
	if err != nil {
		return err
	}
	below := int64(-1)
	if len(data) > 0 {
		number, sum, _ := strings.Cut(strings.TrimSuffix(string(data), "\n"), " ")
		below, err = strconv.ParseInt(number, 10, 64)
		if err != nil || below <= 0 || sum != fmt.Sprintf("%08x", crc32.Checksum([]byte(number), castagnoli)) {
			return errors.New("the file is damaged: gaps are allowed anywhere")
		}
	}
	return d.show(map[string]int64{"gapsBelow": below}, func(w io.Writer) { fmt.Fprintf(w, "gapsBelow: %d\n", below) })
}

// sealed reports whether the last four bytes are the checksum of the others.
func sealed(b []byte) bool {
	n := len(b) - 4
	return n >= 0 && crc32.Checksum(b[:n], castagnoli) == binary.BigEndian.Uint32(b[n:])
}

type manifestEntry struct {
	Topic     string            `json:"topic"`
	Partition int64             `json:"partition"`
	TopicID   string            `json:"topicId"`
	Sparse    bool              `json:"sparse"`
	Start     int64             `json:"startOffset"`
	End       int64             `json:"endOffset"`
	Snapshot  int64             `json:"producerSnapshot"`
	Epochs    [][2]int64        `json:"epochs"`
	Segments  []manifestSegment `json:"segments"`
}

type manifestSegment struct {
	Base         int64 `json:"baseOffset"`
	Size         int64 `json:"size"`
	MaxTimestamp int64 `json:"maxTimestamp"`
	MaxAt        int64 `json:"maxTimestampOffset"`
}

// manifest decodes milena.manifest: the logs as a clean shutdown left them.
func (d *dumper) manifest() error {
	data, err := d.content()
	if err != nil {
		return err
	}
	if len(data) < 28 || string(data[:8]) != "milenaM1" || !sealed(data) {
		return errors.New("the manifest is damaged: the next start verifies all logs")
	}
	r := varints{b: data[24 : len(data)-4]}
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		e := r.log()
		if r.bad {
			break
		}
		err := d.show(e, func(w io.Writer) {
			fmt.Fprintf(w, "topic: %s partition: %d topicId: %s startOffset: %d endOffset: %d producerSnapshot: %d sparse: %t epochs: %v\n",
				e.Topic, e.Partition, e.TopicID, e.Start, e.End, e.Snapshot, e.Sparse, e.Epochs)
			for _, s := range e.Segments {
				fmt.Fprintf(w, "| baseOffset: %d size: %d maxTimestamp: %d maxTimestampOffset: %d\n", s.Base, s.Size, s.MaxTimestamp, s.MaxAt)
			}
		})
		if err != nil {
			return err
		}
	}
	if r.bad || len(r.b) > 0 {
		return errors.New("the manifest is malformed")
	}
	return nil
}

// varints reads variable-length numbers; after the first bad one it reads zeros.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *varints) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	r.take(uint64(max(n, 0)))
	r.bad = r.bad || n <= 0
	return v
}

func (r *varints) varint() int64 {
	v, n := binary.Varint(r.b)
	r.take(uint64(max(n, 0)))
	r.bad = r.bad || n <= 0
	return v
}

func (r *varints) log() manifestEntry {
	var e manifestEntry
	e.Topic = string(r.take(r.uvarint()))
	e.Partition = r.varint()
	var id base.UUID
	copy(id[:], r.take(uint64(len(id))))
	e.TopicID = id.String()
	if flags := r.take(1); len(flags) == 1 {
		e.Sparse = flags[0]&1 != 0
	}
	e.Start, e.End, e.Snapshot = r.varint(), r.varint(), r.varint()
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		e.Epochs = append(e.Epochs, [2]int64{r.varint(), r.varint()})
	}
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		e.Segments = append(e.Segments, manifestSegment{r.varint(), r.varint(), r.varint(), r.varint()})
	}
	return e
}
