package api

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/metapb"
)

func describeOf(kind kmsg.ConfigResourceType, name string, keys ...string) *kmsg.DescribeConfigsRequest {
	return &kmsg.DescribeConfigsRequest{
		IncludeSynonyms: true, IncludeDocumentation: true,
		Resources: []kmsg.DescribeConfigsRequestResource{{ResourceType: kind, ResourceName: name, ConfigNames: keys}},
	}
}

// entryLine is one setting with everything behind it.
func entryLine(c kmsg.DescribeConfigsResponseResourceConfig) string {
	val := func(p *string) string {
		if p == nil {
			return "null"
		}
		return *p
	}
	s := fmt.Sprintf("%s=%s %s", c.Name, val(c.Value), c.Source)
	for _, syn := range c.ConfigSynonyms {
		s += fmt.Sprintf(" <%s=%s %s>", syn.Name, val(syn.Value), syn.Source)
	}
	return s
}

const (
	topicKind  = kmsg.ConfigResourceTypeTopic
	brokerKind = kmsg.ConfigResourceTypeBroker
	groupKind  = kmsg.ConfigResourceTypeGroupConfig
	loggerKind = kmsg.ConfigResourceTypeBrokerLogger
)

// Where a value comes from, in Kafka's order of precedence.
func TestDescribeConfigsSources(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)
	b.set(t, "log.retention.hours", "5")
	b.api.cfg.Static = b.props
	b.apply(
		&metapb.Config{ResourceType: 2, ResourceName: "t", Key: "segment.bytes", Value: kmsg.StringPtr("2000000")},
		&metapb.Config{ResourceType: 4, ResourceName: "", Key: "log.segment.bytes", Value: kmsg.StringPtr("3000000")},
		&metapb.Config{ResourceType: 4, ResourceName: "1", Key: "log.segment.bytes", Value: kmsg.StringPtr("4000000")},
		&metapb.Config{ResourceType: 32, ResourceName: "g", Key: "consumer.session.timeout.ms", Value: kmsg.StringPtr("46000")},
	)
	for _, c := range []struct {
		kind kmsg.ConfigResourceType
		name string
		key  string
		want string
	}{
		{topicKind, "t", "segment.bytes", "segment.bytes=2000000 DYNAMIC_TOPIC_CONFIG <segment.bytes=2000000 DYNAMIC_TOPIC_CONFIG> <log.segment.bytes=4000000 DYNAMIC_BROKER_CONFIG> <log.segment.bytes=3000000 DYNAMIC_DEFAULT_BROKER_CONFIG> <log.segment.bytes=1073741824 DEFAULT_CONFIG>"},
		{topicKind, "t", "retention.ms", "retention.ms=18000000 DEFAULT_CONFIG"},
		{topicKind, "t", "cleanup.policy", "cleanup.policy=delete DEFAULT_CONFIG <log.cleanup.policy=delete DEFAULT_CONFIG>"},
		{brokerKind, "1", "log.segment.bytes", "log.segment.bytes=4000000 DYNAMIC_BROKER_CONFIG <log.segment.bytes=4000000 DYNAMIC_BROKER_CONFIG> <log.segment.bytes=3000000 DYNAMIC_DEFAULT_BROKER_CONFIG> <log.segment.bytes=1073741824 DEFAULT_CONFIG>"},
		{brokerKind, "1", "log.retention.hours", "log.retention.hours=5 STATIC_BROKER_CONFIG <log.retention.hours=5 STATIC_BROKER_CONFIG> <log.retention.hours=168 DEFAULT_CONFIG>"},
		{brokerKind, "1", "log.retention.ms", "log.retention.ms=null DEFAULT_CONFIG"},
		{brokerKind, "", "log.segment.bytes", "log.segment.bytes=3000000 DYNAMIC_DEFAULT_BROKER_CONFIG <log.segment.bytes=3000000 DYNAMIC_DEFAULT_BROKER_CONFIG>"},
		{groupKind, "g", "consumer.session.timeout.ms", "consumer.session.timeout.ms=46000 GROUP_CONFIG <consumer.session.timeout.ms=46000 GROUP_CONFIG> <group.consumer.session.timeout.ms=45000 DEFAULT_CONFIG>"},
	} {
		resp := ask[*kmsg.DescribeConfigsResponse](t, b, 4, describeOf(c.kind, c.name, c.key))
		if len(resp.Resources[0].Configs) != 1 {
			t.Errorf("%s %s: %+v", c.name, c.key, resp.Resources[0])
			continue
		}
		if got := entryLine(resp.Resources[0].Configs[0]); got != c.want {
			t.Errorf("%s of %q\n got %s\nwant %s", c.key, c.name, got, c.want)
		}
	}
}

