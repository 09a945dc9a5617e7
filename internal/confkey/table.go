package confkey

import (
	"slices"
	"strings"
)

// index finds keys by scope and name; all is sorted by name per scope.
type index struct {
	byName map[string]*Key
	sorted []*Key
}

var (
	brokerIndex = newIndex(ScopeBroker, networkKeys, logKeys, replicationKeys, quorumKeys, groupCoordinatorKeys, futureKeys, ownKeys)
	topicIndex  = newIndex(ScopeTopic, topicKeys, ownTopicKeys)
	groupIndex  = newIndex(ScopeGroup, groupKeys)
)

func newIndex(scope Scope, tables ...[]Key) index {
	ix := index{byName: map[string]*Key{}}
	for _, t := range tables {
		for i := range t {
			t[i].complete(scope)
			ix.byName[t[i].Name] = &t[i]
			ix.sorted = append(ix.sorted, &t[i])
		}
	}
	slices.SortFunc(ix.sorted, func(a, b *Key) int { return strings.Compare(a.Name, b.Name) })
	return ix
}

// A topic key names its broker synonyms in the table; the way back is derived.
func init() {
	for _, t := range topicIndex.sorted {
		for _, name := range t.BrokerSynonyms {
			if b := brokerIndex.byName[name]; b != nil {
				b.TopicSynonym = t.Name
			}
		}
	}
}

// Broker finds a broker key.
func Broker(name string) (*Key, bool) { k, ok := brokerIndex.byName[name]; return k, ok }

// Topic finds a topic key.
func Topic(name string) (*Key, bool) { k, ok := topicIndex.byName[name]; return k, ok }

// Group finds a group key.
func Group(name string) (*Key, bool) { k, ok := groupIndex.byName[name]; return k, ok }

// All lists the keys of the given scopes, sorted by name within each scope:
// broker, topic, group. The slice is the caller's.
func All(scope Scope) []*Key {
	var out []*Key
	for s, ix := range scopes(scope) {
		_ = s
		out = append(out, ix.sorted...)
	}
	return out
}

// scopes yields the indexes of a scope set in fixed order.
func scopes(set Scope) func(yield func(Scope, index) bool) {
	return func(yield func(Scope, index) bool) {
		for _, s := range []struct {
			scope Scope
			ix    index
		}{{ScopeBroker, brokerIndex}, {ScopeTopic, topicIndex}, {ScopeGroup, groupIndex}} {
			if set&s.scope != 0 && !yield(s.scope, s.ix) {
				return
			}
		}
	}
}

// lookup finds a key of one scope.
func lookup(scope Scope, name string) *Key {
	for _, ix := range scopes(scope) {
		return ix.byName[name]
	}
	return nil
}
