package api

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func versionsOf(software, version string) *kmsg.ApiVersionsRequest {
	r := kmsg.NewPtrApiVersionsRequest()
	r.ClientSoftwareName, r.ClientSoftwareVersion = software, version
	return r
}

func rangeOf(k kmsg.ApiVersionsResponseApiKey) [3]int16 {
	return [3]int16{k.ApiKey, k.MinVersion, k.MaxVersion}
}

func TestAPIVersionsListsTheTable(t *testing.T) {
	b := newBroker(t)
	for v := int16(0); v <= 5; v++ {
		resp := ask[*kmsg.ApiVersionsResponse](t, b, v, versionsOf("a", "1"))
		if len(resp.ApiKeys) != len(table) || rangeOf(resp.ApiKeys[0]) != [3]int16{0, 0, 13} {
			t.Errorf("v%d: %d keys, first %+v", v, len(resp.ApiKeys), resp.ApiKeys[0])
		}
		for _, k := range resp.ApiKeys {
			if e := lookup(k.ApiKey); e == nil || k.MaxVersion != e.Max {
				t.Errorf("v%d lists key %d up to %d", v, k.ApiKey, k.MaxVersion)
			}
		}
		features := fmt.Sprint(len(resp.SupportedFeatures), len(resp.FinalizedFeatures), resp.FinalizedFeaturesEpoch)
		if want := map[bool]string{false: "0 0 -1", true: "1 1 1"}[v >= 3]; features != want {
			t.Errorf("v%d: features %s, want %s", v, features, want)
		}
	}
	if b.conn.SoftwareName != "a" || b.conn.SoftwareVersion != "1" {
		t.Errorf("software %q %q", b.conn.SoftwareName, b.conn.SoftwareVersion)
	}
}

// A client from the future gets the form of version 0 with our range (KIP-511).
func TestAPIVersionsFallback(t *testing.T) {
	b := newBroker(t)
	for _, v := range []int16{6, 7, 100, 32767, -1} {
		r := b.api.Handle(t.Context(), &Request{Key: 18, Version: v, Conn: b.conn, Body: []byte("anything")})
		if r.Now == nil || r.Close {
			t.Fatalf("v%d: %+v", v, r)
		}
		resp := kmsg.NewPtrApiVersionsResponse()
		if err := resp.ReadFrom(encoded(t, r.Now)); err != nil {
			t.Fatal(err)
		}
		if name(resp.ErrorCode) != "UNSUPPORTED_VERSION" || len(resp.ApiKeys) != 1 || rangeOf(resp.ApiKeys[0]) != [3]int16{18, 0, 5} {
			t.Errorf("v%d: %+v", v, resp)
		}
	}
}

func TestAPIVersionsChecksTheClient(t *testing.T) {
	id := kmsg.StringPtr
	for _, c := range []struct {
		version        int16
		name, software string
		cluster        *string
		node           int32
		want           string
	}{
		{3, "franz-go", "1.22.2", nil, -1, "ok"},
		{3, "a b", "1", nil, -1, "INVALID_REQUEST"},
		{3, "", "1", nil, -1, "INVALID_REQUEST"},
		{3, "a", "-1", nil, -1, "INVALID_REQUEST"},
		{2, "", "", nil, -1, "ok"},
		{5, "a", "1", id("cluster-1"), 1, "ok"},
		{5, "a", "1", id("cluster-1"), 2, "REBOOTSTRAP_REQUIRED"},
		{5, "a", "1", id("other"), 1, "REBOOTSTRAP_REQUIRED"},
		{5, "a", "1", id("cluster-1"), -1, "INVALID_REQUEST"},
		{5, "a", "1", nil, 1, "INVALID_REQUEST"},
		{4, "a", "1", id("other"), 7, "ok"},
	} {
		b := newBroker(t)
		req := versionsOf(c.name, c.software)
		req.ClusterID, req.NodeID = c.cluster, c.node
		resp := ask[*kmsg.ApiVersionsResponse](t, b, c.version, req)
		if name(resp.ErrorCode) != c.want || (len(resp.ApiKeys) > 0) != (c.want == "ok") {
			t.Errorf("%+v: %s with %d keys", c, name(resp.ErrorCode), len(resp.ApiKeys))
		}
	}
}
