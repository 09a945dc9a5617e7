package api

import "github.com/twmb/franz-go/pkg/kmsg"

// Authorizer decides whether the principal of a connection may do something.
// The name of the cluster resource is ClusterName.
type Authorizer interface {
	Authorize(c *Conn, op kmsg.ACLOperation, on kmsg.ACLResourceType, name string) bool
	// AuthorizeAny reports whether there is any resource of the kind on which
	// the principal may do op.
	AuthorizeAny(c *Conn, op kmsg.ACLOperation, on kmsg.ACLResourceType) bool
}

// ClusterName is the name of the only cluster resource.
const ClusterName = "kafka-cluster"

// AllowAll is the Authorizer of a broker without access control.
type AllowAll struct{}

// Authorize implements Authorizer.
func (AllowAll) Authorize(*Conn, kmsg.ACLOperation, kmsg.ACLResourceType, string) bool { return true }

// AuthorizeAny implements Authorizer.
func (AllowAll) AuthorizeAny(*Conn, kmsg.ACLOperation, kmsg.ACLResourceType) bool { return true }

// allowed is the one place where handlers ask for permission.
func (a *API) allowed(c *Conn, op kmsg.ACLOperation, on kmsg.ACLResourceType, name string) bool {
	return a.cfg.Authorizer.Authorize(c, op, on, name)
}

func (a *API) clusterAllowed(c *Conn, op kmsg.ACLOperation) bool {
	return a.allowed(c, op, onCluster, ClusterName)
}

// noOperations is "not asked for" in an authorized-operations field.
const noOperations int32 = -2147483648

// operationsOn lists the operations that exist for a kind of resource.
var operationsOn = map[kmsg.ACLResourceType][]kmsg.ACLOperation{
	onTopic:   {mayRead, mayWrite, mayCreate, mayDelete, mayAlter, mayDescribe, mayDescribeConfigs, mayAlterConfigs},
	onGroup:   {mayRead, mayDelete, mayDescribe, mayDescribeConfigs, mayAlterConfigs},
	onCluster: {mayCreate, mayAlter, mayDescribe, mayClusterAction, mayDescribeConfigs, mayAlterConfigs, mayIdempotentWrite},
}

// operations is the bit field of what the principal may do (KIP-430).
func (a *API) operations(c *Conn, on kmsg.ACLResourceType, name string) int32 {
	var bits int32
	for _, op := range operationsOn[on] {
		if a.allowed(c, op, on, name) {
			bits |= 1 << op
		}
	}
	return bits
}
