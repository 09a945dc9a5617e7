package api

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kinds of coordinator.
const (
	coordinatesGroups       = 0
	coordinatesTransactions = 1
	coordinatesShareState   = 2
)

// FindCoordinator (key 10, v0–v6) names the broker that looks after a group.
//
//   - v0–v3 one key, v4+ several.
//   - The broker's own topic is created on the first call; the answer comes when
//     it is ready (Kafka answers COORDINATOR_NOT_AVAILABLE until then).
//   - There is no transaction and no share coordinator yet: both types are
//     INVALID_REQUEST with a message that says so, as Kafka answers for share
//     groups on a broker without them. A retriable code would let clients try
//     until their time-out and then report that, an authorization error would
//     send people looking for ACLs.
func handleFindCoordinator(a *API, ctx context.Context, r *Request, req *kmsg.FindCoordinatorRequest) kmsg.Response {
	resp := kmsg.NewPtrFindCoordinatorResponse()
	if r.Version >= 4 {
		for _, key := range req.CoordinatorKeys {
			n, err := a.coordinator(ctx, r, req.CoordinatorType, key)
			c := kmsg.NewFindCoordinatorResponseCoordinator()
			c.Key, c.NodeID, c.Host, c.Port = key, int32(n.id), n.host, n.port
			c.ErrorCode, c.ErrorMessage = a.wireCode(err), explainOrEmpty(err)
			resp.Coordinators = append(resp.Coordinators, c)
		}
		return resp
	}
	n, err := a.coordinator(ctx, r, req.CoordinatorType, req.CoordinatorKey)
	resp.NodeID, resp.Host, resp.Port = int32(n.id), n.host, n.port
	resp.ErrorCode, resp.ErrorMessage = a.wireCode(err), explain(err)
	if err == nil {
		resp.ErrorMessage = kmsg.StringPtr("NONE") // Kafka's description of code 0
	}
	return resp
}

func (a *API) coordinator(ctx context.Context, r *Request, kind int8, key string) (node, error) {
	switch kind {
	case coordinatesGroups:
		if !a.allowed(r.Conn, mayDescribe, onGroup, key) {
			return noNode, kerr.GroupAuthorizationFailed
		}
	case coordinatesTransactions:
		if !a.allowed(r.Conn, mayDescribe, onTxn, key) {
			return noNode, kerr.TransactionalIDAuthorizationFailed
		}
		return noNode, withMessage(kerr.InvalidRequest, "this broker has no transaction coordinator")
	case coordinatesShareState:
		if !a.clusterAllowed(r.Conn, mayClusterAction) {
			return noNode, kerr.ClusterAuthorizationFailed
		}
		return noNode, withMessage(kerr.InvalidRequest, "this broker has no share coordinator")
	default:
		return noNode, withMessage(kerr.InvalidRequest, "unknown coordinator type")
	}
	id, err := a.cfg.Groups.FindCoordinator(ctx, key)
	if err != nil {
		return noNode, err
	}
	n, ok := a.node(r.Conn, id)
	if !ok {
		return noNode, kerr.CoordinatorNotAvailable
	}
	return n, nil
}
