package api

import (
	"context"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

//go:generate go test -run TestProtocolDocument -rewrite .

// Entry is one served API key.
type Entry struct {
	Key  int16
	Name string
	// Min and Max are the versions that are answered.
	Min, Max int16
	// AdvertisedMin is what ApiVersions says; it differs from Min only for
	// Produce: librdkafka decides which codecs a broker knows by whether
	// version 0 is listed, although nobody may send it (KIP-896).
	AdvertisedMin int16
	// Overlaps is set for the one API whose requests may be handled while an
	// earlier answer of the same connection is still pending.
	Overlaps bool
	// ACL lists the permissions the handler asks for.
	ACL []Permission
	// Notes are differences from Kafka, for docs/protocol.md.
	Notes string

	handle handler
}

// Permission is an operation on a kind of resource.
type Permission struct {
	Operation kmsg.ACLOperation
	Resource  kmsg.ACLResourceType
}

// String reads like Kafka's documentation: "Write on Topic".
func (p Permission) String() string {
	return title(p.Operation.String()) + " on " + title(p.Resource.String())
}

// title turns DESCRIBE_CONFIGS into DescribeConfigs.
func title(s string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(s, "_") {
		if word != "" {
			b.WriteString(word[:1] + strings.ToLower(word[1:]))
		}
	}
	return b.String()
}

type handler func(a *API, ctx context.Context, r *Request) Reply

// Short names keep the table readable.
const (
	onTopic   = kmsg.ACLResourceTypeTopic
	onGroup   = kmsg.ACLResourceTypeGroup
	onCluster = kmsg.ACLResourceTypeCluster
	onTxn     = kmsg.ACLResourceTypeTransactionalId

	mayRead            = kmsg.ACLOperationRead
	mayWrite           = kmsg.ACLOperationWrite
	mayCreate          = kmsg.ACLOperationCreate
	mayDelete          = kmsg.ACLOperationDelete
	mayAlter           = kmsg.ACLOperationAlter
	mayDescribe        = kmsg.ACLOperationDescribe
	mayClusterAction   = kmsg.ACLOperationClusterAction
	mayDescribeConfigs = kmsg.ACLOperationDescribeConfigs
	mayAlterConfigs    = kmsg.ACLOperationAlterConfigs
	mayIdempotentWrite = kmsg.ACLOperationIdempotentWrite
)

// table is every served key; see docs/protocol.md for the ones that are not.
// It is filled in by init because ApiVersions' handler reads it.
var table []Entry

func init() {
	table = []Entry{
		{
			Key: 0, Min: 3, Max: 13, AdvertisedMin: 0, Overlaps: true, handle: handleProduce,
			ACL: []Permission{{mayWrite, onTopic}, {mayWrite, onTxn}},
		},
		{Key: 1, Min: 4, Max: 18, handle: handleFetch, ACL: []Permission{{mayRead, onTopic}, {mayClusterAction, onCluster}}},
		{Key: 2, Min: 1, Max: 11, handle: answered(handleListOffsets), ACL: []Permission{{mayDescribe, onTopic}}},
		{Key: 3, Min: 0, Max: 13, handle: awaited(handleMetadata), ACL: []Permission{{mayDescribe, onTopic}, {mayCreate, onTopic}, {mayCreate, onCluster}, {mayDescribe, onCluster}}},
		{Key: 8, Min: 2, Max: 10, handle: awaited(handleOffsetCommit), ACL: []Permission{{mayRead, onGroup}, {mayRead, onTopic}}},
		{Key: 9, Min: 1, Max: 10, handle: awaited(handleOffsetFetch), ACL: []Permission{{mayDescribe, onGroup}, {mayDescribe, onTopic}}},
		{Key: 10, Min: 0, Max: 6, handle: awaited(handleFindCoordinator), ACL: []Permission{{mayDescribe, onGroup}, {mayDescribe, onTxn}, {mayClusterAction, onCluster}}},
		{Key: 11, Min: 0, Max: 9, handle: polled(ownJoin, handleJoinGroup), ACL: []Permission{{mayRead, onGroup}}},
		{Key: 12, Min: 0, Max: 4, handle: awaited(handleHeartbeat), ACL: []Permission{{mayRead, onGroup}}},
		{Key: 13, Min: 0, Max: 5, handle: awaited(handleLeaveGroup), ACL: []Permission{{mayRead, onGroup}}},
		{Key: 14, Min: 0, Max: 5, handle: polled(ownSync, handleSyncGroup), ACL: []Permission{{mayRead, onGroup}}},
		{Key: 15, Min: 0, Max: 6, handle: awaited(handleDescribeGroups), ACL: []Permission{{mayDescribe, onGroup}}},
		{Key: 16, Min: 0, Max: 5, handle: awaited(handleListGroups), ACL: []Permission{{mayDescribe, onCluster}, {mayDescribe, onGroup}}},
		{Key: 18, Min: 0, Max: 5, handle: answered(handleAPIVersions)},
		{Key: 19, Min: 2, Max: 7, handle: awaited(handleCreateTopics), ACL: []Permission{{mayCreate, onCluster}, {mayCreate, onTopic}, {mayDescribeConfigs, onTopic}}},
		{Key: 20, Min: 1, Max: 6, handle: awaited(handleDeleteTopics), ACL: []Permission{{mayDelete, onTopic}, {mayDescribe, onTopic}}},
		{Key: 21, Min: 0, Max: 2, handle: awaited(handleDeleteRecords), ACL: []Permission{{mayDelete, onTopic}}},
		{Key: 22, Min: 0, Max: 5, handle: awaited(handleInitProducerID), ACL: []Permission{{mayIdempotentWrite, onCluster}, {mayWrite, onTopic}, {mayWrite, onTxn}}},
		{Key: 23, Min: 2, Max: 4, handle: answered(handleOffsetForLeaderEpoch), ACL: []Permission{{mayDescribe, onTopic}, {mayClusterAction, onCluster}}},
		{Key: 32, Min: 1, Max: 4, handle: answered(handleDescribeConfigs), ACL: []Permission{{mayDescribeConfigs, onTopic}, {mayDescribeConfigs, onCluster}, {mayDescribeConfigs, onGroup}}},
		{Key: 33, Min: 0, Max: 2, handle: awaited(handleAlterConfigs), ACL: []Permission{{mayAlterConfigs, onTopic}, {mayAlterConfigs, onCluster}, {mayAlterConfigs, onGroup}}},
		{Key: 35, Min: 1, Max: 5, handle: answered(handleDescribeLogDirs), ACL: []Permission{{mayDescribe, onCluster}}},
		{Key: 37, Min: 0, Max: 3, handle: awaited(handleCreatePartitions), ACL: []Permission{{mayAlter, onTopic}}},
		{Key: 42, Min: 0, Max: 3, handle: awaited(handleDeleteGroups), ACL: []Permission{{mayDelete, onGroup}}},
		{Key: 44, Min: 0, Max: 1, handle: awaited(handleIncrementalAlterConfigs), ACL: []Permission{{mayAlterConfigs, onTopic}, {mayAlterConfigs, onCluster}, {mayAlterConfigs, onGroup}}},
		{Key: 47, Min: 0, Max: 0, handle: awaited(handleOffsetDelete), ACL: []Permission{{mayDelete, onGroup}, {mayRead, onTopic}}},
		{Key: 55, Min: 0, Max: 2, handle: answered(handleDescribeQuorum), ACL: []Permission{{mayDescribe, onCluster}}},
		{Key: 60, Min: 0, Max: 2, handle: answered(handleDescribeCluster), ACL: []Permission{{mayDescribe, onCluster}}},
		{Key: 61, Min: 0, Max: 0, handle: answered(handleDescribeProducers), ACL: []Permission{{mayRead, onTopic}}},
		{Key: 74, Min: 0, Max: 1, handle: answered(handleListConfigResources), ACL: []Permission{{mayDescribeConfigs, onCluster}}},
		{Key: 75, Min: 0, Max: 0, handle: answered(handleDescribeTopicPartitions), ACL: []Permission{{mayDescribe, onTopic}}},
	}
	for i := range table {
		e := &table[i]
		e.Name = kafkaNames[e.Key]
		e.Notes = notes[e.Key]
		if e.Key != 0 {
			e.AdvertisedMin = e.Min
		}
		byKey[e.Key] = e
	}
}

// byKey finds an entry without a search; nil where nothing is served.
var byKey [maxKey + 1]*Entry

const maxKey = 94

// lookup is the entry of a key that came from the network, or nil.
func lookup(key int16) *Entry {
	if key < 0 || key > maxKey {
		return nil
	}
	return byKey[key]
}

// Table lists the served keys in order.
func (a *API) Table() []Entry { return append([]Entry(nil), table...) }
