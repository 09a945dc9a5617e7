package conformance

import (
	"encoding/binary"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

var clusterScenarios = []scenario{
	{name: "api versions", key: kmsg.ApiVersions, run: func(s *script) {
		versions := func(name, version string) *kmsg.ApiVersionsRequest {
			r := kmsg.NewPtrApiVersionsRequest()
			r.ClientSoftwareName, r.ClientSoftwareVersion = name, version
			return r
		}
		// What both serve must have the same range.
		req := versions("conformance", "1.0")
		r := s.quiet(req).(*kmsg.ApiVersionsResponse)
		s.note("error", errorName(r.ErrorCode))
		ranges := map[int16][2]int16{}
		for _, k := range r.ApiKeys {
			ranges[k.ApiKey] = [2]int16{k.MinVersion, k.MaxVersion}
		}
		for key := range served {
			s.note("range of "+kmsg.NameForKey(key), fmt.Sprint(ranges[key]))
		}
		for key, v := range ranges {
			if _, ok := served[key]; !ok {
				s.note(fmt.Sprintf("key %d", key), fmt.Sprint(v))
			}
		}
		for _, f := range r.SupportedFeatures {
			s.note("feature "+f.Name, fmt.Sprintf("%d-%d", f.MinVersion, f.MaxVersion))
		}
		for _, f := range r.FinalizedFeatures {
			s.note("finalized "+f.Name, fmt.Sprintf("%d-%d", f.MinVersionLevel, f.MaxVersionLevel))
		}
		for step, bad := range inOrder(map[string]*kmsg.ApiVersionsRequest{
			"no name": versions("", "1.0"), "no version": versions("conformance", ""), "bad name": versions("a b", "1.0"), "bad version": versions("conformance", "-"), "dots": versions("a.b-c", "1-0.1"),
		}) {
			s.note(step, errorName(s.quiet(bad).(*kmsg.ApiVersionsResponse).ErrorCode))
		}
	}},
	{name: "api versions, misrouted", key: kmsg.ApiVersions, from: 5, run: func(s *script) {
		for step, to := range inOrder(map[string]struct {
			cluster *string
			node    int32
		}{"other cluster": {ptr("xxxx"), -1}, "other node": {nil, 9}, "this node": {nil, 1}, "both wrong": {ptr("x"), 9}, "empty cluster": {ptr(""), -1}}) {
			r := kmsg.NewPtrApiVersionsRequest()
			r.ClientSoftwareName, r.ClientSoftwareVersion, r.ClusterID, r.NodeID = "c", "1", to.cluster, to.node
			got := s.quiet(r).(*kmsg.ApiVersionsResponse)
			s.note(step, fmt.Sprintf("%s %v", errorName(got.ErrorCode), len(got.ApiKeys) > 0))
		}
	}},
	{name: "describe cluster", key: kmsg.DescribeCluster, run: func(s *script) {
		describe := func(kind int8, operations, fenced bool) *kmsg.DescribeClusterRequest {
			r := kmsg.NewPtrDescribeClusterRequest()
			r.EndpointType, r.IncludeClusterAuthorizedOperations, r.IncludeFencedBrokers = kind, operations, fenced
			return r
		}
		s.ask("brokers", describe(1, false, false))
		s.ask("authorized operations", describe(1, true, false))
		s.ask("fenced brokers", describe(1, false, true))
		s.ask("controllers", describe(2, false, false))
		s.ask("type 0", describe(0, false, false))
		s.ask("type 9", describe(9, false, false))
	}},
	{name: "describe quorum", key: kmsg.DescribeQuorum, run: func(s *script) {
		quorum := func(name string, partitions ...int32) *kmsg.DescribeQuorumRequest {
			r, t := kmsg.NewPtrDescribeQuorumRequest(), kmsg.NewDescribeQuorumRequestTopic()
			t.Topic = name
			for _, p := range partitions {
				one := kmsg.NewDescribeQuorumRequestTopicPartition()
				one.Partition = p
				t.Partitions = append(t.Partitions, one)
			}
			r.Topics = append(r.Topics, t)
			return r
		}
		r := s.quiet(quorum("__cluster_metadata", 0)).(*kmsg.DescribeQuorumResponse)
		s.note("error", errorName(r.ErrorCode))
		if len(r.Topics) == 1 && len(r.Topics[0].Partitions) == 1 {
			p := r.Topics[0].Partitions[0]
			s.note("leader", fmt.Sprintf("%s %d, epoch > 0: %v, mark > 0: %v, voters %d", errorName(p.ErrorCode), p.LeaderID, p.LeaderEpoch > 0, p.HighWatermark > 0, len(p.CurrentVoters)))
			s.note("voter", fmt.Sprintf("%d, caught up: %v", p.CurrentVoters[0].ReplicaID, p.CurrentVoters[0].LastCaughtUpTimestamp > 0))
		}
		s.note("nodes", fmt.Sprint(len(r.Nodes)))
		s.ask("other topic", quorum("other", 0))
		s.ask("other partition", quorum("__cluster_metadata", 1))
		two := quorum("__cluster_metadata", 0, 1)
		s.ask("two partitions", two)
		two = quorum("__cluster_metadata", 0)
		two.Topics = append(two.Topics, quorum("other", 0).Topics...)
		s.ask("two topics", two)
		two.Topics = nil
		s.ask("no topics", two)
	}},
	{name: "describe log dirs", key: kmsg.DescribeLogDirs, run: func(s *script) {
		t := s.topic("t", 2)
		s.fill(t, 0, "a")
		dirs := func(topics ...topic) *kmsg.DescribeLogDirsRequest {
			r := kmsg.NewPtrDescribeLogDirsRequest()
			for _, t := range topics {
				one := kmsg.NewDescribeLogDirsRequestTopic()
				one.Topic, one.Partitions = t.name, []int32{0, 1, 7}
				r.Topics = append(r.Topics, one)
			}
			return r
		}
		s.ask("a topic", dirs(t))
		s.ask("unknown topic", dirs(s.noTopic()))
		s.mine("all", dirs())
		none := dirs()
		none.Topics = []kmsg.DescribeLogDirsRequestTopic{}
		s.ask("none", none)
		none = dirs(t)
		none.Topics[0].Partitions = nil
		s.ask("no partitions", none)
	}},
}

// header is a request header without a body.
func header(key, version int16) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, 7)
	return append(binary.BigEndian.AppendUint16(b, 1), 'x')
}

