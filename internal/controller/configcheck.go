package controller

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
)

// resourceScope says which keys a resource takes, if it exists.
func resourceScope(img *metadata.Image, ch *ConfigChange) (confkey.Scope, error) {
	switch ch.Type {
	case kmsg.ConfigResourceTypeTopic:
		return confkey.ScopeTopic, checkTopicResource(img, ch.Name)
	case kmsg.ConfigResourceTypeBroker:
		return confkey.ScopeBroker, checkBrokerResource(img, ch.Name)
	case kmsg.ConfigResourceTypeGroupConfig:
		switch {
		case ch.Name == "":
			return 0, failure(kerr.InvalidRequest, "Default group resources are not allowed.")
		case !utf8.ValidString(ch.Name):
			return 0, failure(kerr.InvalidRequest, "Group names are UTF-8 text.")
		}
		return confkey.ScopeGroup, nil
	}
	return 0, failure(kerr.InvalidRequest, "Unknown resource type %d", int8(ch.Type))
}

func checkTopicResource(img *metadata.Image, name string) error {
	if name == "" {
		return failure(kerr.InvalidRequest, "Default topic resources are not allowed.")
	}
	if err := base.ValidateTopicName(name); err != nil {
		return failure(kerr.InvalidTopicException, "%s", err)
	}
	if img.Topic(name) == nil {
		return failure(kerr.UnknownTopicOrPartition, "The topic '%s' does not exist.", name)
	}
	return nil
}

func checkBrokerResource(img *metadata.Image, name string) error {
	if name == "" {
		return nil // all brokers
	}
	id, err := strconv.ParseInt(name, 10, 32)
	switch {
	case err != nil:
		return failure(kerr.InvalidRequest, "Unable to parse broker name as a base 10 number.")
	case id < 0:
		return failure(kerr.InvalidRequest, "Invalid negative broker ID.")
	case metadata.BrokerResource(base.NodeID(id)).Name != name:
		return failure(kerr.InvalidRequest, "Broker names are decimal numbers without sign or leading zeros.")
	case img.Broker(base.NodeID(id)) == nil:
		return failure(kerr.BrokerIDNotRegistered, "No node with id %d found.", id)
	}
	return nil
}

func findKey(scope confkey.Scope, name string) *confkey.Key {
	find := map[confkey.Scope]func(string) (*confkey.Key, bool){
		confkey.ScopeTopic: confkey.Topic, confkey.ScopeBroker: confkey.Broker, confkey.ScopeGroup: confkey.Group,
	}[scope]
	k, _ := find(name)
	return k
}

// checkKeys checks those of the values that are about to be set.
func checkKeys(scope confkey.Scope, code *kerr.Error, values map[string]string, set []string) error {
	slices.Sort(set)
	for _, key := range set {
		if len(values[key]) > maxConfigValueBytes {
			return failure(kerr.InvalidConfig, "The configuration value cannot be added because it exceeds the maximum value size of %d bytes.", maxConfigValueBytes)
		}
		if !utf8.ValidString(key) || !utf8.ValidString(values[key]) {
			return failure(kerr.InvalidConfig, "Configuration names and values are UTF-8 text.")
		}
		if err := confkey.Check(scope, key, values[key]); err != nil {
			return failure(code, "%s", err)
		}
	}
	return nil
}

// checkTopicConfigs checks the keys about to be set, and that the whole set
// makes sense together.
func (c *Controller) checkTopicConfigs(values map[string]string, set []string) error {
	if err := checkKeys(confkey.ScopeTopic, kerr.InvalidConfig, values, set); err != nil {
		return err
	}
	if len(values) == 0 {
		return nil
	}
	v := confkey.TopicValues(c.cfg.Broker, values)
	if low, high := v.Int64("min.compaction.lag.ms"), v.Int64("max.compaction.lag.ms"); low > high {
		return failure(kerr.InvalidConfig, "conflict topic config setting min.compaction.lag.ms (%d) > max.compaction.lag.ms (%d)", low, high)
	}
	return nil
}

// checkBrokerConfigs refuses what can't change while a broker runs, or not for
// all brokers at once.
func checkBrokerConfigs(values map[string]string, set []string, allBrokers bool) error {
	var fixed, perBroker []string
	for _, key := range set {
		switch k := findKey(confkey.ScopeBroker, key); {
		case k == nil: // reported below, with the nearest name
		case k.Dynamic == confkey.ReadOnly:
			fixed = append(fixed, key)
		case k.Dynamic == confkey.PerBroker && allBrokers:
			perBroker = append(perBroker, key)
		}
	}
	switch {
	case len(fixed) > 0:
		return failure(kerr.InvalidRequest, "Cannot update these configs dynamically: [%s]", strings.Join(fixed, ", "))
	case len(perBroker) > 0:
		return failure(kerr.InvalidRequest, "Cannot update these configs at default cluster level, broker id must be specified: [%s]", strings.Join(perBroker, ", "))
	}
	return checkKeys(confkey.ScopeBroker, kerr.InvalidRequest, values, set)
}

// checkStillReachable refuses to lock all clients out, the one that could undo it
// among them. It looks at what is about to be in force, as one setting allows what
// another forbids.
func (c *Controller) checkStillReachable(img *metadata.Image, ch *ConfigChange, next map[string]string, changed []string) error {
	if !slices.ContainsFunc(changed, func(key string) bool { return strings.HasPrefix(key, "max.connections.per.ip") }) {
		return nil
	}
	forAll, own := img.DefaultBrokerOverrides(), img.BrokerOverrides(c.cfg.NodeID)
	if ch.Name == "" {
		forAll = next
	} else {
		own = next
	}
	v, _ := c.cfg.Broker.With(forAll) // what does not parse is not in force, and left out
	v, _ = v.With(own)
	if err := confkey.CheckConnections(v); err != nil {
		return failure(kerr.InvalidRequest, "%s", err)
	}
	return nil
}
