package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog/checkpoint"
	"github.com/milena-io/milena/internal/commitlog/epoch"
	"github.com/milena-io/milena/internal/commitlog/producer"
	"github.com/milena-io/milena/internal/commitlog/txnindex"
)

// maxWhole is the largest file that is read whole. No broker writes one of
// these kinds that comes near to it: the index of a segment has 10 MiB by default.
const maxWhole = 512 << 20

// content reads the whole file; these kinds are small.
func (d *dumper) content() ([]byte, error) {
	info, err := os.Stat(d.path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxWhole {
		return nil, fmt.Errorf("%s has %d bytes: no broker writes a file of this kind with more than %d", d.path, info.Size(), maxWhole)
	}
	return os.ReadFile(d.path)
}

func (d *dumper) producerSnapshot() error {
	data, err := d.content()
	if err != nil {
		return err
	}
	infos, err := producer.ParseSnapshot(data)
	if err != nil {
		return err
	}
	for _, p := range infos {
		err := d.show(p, func(w io.Writer) {
			fmt.Fprintf(w, "producerId: %d producerEpoch: %d coordinatorEpoch: %d currentTxnFirstOffset: %d lastTimestamp: %d lastSequence: %d lastOffset: %d offsetDelta: %d\n",
				p.ProducerID, p.Epoch, p.CoordinatorEpoch, p.TxnStart, p.LastTimestamp, p.LastSequence, p.LastOffset, p.OffsetDelta)
			for _, b := range p.Earlier {
				fmt.Fprintf(w, "  earlier: timestamp: %d lastSequence: %d lastOffset: %d offsetDelta: %d\n", b.Timestamp, b.LastSequence, b.LastOffset, b.OffsetDelta)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) txnIndex() error {
	first, err := segmentBase(d.path)
	if err != nil {
		return err
	}
	data, err := d.content()
	if err != nil {
		return err
	}
	entries, err := txnindex.Parse(data, first)
	if err != nil {
		return err
	}
	for _, e := range entries {
		err := d.show(e, func(w io.Writer) {
			fmt.Fprintf(w, "producerId: %d firstOffset: %d lastOffset: %d lastStableOffset: %d\n", e.ProducerID, e.FirstOffset, e.LastOffset, e.LastStableOffset)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) leaderEpochs() error {
	data, err := d.content()
	if err != nil {
		return err
	}
	cache, err := epoch.Parse(data)
	if err != nil {
		return err
	}
	for _, e := range cache.Entries() {
		if err := d.show(e, func(w io.Writer) { fmt.Fprintf(w, "epoch: %d startOffset: %d\n", e.Epoch, e.Start) }); err != nil {
			return err
		}
	}
	return nil
}

type checkpointEntry struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

func (d *dumper) offsetCheckpoint() error {
	data, err := d.content()
	if err != nil {
		return err
	}
	return d.showOffsets(data)
}

func (d *dumper) showOffsets(data []byte) error {
	offsets, err := checkpoint.ParseOffsets(data)
	if err != nil {
		return err
	}
	byName := func(x, y base.TopicPartition) int {
		return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
	}
	for _, tp := range slices.SortedFunc(maps.Keys(offsets), byName) {
		e := checkpointEntry{tp.Topic, tp.Partition, offsets[tp]}
		err := d.show(e, func(w io.Writer) {
			fmt.Fprintf(w, "topic: %s partition: %d offset: %d\n", e.Topic, e.Partition, e.Offset)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) partitionMetadata() error {
	data, err := d.content()
	if err != nil {
		return err
	}
	id, err := checkpoint.ParsePartition(data)
	if err != nil {
		return err
	}
	return d.show(map[string]string{"topicId": id.String()}, func(w io.Writer) { fmt.Fprintf(w, "topicId: %s\n", id) })
}

func (d *dumper) directoryMetadata() error {
	data, err := d.content()
	if err != nil {
		return err
	}
	m, err := checkpoint.ParseMeta(data)
	if err != nil {
		return err
	}
	v := map[string]any{"clusterId": m.ClusterID, "nodeId": m.NodeID, "directoryId": m.DirectoryID.String()}
	return d.show(v, func(w io.Writer) {
		fmt.Fprintf(w, "clusterId: %s nodeId: %d directoryId: %s\n", m.ClusterID, m.NodeID, m.DirectoryID)
	})
}