func TestDescribeConfigsShowsTheWholeTable(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)
	for v := int16(1); v <= 4; v++ {
		for _, kind := range []kmsg.ConfigResourceType{topicKind, brokerKind, groupKind} {
			resourceName := map[kmsg.ConfigResourceType]string{topicKind: "t", brokerKind: "1", groupKind: "g"}[kind]
			configs := ask[*kmsg.DescribeConfigsResponse](t, b, v, describeOf(kind, resourceName)).Resources[0].Configs
			if len(configs) < 5 || !slices.IsSortedFunc(configs, func(a, b kmsg.DescribeConfigsResponseResourceConfig) int { return compareStrings(a.Name, b.Name) }) {
				t.Errorf("v%d %s: %d settings", v, kind, len(configs))
			}
			for _, c := range configs {
				if c.IsSensitive && c.Value != nil {
					t.Errorf("%s shows a secret", c.Name)
				}
				if v >= 3 && (c.ConfigType == kmsg.ConfigTypeUnknown || c.Documentation == nil || *c.Documentation == "") {
					t.Errorf("v%d: %s has type %v, documentation %v", v, c.Name, c.ConfigType, c.Documentation)
				}
				if c.ReadOnly && kind != brokerKind {
					t.Errorf("%s is read-only", c.Name)
				}
			}
		}
	}
	if n := len(ask[*kmsg.DescribeConfigsResponse](t, b, 4, describeOf(brokerKind, "")).Resources[0].Configs); n != 0 {
		t.Errorf("%d defaults for all brokers although none is set", n)
	}
}

// No secret is in the table yet; the first one must not be shown.
func TestDescribeConfigsHidesSecrets(t *testing.T) {
	d := newBroker(t).api.describer(metadata.Resource{Type: metadata.ResourceTopic, Name: "t"})
	d.dynamic = map[string]string{"future.secret": "hunter2"}
	e := d.describe(&confkey.Key{Name: "future.secret", Scope: confkey.ScopeTopic, Type: confkey.Password, Sensitive: true, HasDefault: true, Default: "hunter1"})
	got := entryLine(e.wire(true, true))
	if want := "future.secret=null DYNAMIC_TOPIC_CONFIG <future.secret=null DYNAMIC_TOPIC_CONFIG>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func compareStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestDescribeConfigsErrors(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)
	for _, c := range []struct {
		kind kmsg.ConfigResourceType
		name string
		want string
	}{
		{topicKind, "nope", "UNKNOWN_TOPIC_OR_PARTITION"},
		{topicKind, "bad name", "INVALID_TOPIC_EXCEPTION"},
		{brokerKind, "2", "INVALID_REQUEST"},
		{brokerKind, "x", "INVALID_REQUEST"},
		{groupKind, "", "INVALID_REQUEST"},
		{groupKind, "any", "ok"},
		{loggerKind, "1", "ok"},
		{loggerKind, "2", "INVALID_REQUEST"},
		{kmsg.ConfigResourceTypeClientMetrics, "m", "INVALID_REQUEST"},
		{77, "m", "INVALID_REQUEST"},
	} {
		res := ask[*kmsg.DescribeConfigsResponse](t, b, 4, describeOf(c.kind, c.name)).Resources[0]
		if name(res.ErrorCode) != c.want || (*res.ErrorMessage == "") != (c.want == "ok") {
			t.Errorf("%v %q: %s %v", c.kind, c.name, name(res.ErrorCode), res.ErrorMessage)
		}
	}
}

func TestAlterConfigs(t *testing.T) {
	v := kmsg.StringPtr("1")
	set, del, app, sub := kmsg.IncrementalAlterConfigOpSet, kmsg.IncrementalAlterConfigOpDelete, kmsg.IncrementalAlterConfigOpAppend, kmsg.IncrementalAlterConfigOpSubtract
	type op = kmsg.IncrementalAlterConfigsRequestResourceConfig
	for _, c := range []struct {
		kind kmsg.ConfigResourceType
		name string
		ops  []op
		want string
	}{
		{topicKind, "t", []op{{Name: "retention.ms", Op: set, Value: v}}, "ok"},
		{topicKind, "t", []op{{Name: "retention.ms", Op: del}}, "ok"},
		{topicKind, "t", []op{{Name: "cleanup.policy", Op: app, Value: v}, {Name: "unknown.key", Op: sub, Value: v}}, "ok"},
		{topicKind, "t", []op{{Name: "retention.ms", Op: app, Value: v}}, "INVALID_CONFIG"},
		{topicKind, "t", []op{{Name: "retention.ms", Op: set}}, "INVALID_REQUEST"},
		{topicKind, "t", []op{{Name: "retention.ms", Op: set, Value: v}, {Name: "retention.ms", Op: del}}, "INVALID_REQUEST"},
		{topicKind, "t", []op{{Name: "retention.ms", Op: 9, Value: v}}, "INVALID_REQUEST"},
		{topicKind, "secret", nil, "TOPIC_AUTHORIZATION_FAILED"},
		{topicKind, "bad name", nil, "INVALID_TOPIC_EXCEPTION"},
		{brokerKind, "", []op{{Name: "log.cleanup.policy", Op: app, Value: v}}, "ok"},
		{brokerKind, "1", []op{{Name: "log.segment.bytes", Op: app, Value: v}}, "INVALID_CONFIG"},
		{brokerKind, "9", nil, "INVALID_REQUEST"},
		{groupKind, "g", nil, "ok"},
		{groupKind, "", nil, "INVALID_REQUEST"},
		{loggerKind, "1", []op{{Name: "kafka.x", Op: set, Value: v}}, "INVALID_CONFIG"},
		{loggerKind, "1", []op{{Name: rootLogger, Op: set, Value: v}}, "INVALID_REQUEST"},
		{kmsg.ConfigResourceTypeClientMetrics, "m", nil, "INVALID_REQUEST"},
	} {
		b := newBroker(t)
		b.topic("t", 1, 1)
		b.deny["ALTER_CONFIGS TOPIC secret"] = true
		req := &kmsg.IncrementalAlterConfigsRequest{Resources: []kmsg.IncrementalAlterConfigsRequestResource{{ResourceType: c.kind, ResourceName: c.name, Configs: c.ops}}}
		got := name(ask[*kmsg.IncrementalAlterConfigsResponse](t, b, 1, req).Resources[0].ErrorCode)
		if got != c.want || (len(b.altered) == 1) != (c.want == "ok") {
			t.Errorf("%v %q %v: %s, %d changes", c.kind, c.name, c.ops, got, len(b.altered))
		}
	}
}

