package api

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeCluster (key 60, v0–v2) lists the brokers that have the listener that
// was asked.
//
//   - v1+ says which kind of endpoint the client means: controllers have none
//     of their own (MISMATCHED_ENDPOINT_TYPE), others are
//     UNSUPPORTED_ENDPOINT_TYPE. v2+ can include fenced brokers.
//   - Any broker takes administrative requests, so the one that answers calls
//     itself the controller.
func handleDescribeCluster(a *API, r *Request, req *kmsg.DescribeClusterRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeClusterResponse()
	resp.ControllerID, resp.EndpointType = -1, endpointBroker
	if r.Version >= 1 && req.EndpointType != endpointBroker {
		err, message := kerr.UnsupportedEndpointType, fmt.Sprintf("Unsupported endpoint type %d", req.EndpointType)
		if req.EndpointType == endpointController {
			err = kerr.MismatchedEndpointType
			message = "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
		}
		resp.ErrorCode, resp.ErrorMessage = err.Code, &message
		return resp
	}
	resp.ClusterID = a.image().ClusterID()
	for _, n := range a.nodes(r.Conn, r.Version >= 2 && req.IncludeFencedBrokers) {
		b := kmsg.NewDescribeClusterResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack, b.IsFenced = int32(n.id), n.host, n.port, optional(n.rack), n.fenced
		resp.Brokers = append(resp.Brokers, b)
		if !n.fenced && (resp.ControllerID < 0 || n.id == a.cfg.NodeID) {
			resp.ControllerID = int32(n.id)
		}
	}
	if req.IncludeClusterAuthorizedOperations {
		resp.ClusterAuthorizedOperations = 0
		if a.clusterAllowed(r.Conn, mayDescribe) {
			resp.ClusterAuthorizedOperations = a.operations(r.Conn, onCluster, ClusterName)
		}
	}
	return resp
}

// Kinds of endpoint.
const (
	endpointBroker     = 1
	endpointController = 2
)
