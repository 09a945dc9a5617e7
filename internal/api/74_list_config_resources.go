package api

import (
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/metadata"
)

// ListConfigResources (key 74, v0–v1) lists what has settings: topics, brokers,
// loggers, and groups with overrides. v0 asks for client metrics only, of which
// there are none. A type that does not exist is UNSUPPORTED_VERSION, as in
// Kafka.
func handleListConfigResources(a *API, r *Request, req *kmsg.ListConfigResourcesRequest) kmsg.Response {
	resp := kmsg.NewPtrListConfigResourcesResponse()
	if !a.clusterAllowed(r.Conn, mayDescribeConfigs) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return resp
	}
	known := []kmsg.ConfigResourceType{
		kmsg.ConfigResourceTypeTopic, kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger,
		kmsg.ConfigResourceTypeClientMetrics, kmsg.ConfigResourceTypeGroupConfig,
	}
	wanted := known
	if len(req.ResourceTypes) > 0 {
		wanted = nil
		for _, t := range req.ResourceTypes {
			if !slices.Contains(known, kmsg.ConfigResourceType(t)) {
				resp.ErrorCode = kerr.UnsupportedVersion.Code
				return resp
			}
			wanted = append(wanted, kmsg.ConfigResourceType(t))
		}
	}
	if r.Version == 0 {
		return resp
	}
	for _, t := range known {
		if slices.Contains(wanted, t) {
			a.listConfigResources(resp, t)
		}
	}
	return resp
}

func (a *API) listConfigResources(resp *kmsg.ListConfigResourcesResponse, kind kmsg.ConfigResourceType) {
	add := func(name string) {
		res := kmsg.NewListConfigResourcesResponseConfigResource()
		res.Name, res.Type = name, int8(kind)
		resp.ConfigResources = append(resp.ConfigResources, res)
	}
	img := a.image()
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		for t := range img.Topics() {
			add(t.Name)
		}
	case kmsg.ConfigResourceTypeBroker, kmsg.ConfigResourceTypeBrokerLogger:
		for _, b := range img.Brokers() {
			add(strconv.Itoa(int(b.ID)))
		}
	case kmsg.ConfigResourceTypeGroupConfig:
		for r := range img.Configured() {
			if r.Type == metadata.ResourceGroup {
				add(r.Name)
			}
		}
	}
}
