package metadata

import (
	"strconv"

	"github.com/milena-io/milena/internal/base"
)

// BrokerResource is the configuration resource of one broker.
func BrokerResource(id base.NodeID) Resource {
	return Resource{ResourceBroker, strconv.Itoa(int(id))}
}

// known reports whether overrides may be kept for the type.
func (t ResourceType) known() bool {
	return t == ResourceTopic || t == ResourceBroker || t == ResourceGroup
}

// key orders resources by type, then by name.
func (r Resource) key() string { return string([]byte{byte(r.Type)}) + r.Name }

func (r Resource) String() string {
	kind := map[ResourceType]string{ResourceTopic: "topic", ResourceBroker: "broker", ResourceGroup: "group"}[r.Type]
	switch {
	case kind == "":
		kind = "type " + strconv.Itoa(int(r.Type))
	case r.Type == ResourceBroker && r.Name == "":
		return "all brokers"
	}
	return kind + " " + r.Name
}
