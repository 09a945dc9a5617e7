package api

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
)

// describer shows the configuration of one resource: the value in force of
// every key, where it comes from, and what it would fall back to.
type describer struct {
	api      *API
	resource metadata.Resource
	dynamic  map[string]string // the resource's own overrides
	values   confkey.Values    // what is in force, for topics and groups
}

// configEntry is one key of a resource.
type configEntry struct {
	key      *confkey.Key
	value    *string // nil for null and for secrets
	source   kmsg.ConfigSource
	ruling   kmsg.ConfigSource // where the value comes from under any name; CreateTopics tells this one
	synonyms []configSynonym   // in order of precedence
}

type configSynonym struct {
	name   string
	value  *string
	source kmsg.ConfigSource
}

func (e configEntry) readOnly() bool {
	return e.key.Scope == confkey.ScopeBroker && e.key.Dynamic == confkey.ReadOnly
}

func (a *API) describer(r metadata.Resource) *describer {
	return &describer{api: a, resource: r, dynamic: a.image().Overrides(r)}
}

func (d *describer) scope() confkey.Scope {
	switch d.resource.Type {
	case metadata.ResourceTopic:
		return confkey.ScopeTopic
	case metadata.ResourceGroup:
		return confkey.ScopeGroup
	}
	return confkey.ScopeBroker
}

// ownSource is where an override of this resource itself comes from.
func (d *describer) ownSource() kmsg.ConfigSource {
	switch d.resource.Type {
	case metadata.ResourceTopic:
		return kmsg.ConfigSourceDynamicTopicConfig
	case metadata.ResourceGroup:
		return kmsg.ConfigSourceGroupConfig
	}
	return kmsg.ConfigSourceDynamicBrokerConfig
}

// all describes every documented key.
func (d *describer) all() []configEntry { return d.named(nil) }

// named describes the keys with the given names; no names means all.
func (d *describer) named(names []string) []configEntry {
	d.values = confkey.TopicValues(d.api.cfg.Broker(), d.dynamic)
	if d.scope() == confkey.ScopeGroup {
		d.values = confkey.GroupValues(d.api.cfg.Broker(), d.dynamic)
	}
	var out []configEntry
	for _, k := range confkey.All(d.scope()) {
		if k.Internal || len(names) > 0 && !slices.Contains(names, k.Name) {
			continue
		}
		if e := d.describe(k); !d.forAllBrokers() || e.source != kmsg.ConfigSourceDefaultConfig {
			out = append(out, e)
		}
	}
	return out
}

func (d *describer) describe(k *confkey.Key) configEntry {
	e := configEntry{key: k, source: kmsg.ConfigSourceDefaultConfig, ruling: kmsg.ConfigSourceDefaultConfig}
	if k.Scope != confkey.ScopeBroker {
		if v, set := d.dynamic[k.Name]; set {
			e.synonyms = append(e.synonyms, configSynonym{k.Name, &v, d.ownSource()})
		}
	}
	behind := d.brokerSynonyms(k)
	switch {
	case len(e.synonyms) > 0:
		e.ruling = e.synonyms[0].source
	case len(behind) > 0:
		e.ruling = behind[0].source
	}
	e.synonyms = append(e.synonyms, fromNamesake(k, behind)...)
	if k.Sensitive {
		hide(&e)
	} else {
		d.pick(&e, len(behind) > 0)
	}
	return e
}

// fromNamesake drops the broker settings in front of the one that the key is
// named after: Kafka shows log.retention.hours behind a log.retention.ms that is
// set, but not in its place.
func fromNamesake(k *confkey.Key, list []configSynonym) []configSynonym {
	name := k.Name
	if k.Scope != confkey.ScopeBroker && len(k.BrokerSynonyms) > 0 {
		name = k.BrokerSynonyms[0]
	}
	for i, s := range list {
		if s.name == name {
			return list[i:]
		}
	}
	return nil
}

// hide leaves of a secret only where it was set.
func hide(e *configEntry) {
	if len(e.synonyms) > 0 {
		e.source = e.synonyms[0].source
	}
	for i := range e.synonyms {
		e.synonyms[i].value = nil
	}
}

// pick finds the value in force. A broker key shows only what was given under
// its own name: log.retention.ms stays null while log.retention.hours rules. A
// topic key shows the result, in its own unit.
func (d *describer) pick(e *configEntry, inherited bool) {
	if e.key.Scope != confkey.ScopeBroker {
		if len(e.synonyms) > 0 {
			e.source = e.synonyms[0].source
		}
		if len(e.synonyms) > 0 || inherited || e.key.HasDefault {
			v := d.values.String(e.key.Name)
			e.value = &v
		}
		return
	}
	for _, s := range e.synonyms {
		if s.name == e.key.Name {
			e.value, e.source = s.value, s.source
			return
		}
	}
}

// brokerSynonyms lists the broker settings behind a key: dynamic ones of this
// broker, dynamic ones of all, static ones, defaults.
func (d *describer) brokerSynonyms(k *confkey.Key) []configSynonym {
	names := k.BrokerSynonyms
	if len(names) == 0 && k.Scope == confkey.ScopeBroker {
		names = []string{k.Name}
	}
	img := d.api.image()
	sources := []struct {
		source kmsg.ConfigSource
		get    func(name string) (string, bool)
	}{
		{kmsg.ConfigSourceDynamicBrokerConfig, lookupIn(img.BrokerOverrides(d.api.cfg.NodeID))},
		{kmsg.ConfigSourceDynamicDefaultBrokerConfig, lookupIn(img.DefaultBrokerOverrides())},
		{kmsg.ConfigSourceStaticBrokerConfig, d.api.cfg.Static.Raw},
		{kmsg.ConfigSourceDefaultConfig, brokerDefault},
	}
	if d.forAllBrokers() {
		sources = sources[1:2]
	}
	var out []configSynonym
	for _, s := range sources {
		for _, name := range names {
			if v, ok := s.get(name); ok {
				out = append(out, configSynonym{name, &v, s.source})
			}
		}
	}
	return out
}

// forAllBrokers reports whether the resource is the overrides of all brokers,
// which stand for themselves: nothing falls back behind them.
func (d *describer) forAllBrokers() bool {
	return d.resource == metadata.Resource{Type: metadata.ResourceBroker}
}

func lookupIn(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := m[name]
		return v, ok
	}
}

func brokerDefault(name string) (string, bool) {
	k, ok := confkey.Broker(name)
	if !ok || !k.HasDefault {
		return "", false
	}
	return k.Default, true
}

// configTypes translates types to Kafka's numbers.
var configTypes = map[confkey.Type]kmsg.ConfigType{
	confkey.String: kmsg.ConfigTypeString, confkey.Boolean: kmsg.ConfigTypeBoolean, confkey.Int: kmsg.ConfigTypeInt,
	confkey.Long: kmsg.ConfigTypeLong, confkey.Short: kmsg.ConfigTypeShort, confkey.Double: kmsg.ConfigTypeDouble,
	confkey.List: kmsg.ConfigTypeList, confkey.Password: kmsg.ConfigTypePassword, confkey.Class: kmsg.ConfigTypeClass,
}
