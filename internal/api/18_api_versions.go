package api

import (
	"regexp"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const keyAPIVersions = 18

// ApiVersions (key 18, v0–v5) lists the served keys and the cluster's features.
//
//   - A version above ours is answered in the form of v0 with
//     UNSUPPORTED_VERSION and our range of this key only (KIP-511).
//   - v3+ takes the client's software name and version; both must look like one.
//     v3 leaves out features whose lowest level is 0, which older clients can't
//     read; v4+ lists all.
//   - v5+ may carry the cluster and broker id that the client expects: if one is
//     wrong, REBOOTSTRAP_REQUIRED and nothing else (KIP-1242); one without the
//     other is INVALID_REQUEST.
//   - Produce is advertised from v0 (see Entry.AdvertisedMin).
func handleAPIVersions(a *API, r *Request, req *kmsg.ApiVersionsRequest) kmsg.Response {
	resp := kmsg.NewPtrApiVersionsResponse()
	if err := a.checkClient(r, req); err != nil {
		resp.ErrorCode = err.Code
		return resp
	}
	if r.Version >= 3 {
		r.Conn.SoftwareName, r.Conn.SoftwareVersion = req.ClientSoftwareName, req.ClientSoftwareVersion
	}
	for _, e := range table {
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MinVersion, k.MaxVersion = e.Key, e.AdvertisedMin, e.Max
		resp.ApiKeys = append(resp.ApiKeys, k)
	}
	a.describeFeatures(resp, r.Version)
	return resp
}

var softwarePattern = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$`)

func (a *API) checkClient(r *Request, req *kmsg.ApiVersionsRequest) *kerr.Error {
	good := softwarePattern.MatchString
	if r.Version >= 3 && (!good(req.ClientSoftwareName) || !good(req.ClientSoftwareVersion)) {
		return kerr.InvalidRequest
	}
	if r.Version < 5 || req.ClusterID == nil && req.NodeID == -1 {
		return nil
	}
	switch {
	case req.ClusterID == nil || req.NodeID == -1:
		return kerr.InvalidRequest
	case *req.ClusterID != a.image().ClusterID() || req.NodeID != int32(a.cfg.NodeID):
		return kerr.RebootstrapRequired
	}
	return nil
}

// feature is a cluster-wide capability and the levels this version can run at.
type feature struct {
	name     string
	min, max int16
}

// supportedFeatures are the capabilities that exist here. Clients choose
// protocols by them, so only what works is listed; metadata.version is Kafka's
// number for the set of admin features (4.4-IV2 = 33).
var supportedFeatures = []feature{{"metadata.version", 7, 33}}

func (a *API) describeFeatures(resp *kmsg.ApiVersionsResponse, version int16) {
	if version < 3 {
		return
	}
	img := a.image()
	resp.FinalizedFeaturesEpoch = int64(img.Index())
	for _, f := range supportedFeatures {
		if f.min > 0 || version >= 4 {
			s := kmsg.NewApiVersionsResponseSupportedFeature()
			s.Name, s.MinVersion, s.MaxVersion = f.name, f.min, f.max
			resp.SupportedFeatures = append(resp.SupportedFeatures, s)
		}
		if level := img.FeatureLevel(f.name); level > 0 {
			s := kmsg.NewApiVersionsResponseFinalizedFeature()
			s.Name, s.MinVersionLevel, s.MaxVersionLevel = f.name, level, level
			resp.FinalizedFeatures = append(resp.FinalizedFeatures, s)
		}
	}
}

// unsupportedAPIVersions is the answer to a client from the future.
func unsupportedAPIVersions() kmsg.Response {
	resp := kmsg.NewPtrApiVersionsResponse()
	resp.ErrorCode = kerr.UnsupportedVersion.Code
	e := lookup(keyAPIVersions)
	k := kmsg.NewApiVersionsResponseApiKey()
	k.ApiKey, k.MinVersion, k.MaxVersion = e.Key, e.AdvertisedMin, e.Max
	resp.ApiKeys = append(resp.ApiKeys, k)
	return resp
}
