package confkey

import "math"

// Type is a configuration value's type, in Kafka's terms.
type Type int8

// The types; the zero value is String.
const (
	String Type = iota
	Boolean
	Int
	Long
	Short
	Double
	List
	Password
	Class
)

var typeNames = [...]string{"string", "boolean", "int", "long", "short", "double", "list", "password", "class"}

// String is the type's lower-case name as Kafka's documentation writes it.
func (t Type) String() string { return typeNames[t] }

// Numeric reports whether values of the type are numbers with bounds.
func (t Type) Numeric() bool { return t >= Int && t <= Double }

// Scope says which kind of resource a key configures. It is a bit set where a
// function takes several.
type Scope uint8

// The scopes.
const (
	ScopeBroker Scope = 1 << iota
	ScopeTopic
	ScopeGroup
)

// String names a single scope.
func (s Scope) String() string {
	switch s {
	case ScopeBroker:
		return "broker"
	case ScopeTopic:
		return "topic"
	case ScopeGroup:
		return "group"
	}
	return "mixed"
}

// Importance is how likely somebody needs to know the key.
type Importance int8

// The importances; the zero value is Medium, the commonest.
const (
	Medium Importance = iota
	High
	Low
)

// String is the importance's lower-case name.
func (i Importance) String() string { return [...]string{"medium", "high", "low"}[i] }

// Dynamic says how a broker key may change without a restart.
type Dynamic int8

// The update modes; topic and group keys are always ClusterWide.
const (
	ReadOnly Dynamic = iota
	PerBroker
	ClusterWide
)

// String is Kafka's name of the update mode.
func (d Dynamic) String() string { return [...]string{"read-only", "per-broker", "cluster-wide"}[d] }

// Key describes one configuration key. Keys are shared: treat as read-only.
type Key struct {
	Name       string
	Doc        string
	Type       Type
	Scope      Scope // exactly one bit
	Importance Importance
	Dynamic    Dynamic

	// Default is the value in force when nothing is set; HasDefault is false
	// for keys whose default is null.
	Default    string
	HasDefault bool

	// Min and Max bound numbers, inclusively; for Double they bound only when
	// Bounded. Numbers without bounds of their own have those of their type.
	Min, Max int64
	// Valid lists the accepted words of a String or List; empty accepts any.
	Valid []string

	// BrokerSynonyms are the broker keys that supply the value when this key
	// is not set, first match wins. On a broker key the list starts with the
	// key itself (log.retention.ms, .minutes, .hours).
	BrokerSynonyms []string
	// TopicSynonym is, on a broker key, the topic key it is the default of.
	TopicSynonym string

	Sensitive bool // never shown
	Internal  bool // accepted, not documented
	Inert     bool // accepted for compatibility, without effect here
	Own       bool // Milena's, not Kafka's

	limits *limits
	rule   *rule
}

// limits are bounds as declared in the table.
type limits struct{ min, max int64 }

func atLeast(n int64) *limits         { return &limits{n, math.MaxInt64} }
func between(low, high int64) *limits { return &limits{low, high} }

// none marks a null default in the table.
const none = "\x00"

// complete derives the exported facts from the table's short-hand.
func (k *Key) complete(scope Scope) {
	k.Scope = scope
	k.HasDefault = k.Default != none
	if !k.HasDefault {
		k.Default = ""
	}
	if scope != ScopeBroker {
		k.Dynamic = ClusterWide
	}
	k.Sensitive = k.Type == Password
	k.Min, k.Max = typeBounds(k.Type)
	if k.limits != nil {
		k.Min, k.Max = max(k.Min, k.limits.min), min(k.Max, k.limits.max)
	}
}

// Bounded reports whether the key has bounds narrower than its type.
func (k *Key) Bounded() bool { return k.limits != nil }

func typeBounds(t Type) (low, high int64) {
	switch t {
	case Int:
		return math.MinInt32, math.MaxInt32
	case Short:
		return math.MinInt16, math.MaxInt16
	}
	return math.MinInt64, math.MaxInt64
}
