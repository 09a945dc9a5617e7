package confkey

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Values is an immutable typed view of one resource's configuration. The zero
// value has every broker key at its default.
type Values struct {
	scope  Scope
	raw    map[string]string
	broker *Values // where topic and group keys cascade to; nil for a broker
}

// NewBroker checks raw broker settings and returns the view of those that are
// good, and one error (*UnknownError or *InvalidError) per bad one, in the
// order of their names. No errors is nil.
func NewBroker(raw map[string]string) (Values, []error) {
	return Values{scope: ScopeBroker}.With(raw)
}

// With is the view with some settings replaced: how dynamic broker settings lie
// over the static ones. Bad settings are left out and reported as in NewBroker.
func (v Values) With(settings map[string]string) (Values, []error) {
	out := Values{scope: v.kind(), broker: v.broker, raw: make(map[string]string, len(v.raw)+len(settings))}
	maps.Copy(out.raw, v.raw)
	var errs []error
	for _, name := range slices.SortedFunc(maps.Keys(settings), cmp.Compare[string]) {
		if err := Check(out.scope, name, settings[name]); err != nil {
			errs = append(errs, err)
			continue
		}
		out.raw[name] = strings.TrimSpace(settings[name])
	}
	return out, errs
}

// TopicValues is a topic's configuration: its overrides over the broker's
// settings. Overrides were checked when they were set; one that no longer fits
// the table (an older version allowed it) counts as not set.
func TopicValues(broker Values, overrides map[string]string) Values {
	v, _ := Values{scope: ScopeTopic, broker: &broker}.With(overrides)
	return v
}

// GroupValues is a group's configuration, like TopicValues.
func GroupValues(broker Values, overrides map[string]string) Values {
	v, _ := Values{scope: ScopeGroup, broker: &broker}.With(overrides)
	return v
}

func (v Values) kind() Scope {
	if v.scope == 0 {
		return ScopeBroker
	}
	return v.scope
}

// Raw is the setting of this resource itself, and whether there is one.
func (v Values) Raw(name string) (value string, set bool) {
	v.key(name)
	value, set = v.raw[name]
	return value, set
}

// Settings is a copy of everything set on this resource itself.
func (v Values) Settings() map[string]string { return maps.Clone(v.raw) }

// Bool is the value of a boolean key.
func (v Values) Bool(name string) bool {
	b, _ := parseBool(v.resolve(name, Boolean))
	return b
}

// Int is the value of an int or short key.
func (v Values) Int(name string) int { return int(v.Int64(name)) }

// Int64 is the value of any whole-number key; a null default reads as 0.
func (v Values) Int64(name string) int64 {
	n, _ := strconv.ParseInt(v.resolve(name, Int, Long, Short), 10, 64)
	return n
}

// Float is the value of a double key.
func (v Values) Float(name string) float64 {
	f, _ := strconv.ParseFloat(v.resolve(name, Double), 64)
	return f
}

// String is the value of a key of any type, "" for a null default.
func (v Values) String(name string) string { return v.resolve(name) }

// List is the value of a list key, nil when empty.
func (v Values) List(name string) []string { return splitList(v.resolve(name)) }

// Duration is the value of a key that counts time; the unit is the last part
// of its name. Values too large for a Duration become the largest one, and
// negative ones ("no limit" to Kafka) stay negative.
func (v Values) Duration(name string) time.Duration {
	unit, ok := unitOf(name)
	if !ok {
		panic("confkey: " + name + " does not count time")
	}
	n := v.Int64(name)
	if n > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return max(time.Duration(n), math.MinInt64/unit) * unit
}

func unitOf(name string) (time.Duration, bool) {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "ms":
		return time.Millisecond, true
	case "seconds":
		return time.Second, true
	case "minutes":
		return time.Minute, true
	case "hours":
		return time.Hour, true
	}
	return 0, false
}

// key finds the key or panics: names are literals in our own code.
func (v Values) key(name string, types ...Type) *Key {
	k := lookup(v.kind(), name)
	if k == nil {
		panic(fmt.Sprintf("confkey: no %s key %q", v.kind(), name))
	}
	if len(types) > 0 && !slices.Contains(types, k.Type) {
		panic(fmt.Sprintf("confkey: %s is of type %s", name, k.Type))
	}
	return k
}

// resolve is the value in force: set here, set on a synonym, default of a
// synonym, own default.
func (v Values) resolve(name string, types ...Type) string {
	k := v.key(name, types...)
	if value, set := v.raw[name]; set {
		return value
	}
	if value, ok := v.fromSynonyms(k); ok {
		return value
	}
	return k.Default
}

// fromSynonyms looks through the broker keys behind k: first what is set, then
// what has a default. A broker key has siblings only when it leads its own list.
func (v Values) fromSynonyms(k *Key) (string, bool) {
	broker := &v
	if k.Scope != ScopeBroker {
		broker = v.broker
	}
	if broker == nil || k.Scope == ScopeBroker && (len(k.BrokerSynonyms) == 0 || k.BrokerSynonyms[0] != k.Name) {
		return "", false
	}
	for _, name := range k.BrokerSynonyms {
		if value, set := broker.raw[name]; set {
			return convert(value, name, k.Name), true
		}
	}
	for _, name := range k.BrokerSynonyms {
		if b := brokerIndex.byName[name]; b.HasDefault {
			return convert(b.Default, name, k.Name), true
		}
	}
	return "", false
}

// convert turns a count in the unit of one key's name into the unit of the
// other's: log.retention.hours into retention.ms. Negative means no limit and
// stays -1, as in Kafka.
func convert(value, from, to string) string {
	fromUnit, ok1 := unitOf(from)
	toUnit, ok2 := unitOf(to)
	if !ok1 || !ok2 || fromUnit == toUnit {
		return value
	}
	n, err := strconv.ParseInt(value, 10, 64)
	switch factor := int64(fromUnit / toUnit); {
	case err != nil:
		return value
	case n < 0:
		return "-1"
	default:
		return strconv.FormatInt(n*factor, 10)
	}
}
