package group

import "github.com/twmb/franz-go/pkg/kmsg"

// Client is who sent a request.
type Client struct {
	ID   string // client.id
	Host string // address, in Kafka's form "/127.0.0.1"
}

// Input is one operation of a [Machine]: one of the types below. The machine
// keeps no memory of a request.
type Input interface{ group() }

// The operations, with the type of their answer. Errors are codes inside the
// answers.
type (
	// Join: *kmsg.JoinGroupResponse.
	Join struct {
		*kmsg.JoinGroupRequest
		Client Client
		// Unique makes the member id, if one has to be made.
		Unique string
	}
	// Sync: *kmsg.SyncGroupResponse.
	Sync struct{ *kmsg.SyncGroupRequest }
	// Heartbeat: *kmsg.HeartbeatResponse.
	Heartbeat struct{ *kmsg.HeartbeatRequest }
	// Leave: *kmsg.LeaveGroupResponse.
	Leave struct{ *kmsg.LeaveGroupRequest }
	// Commit: *kmsg.OffsetCommitResponse.
	Commit struct{ *kmsg.OffsetCommitRequest }
	// Fetch: kmsg.OffsetFetchResponseGroup. Topics nil asks for all.
	Fetch struct {
		kmsg.OffsetFetchRequestGroup
		RequireStable bool
	}
	// DeleteOffsets: *kmsg.OffsetDeleteResponse.
	DeleteOffsets struct{ *kmsg.OffsetDeleteRequest }
	// Describe: []kmsg.DescribeGroupsResponseGroup.
	Describe struct {
		Groups  []string
		Version int16 // of the request
	}
	// List: []kmsg.ListGroupsResponseGroup.
	List struct{ States, Types []string }
	// Delete: []kmsg.DeleteGroupsResponseGroup.
	Delete struct{ Groups []string }
	// TopicsDeleted: nil. Their offsets are dropped.
	TopicsDeleted struct{ Topics []DeletedTopic }
	// Offsets: []CommittedOffset of every group, for metrics: it does not wait
	// for the high watermark.
	Offsets struct{}
)

// DeletedTopic names a topic that is gone. With an id, offsets that were
// committed for another topic of that name stay.
type DeletedTopic struct {
	Name string
	ID   [16]byte
}

// CommittedOffset is one committed offset of one group.
type CommittedOffset struct {
	Group       string
	Topic       string
	TopicID     [16]byte
	Partition   int32
	Offset      int64
	TimestampMs int64 // when it was committed
}

func (Join) group()          {}
func (Sync) group()          {}
func (Heartbeat) group()     {}
func (Leave) group()         {}
func (Commit) group()        {}
func (Fetch) group()         {}
func (DeleteOffsets) group() {}
func (Describe) group()      {}
func (List) group()          {}
func (Delete) group()        {}
func (TopicsDeleted) group() {}
func (Offsets) group()       {}
