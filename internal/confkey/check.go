package confkey

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// InvalidError says that a value does not fit its key. Its text has the form
// Kafka gives, which some clients show to people as it is.
type InvalidError struct {
	Key, Value, Reason string
}

// Error never shows the value of a sensitive key.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("Invalid value %s for configuration %s: %s", e.Value, e.Key, e.Reason)
}

// UnknownError names a key that is not in the table, with the nearest one that
// is or the reason why the key is absent.
type UnknownError struct {
	Scope   Scope
	Key     string
	Nearest string
	Reason  string
}

func (e *UnknownError) Error() string {
	s := fmt.Sprintf("Unknown %s config name: %s", e.Scope, e.Key)
	switch {
	case e.Reason != "":
		s += " (" + e.Reason + ")"
	case e.Nearest != "":
		s += " (did you mean " + e.Nearest + "?)"
	}
	return s
}

// rule is a check that types, bounds and word lists cannot express.
type rule struct {
	text  string // for documentation: what is accepted
	check func(value string) (problem string)
}

// Accepts describes the accepted values in one phrase: bounds, words, or "".
func (k *Key) Accepts() string {
	switch {
	case k.rule != nil:
		return k.rule.text
	case len(k.Valid) > 0:
		return "[" + strings.Join(k.Valid, ", ") + "]"
	case !k.Bounded():
		return ""
	}
	if _, top := typeBounds(k.Type); k.Max == top {
		return fmt.Sprintf("[%d,...]", k.Min)
	}
	return fmt.Sprintf("[%d,...,%d]", k.Min, k.Max)
}

// Check reports whether value may be given to the key.
func (k *Key) Check(value string) error {
	reason := k.problem(strings.TrimSpace(value))
	if reason == "" {
		return nil
	}
	if k.Sensitive {
		value = "[hidden]"
	}
	return &InvalidError{Key: k.Name, Value: value, Reason: reason}
}

func (k *Key) problem(value string) string {
	var reason string
	switch {
	case k.Type == Boolean:
		if _, err := parseBool(value); err != nil {
			reason = "Expected value to be either true or false"
		}
	case k.Type.Numeric():
		reason = k.numberProblem(value)
	case k.Type == List:
		reason = k.wordsProblem(splitList(value))
	default:
		reason = k.wordsProblem([]string{value})
	}
	if reason == "" && k.rule != nil {
		reason = k.rule.check(value)
	}
	return reason
}

func (k *Key) numberProblem(value string) string {
	if k.Type == Double {
		f, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil:
			return "Not a number of type DOUBLE"
		case k.Bounded() && !(f >= float64(k.Min)):
			return fmt.Sprintf("Value must be at least %d", k.Min)
		case k.Bounded() && !(f <= float64(k.Max)):
			return fmt.Sprintf("Value must be no more than %d", k.Max)
		}
		return ""
	}
	low, high := typeBounds(k.Type)
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil, n < low, n > high:
		return "Not a number of type " + strings.ToUpper(k.Type.String())
	case n < k.Min:
		return fmt.Sprintf("Value must be at least %d", k.Min)
	case n > k.Max:
		return fmt.Sprintf("Value must be no more than %d", k.Max)
	}
	return ""
}

func (k *Key) wordsProblem(words []string) string {
	if len(k.Valid) == 0 {
		return ""
	}
	for _, w := range words {
		if !slices.Contains(k.Valid, w) {
			return fmt.Sprintf("%q is none of: %s", w, strings.Join(k.Valid, ", "))
		}
	}
	return ""
}

// Check checks a value for a named key of one scope. The error is an
// *UnknownError or an *InvalidError.
func Check(scope Scope, name, value string) error {
	k := lookup(scope, name)
	if k == nil {
		return unknown(scope, name)
	}
	return k.Check(value)
}

func unknown(scope Scope, name string) error {
	e := &UnknownError{Scope: scope, Key: name, Reason: Absent(name)}
	if e.Reason == "" {
		e.Nearest = relative(scope, name)
	}
	if e.Reason == "" && e.Nearest == "" {
		e.Nearest = Nearest(scope, name)
	}
	return e
}

// relative is the key of the wanted scope that means what name means in the
// other: people put retention.ms into server.properties, and log.retention.ms
// on topics.
func relative(scope Scope, name string) string {
	if t, ok := Topic(name); ok && scope == ScopeBroker && len(t.BrokerSynonyms) > 0 {
		return t.BrokerSynonyms[0]
	}
	if b, ok := Broker(name); ok && scope == ScopeTopic {
		return b.TopicSynonym
	}
	return ""
}

func parseBool(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, strconv.ErrSyntax
}

// splitList cuts at commas and trims; an empty string is an empty list.
func splitList(value string) []string {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil
	}
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
