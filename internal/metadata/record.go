package metadata

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/milena-io/milena/internal/metapb"
)

// Record wraps a message of package metapb as a record. A message that is no
// kind of record is a programming error and panics.
func Record(m proto.Message) *metapb.Record {
	switch m := m.(type) {
	case *metapb.ClusterInit:
		return &metapb.Record{Kind: &metapb.Record_ClusterInit{ClusterInit: m}}
	case *metapb.FeatureLevel:
		return &metapb.Record{Kind: &metapb.Record_FeatureLevel{FeatureLevel: m}}
	case *metapb.RegisterBroker:
		return &metapb.Record{Kind: &metapb.Record_RegisterBroker{RegisterBroker: m}}
	case *metapb.FenceBroker:
		return &metapb.Record{Kind: &metapb.Record_FenceBroker{FenceBroker: m}}
	case *metapb.UnfenceBroker:
		return &metapb.Record{Kind: &metapb.Record_UnfenceBroker{UnfenceBroker: m}}
	case *metapb.UnregisterBroker:
		return &metapb.Record{Kind: &metapb.Record_UnregisterBroker{UnregisterBroker: m}}
	case *metapb.Topic:
		return &metapb.Record{Kind: &metapb.Record_Topic{Topic: m}}
	case *metapb.Partition:
		return &metapb.Record{Kind: &metapb.Record_Partition{Partition: m}}
	case *metapb.PartitionChange:
		return &metapb.Record{Kind: &metapb.Record_PartitionChange{PartitionChange: m}}
	case *metapb.RemoveTopic:
		return &metapb.Record{Kind: &metapb.Record_RemoveTopic{RemoveTopic: m}}
	case *metapb.Config:
		return &metapb.Record{Kind: &metapb.Record_Config{Config: m}}
	case *metapb.ProducerIDs:
		return &metapb.Record{Kind: &metapb.Record_ProducerIds{ProducerIds: m}}
	}
	panic(fmt.Sprintf("metadata: %T is not a kind of record", m))
}

// EncodeBatch is the quorum payload of some records.
func EncodeBatch(records []*metapb.Record) ([]byte, error) {
	return proto.Marshal(&metapb.Batch{Records: records})
}

// DecodeBatch reads what EncodeBatch wrote.
func DecodeBatch(data []byte) ([]*metapb.Record, error) {
	var b metapb.Batch
	if err := proto.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("metadata: bad batch: %w", err)
	}
	return b.GetRecords(), nil
}