var frameScenarios = []scenario{
	{name: "frames", key: kmsg.ApiVersions, from: 5, run: func(s *script) {
		for key, e := range served {
			if key != int16(kmsg.ApiVersions) {
				s.frame(e.Name+" one version too high", append(header(key, e.Max+1), 0))
				s.frame(e.Name+" version -1", header(key, -1))
				s.frame(e.Name+" without a body", header(key, e.Max))
			}
			if e.Min > 0 {
				s.frame(e.Name+" one version too low", header(key, e.Min-1))
			}
		}
		for _, key := range []int16{-1, 4, 5, 6, 7, 95, 999, 32767} {
			s.frame(fmt.Sprintf("key %d", key), header(key, 0))
		}
		s.frame("no bytes", nil)
		s.frame("three bytes", []byte{0, 18, 0})
		s.frame("only the key and version", []byte{0, 18, 0, 0})
		s.frame("no client id", []byte{0, 18, 0, 0, 0, 0, 0, 7})
		s.frame("client id too long", []byte{0, 18, 0, 0, 0, 0, 0, 7, 0, 99, 'x'})
		for step, size := range inOrder(map[string]uint32{"size over the limit": 100<<20 + 1, "largest size": 1<<31 - 1, "negative size": 1 << 31, "size -1": 1<<32 - 1}) {
			s.sized(step, size, header(int16(kmsg.ApiVersions), 0))
		}
		s.frame("huge array", append(header(int16(kmsg.DescribeGroups), 0), 0x7f, 0xff, 0xff, 0xff))
		s.frame("negative array", append(header(int16(kmsg.DescribeGroups), 0), 0xff, 0xff, 0xff, 0xfe))
		s.frame("huge string", append(header(int16(kmsg.Heartbeat), 0), 0x7f, 0xff))
		s.frame("null string", append(header(int16(kmsg.Heartbeat), 0), 0xff, 0xff, 0, 0, 0, 0, 0, 0))
	}},
	{name: "unknown api versions", key: kmsg.ApiVersions, from: 5, run: func(s *script) {
		for _, version := range []int16{6, 99, 32767, -1} {
			l := s.connect()
			b := header(int16(kmsg.ApiVersions), version)
			step := fmt.Sprintf("version %d", version)
			if err := l.write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)); err != nil {
				s.note(step, "(not sent)")
				continue
			}
			body, err := l.frame()
			if err != nil {
				s.note(step, "("+err.Error()+")")
				continue
			}
			r := kmsg.NewPtrApiVersionsResponse()
			if err := r.ReadFrom(body); err != nil {
				s.note(step, "undecodable")
				continue
			}
			s.note(step, fmt.Sprintf("%s %d keys, first %v", errorName(r.ErrorCode), len(r.ApiKeys), r.ApiKeys[:min(1, len(r.ApiKeys))]))
		}
	}},
}
