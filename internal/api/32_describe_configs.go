package api

import (
	"context"
	"log/slog"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metadata"
)

// DescribeConfigs (key 32, v1–v4) shows the settings of topics, brokers, groups
// and loggers, from the same table that checks them.
//
//   - A broker answers for itself; its resource "" shows the overrides that hold
//     for all brokers. v3+ adds types and documentation, synonyms on request.
//   - Secrets are always null.
//   - A topic that does not exist is UNKNOWN_TOPIC_OR_PARTITION, another
//     broker's id INVALID_REQUEST. A group has settings whether it exists or not.
//   - There is one logger, "root"; its level can't be changed. Client metrics
//     resources do not exist (INVALID_REQUEST).
func handleDescribeConfigs(a *API, r *Request, req *kmsg.DescribeConfigsRequest) kmsg.Response {
	resp := kmsg.NewPtrDescribeConfigsResponse()
	named := make(mentions[metadata.Resource])
	for i := range req.Resources {
		in := &req.Resources[i]
		if named.tooMany(metadata.Resource{Type: metadata.ResourceType(in.ResourceType), Name: plainName(in)}) {
			continue
		}
		out := kmsg.NewDescribeConfigsResponseResource()
		out.ResourceType, out.ResourceName = in.ResourceType, in.ResourceName
		err := a.configAllowed(r.Conn, mayDescribeConfigs, in.ResourceType, in.ResourceName)
		if err == nil {
			out.Configs, err = a.describeResource(in, req.IncludeSynonyms, req.IncludeDocumentation && r.Version >= 3)
		}
		out.ErrorCode, out.ErrorMessage = a.wireCode(err), explainOrEmpty(err)
		resp.Resources = append(resp.Resources, out)
	}
	return resp
}

// plainName gives a broker one name, however its number is written.
func plainName(in *kmsg.DescribeConfigsRequestResource) string {
	if in.ResourceType == kmsg.ConfigResourceTypeBroker {
		if id, err := strconv.ParseInt(in.ResourceName, 10, 32); err == nil {
			return strconv.FormatInt(id, 10)
		}
	}
	return in.ResourceName
}

// configAllowed checks the permission for a resource's settings.
func (a *API) configAllowed(c *Conn, op kmsg.ACLOperation, kind kmsg.ConfigResourceType, name string) error {
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		if !a.allowed(c, op, onTopic, name) {
			return kerr.TopicAuthorizationFailed
		}
	case kmsg.ConfigResourceTypeGroupConfig:
		if !a.allowed(c, op, onGroup, name) {
			return kerr.GroupAuthorizationFailed
		}
	default:
		if !a.clusterAllowed(c, op) {
			return kerr.ClusterAuthorizationFailed
		}
	}
	return nil
}

func (a *API) describeResource(in *kmsg.DescribeConfigsRequestResource, synonyms, docs bool) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	if in.ResourceType == kmsg.ConfigResourceTypeBrokerLogger {
		return a.describeLogger(in)
	}
	resource, err := a.configResource(in.ResourceType, in.ResourceName)
	if err != nil {
		return nil, err
	}
	if resource.Type == metadata.ResourceTopic && a.image().Topic(resource.Name) == nil {
		return nil, kerr.UnknownTopicOrPartition
	}
	entries := a.describer(resource).named(in.ConfigNames)
	out := make([]kmsg.DescribeConfigsResponseResourceConfig, 0, len(entries))
	for _, e := range entries {
		out = append(out, e.wire(synonyms, docs))
	}
	return out, nil
}

func (e configEntry) wire(synonyms, docs bool) kmsg.DescribeConfigsResponseResourceConfig {
	c := kmsg.NewDescribeConfigsResponseResourceConfig()
	c.Name, c.Value, c.ReadOnly, c.IsSensitive = e.key.Name, e.value, e.readOnly(), e.key.Sensitive
	c.Source, c.ConfigType = e.source, configTypes[e.key.Type]
	c.IsDefault = e.source == kmsg.ConfigSourceDefaultConfig
	if docs {
		c.Documentation = &e.key.Doc
	}
	if synonyms {
		for _, s := range e.synonyms {
			syn := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
			syn.Name, syn.Value, syn.Source = s.name, s.value, s.source
			c.ConfigSynonyms = append(c.ConfigSynonyms, syn)
		}
	}
	return c
}

// configResource checks what a request calls a resource.
func (a *API) configResource(kind kmsg.ConfigResourceType, name string) (metadata.Resource, error) {
	r := metadata.Resource{Type: metadata.ResourceType(kind), Name: name}
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		if err := base.ValidateTopicName(name); err != nil {
			return r, withMessage(kerr.InvalidTopicException, "%v", err)
		}
		return r, nil
	case kmsg.ConfigResourceTypeBroker:
		if name == "" {
			return r, nil
		}
		return r, a.checkBrokerName(name, " or empty string,")
	case kmsg.ConfigResourceTypeGroupConfig:
		if name == "" {
			return r, withMessage(kerr.InvalidRequest, "Group name must not be empty")
		}
		return r, nil
	}
	return r, withMessage(kerr.InvalidRequest, "Unsupported resource type %d", int8(kind))
}

func (a *API) checkBrokerName(name, or string) error {
	id, err := strconv.ParseInt(name, 10, 32)
	switch {
	case err != nil:
		return withMessage(kerr.InvalidRequest, "Broker id must be an integer, but it is: %s", name)
	case base.NodeID(id) != a.cfg.NodeID:
		return withMessage(kerr.InvalidRequest, "Unexpected broker id, expected %d%s but received %s", a.cfg.NodeID, or, name)
	}
	return nil
}

// rootLogger is the name of the one logger.
const rootLogger = "root"

func (a *API) describeLogger(in *kmsg.DescribeConfigsRequestResource) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	if err := a.checkBrokerName(in.ResourceName, ""); err != nil {
		return nil, err
	}
	level := "OFF"
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if a.cfg.Logger.Enabled(context.Background(), l) {
			level = l.String()
			break
		}
	}
	c := kmsg.NewDescribeConfigsResponseResourceConfig()
	c.Name, c.Value, c.ReadOnly, c.Source = rootLogger, &level, true, kmsg.ConfigSourceDynamicBrokerLoggerConfig
	return []kmsg.DescribeConfigsResponseResourceConfig{c}, nil
}
