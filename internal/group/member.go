package group

import (
	"bytes"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/shard"
)

// member is one member of a group: soft state.
type member struct {
	id               string
	instance         *string // group.instance.id of a static member
	clientID         string
	clientHost       string
	sessionTimeout   int32
	rebalanceTimeout int32
	protocols        []protocol
	assignment       []byte
	// fresh members have not seen a generation yet: they send no heartbeats, so
	// their session runs out even while they wait for one.
	fresh   bool
	join    shard.Ticket // parked JoinGroup, 0 for none
	sync    shard.Ticket // parked SyncGroup, 0 for none
	session timer
}

// protocol is one way of assigning that a member supports, best first.
type protocol struct {
	name     string
	metadata []byte
}

// protocolsOf takes over the protocols of a request; of two with one name the
// first counts.
func protocolsOf(req []kmsg.JoinGroupRequestProtocol) []protocol {
	ps := make([]protocol, 0, len(req))
	seen := make(map[string]bool, len(req))
	for _, p := range req {
		if !seen[p.Name] {
			seen[p.Name] = true
			ps = append(ps, protocol{p.Name, p.Metadata})
		}
	}
	return ps
}

func protocolBytes(ps []protocol) (n int) {
	for _, p := range ps {
		n += len(p.name) + len(p.metadata)
	}
	return n
}

func (mb *member) metadata(name string) []byte {
	for _, p := range mb.protocols {
		if p.name == name {
			return p.metadata
		}
	}
	return nil
}

// matches reports whether the member already has exactly these protocols.
func (mb *member) matches(ps []protocol) bool {
	if len(ps) != len(mb.protocols) {
		return false
	}
	for i, p := range ps {
		if p.name != mb.protocols[i].name || !bytes.Equal(p.metadata, mb.protocols[i].metadata) {
			return false
		}
	}
	return true
}

// vote is the member's favourite among the candidates.
func (mb *member) vote(candidates map[string]bool) string {
	for _, p := range mb.protocols {
		if candidates[p.name] {
			return p.name
		}
	}
	return ""
}

// excused members need not send heartbeats: their request is parked here.
func (mb *member) excused() bool { return !mb.fresh && (mb.join != 0 || mb.sync != 0) }