// Results keep the request's order whatever is refused; a resource named twice
// is refused both times.
func TestAlterConfigsOrder(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)
	req := &kmsg.AlterConfigsRequest{Resources: []kmsg.AlterConfigsRequestResource{
		{ResourceType: loggerKind, ResourceName: "1"},
		{ResourceType: topicKind, ResourceName: "t", Configs: []kmsg.AlterConfigsRequestResourceConfig{{Name: "retention.ms", Value: kmsg.StringPtr("5")}}},
		{ResourceType: topicKind, ResourceName: "u"},
		{ResourceType: groupKind, ResourceName: "g"},
		{ResourceType: topicKind, ResourceName: "u"},
	}}
	for v := int16(0); v <= 2; v++ {
		b.altered = nil
		var got []string
		for _, r := range ask[*kmsg.AlterConfigsResponse](t, b, v, req).Resources {
			got = append(got, r.ResourceName+":"+name(r.ErrorCode))
		}
		if want := "[1:INVALID_REQUEST t:ok u:INVALID_REQUEST g:ok u:INVALID_REQUEST]"; fmt.Sprint(got) != want {
			t.Errorf("v%d: %v, want %s", v, got, want)
		}
		if len(b.altered) != 2 || !b.altered[0].Replace || b.altered[0].Ops[0].Key != "retention.ms" || *b.altered[0].Ops[0].Value != "5" {
			t.Errorf("v%d: the controller got %+v", v, b.altered)
		}
	}
}

func TestListConfigResources(t *testing.T) {
	b := newBroker(t)
	b.topic("t", 1, 1)
	b.apply(&metapb.Config{ResourceType: 32, ResourceName: "g", Key: "consumer.session.timeout.ms", Value: kmsg.StringPtr("46000")})
	for _, c := range []struct {
		version int16
		types   []int8
		want    string
	}{
		{0, nil, "ok[]"}, {1, nil, "ok[2t 41 81 32g]"}, {1, []int8{2, 32}, "ok[2t 32g]"}, {1, []int8{16}, "ok[]"}, {1, []int8{2, 77}, "UNSUPPORTED_VERSION[]"},
	} {
		resp := ask[*kmsg.ListConfigResourcesResponse](t, b, c.version, &kmsg.ListConfigResourcesRequest{ResourceTypes: c.types})
		got := []string{}
		for _, r := range resp.ConfigResources {
			got = append(got, fmt.Sprintf("%d%s", r.Type, r.Name))
		}
		if s := name(resp.ErrorCode) + fmt.Sprint(got); s != c.want {
			t.Errorf("v%d %v: %s, want %s", c.version, c.types, s, c.want)
		}
	}
}

func TestErrorsAreTranslatedOnce(t *testing.T) {
	b := newBroker(t)
	for _, c := range []struct {
		err     error
		code    *kerr.Error
		message string
	}{
		{kerr.NotController, kerr.NotController, kerr.NotController.Description},
		{fmt.Errorf("topic t: %w", kerr.InvalidConfig), kerr.InvalidConfig, "topic t"},
		{withMessage(kerr.InvalidRequest, "said %d", 5), kerr.InvalidRequest, "said 5"},
		{t.Context().Err(), nil, ""},
		{fmt.Errorf("open /secret/path: permission denied"), kerr.UnknownServerError, ""},
	} {
		if got := b.api.code(c.err); got != c.code {
			t.Errorf("%v: %v", c.err, got)
		}
		if m := explain(c.err); (m == nil) != (c.message == "") || m != nil && *m != c.message {
			t.Errorf("%v: message %v", c.err, m)
		}
	}
	if _, err := b.GetByID(base.ZeroUUID, 0); b.api.wireCode(err) != kerr.UnknownTopicID.Code {
		t.Error(err)
	}
}
