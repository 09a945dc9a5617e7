package conformance

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/record"
)

// A mentions table asks about one thing more than once in a request, each time
// with another wish where there is one. The field tables say the same thing twice
// in a row; here something else comes between.

// mentions make such requests of one API.
type mentions struct {
	name string
	key  kmsg.Key
	from int16

	// one is a good request with mention k: 0 is of one thing, 1 of another, 2 of
	// the first again. id is the same for all that are put together.
	one func(f *fixture, id string, k int) kmsg.Request
	// in are the arrays that mentions may be in, in one version or another: all
	// of a path are tried together.
	in map[string][]string

	after func(f *fixture, id string) kmsg.Request // shows what came of it
	often bool                                     // Kafka answers as often as it is asked
	vain  bool                                     // Kafka does not answer
	mine  bool
}

// apart is for APIs whose topics have partitions, flat for those without.
func apart(topics string) map[string][]string {
	return map[string][]string{"in one topic": {topics + ".Partitions"}, "in a topic twice": {topics}}
}

func flat(paths ...string) map[string][]string { return map[string][]string{"": paths} }

// join appends what another request has in an array.
func joinArrays(to, from reflect.Value, path string) {
	head, rest, deeper := strings.Cut(path, ".")
	to, from = to.FieldByName(head), from.FieldByName(head)
	switch {
	case !deeper:
		to.Set(reflect.AppendSlice(to, from))
	case to.Len() > 0 && from.Len() > 0:
		joinArrays(to.Index(0), from.Index(0), rest)
	}
}

func mentionScenarios() []scenario {
	var all []scenario
	for _, m := range mentionTables {
		all = append(all, scenario{name: "mentions in " + m.name, key: m.key, from: m.from, run: m.play})
	}
	return all
}

func (m mentions) play(s *script) {
	f := &fixture{s: s, t: s.topic("t", 2)}
	s.fill(f.t, 0, "a", "b", "c")
	s.fill(f.t, 1, "d")
	for how, paths := range inOrder(m.in) {
		m.ask(f, strings.TrimSpace("two "+how), paths, 0, 1, 2)
	}
	if m.often {
		for how, paths := range inOrder(m.in) {
			m.ask(f, strings.TrimSpace("six "+how), paths, slices.Repeat([]int{0}, 6)...)
		}
	}
}

func (m mentions) ask(f *fixture, step string, paths []string, mentions ...int) {
	s, id := f.s, f.next("id")
	req := m.one(f, id, mentions[0])
	for _, k := range mentions[1:] {
		more := reflect.ValueOf(m.one(f, id, k)).Elem()
		for _, path := range paths {
			joinArrays(reflect.ValueOf(req).Elem(), more, path)
		}
	}
	ask := s.ask
	switch {
	case m.vain:
		ask = func(step string, req kmsg.Request) kmsg.Response { s.askInVain(step, req); return nil }
	case m.mine:
		ask = s.mine
	}
	s.norm = newNormal(s.norm.prefix, s.norm.base) // symbols count from one in every answer
	ask(step, req)
	if m.after != nil {
		s.ask(step+", then", m.after(f, id))
	}
}

// one of three, for mention k.
func pick[T any](k int, of ...T) T { return of[k] }

var mentionTables = []mentions{
	{name: "produce", key: kmsg.Produce, in: apart("Topics"), one: func(f *fixture, id string, k int) kmsg.Request {
		return produce(f.t, pick[int32](k, 0, 1, 0), -1, f.s.batch(record.BuilderOptions{}, rec{int64(k), "k", fmt.Sprintf("%s %d", id[len(f.s.norm.prefix):], k)}))
	}, after: func(f *fixture, _ string) kmsg.Request { return fetch(f.t, 0, 3) }},
	{name: "fetch", key: kmsg.Fetch, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return fetch(f.t, pick[int32](k, 0, 1, 0), pick[int64](k, 0, 0, 2))
	}},
	{name: "fetch of what is not there", key: kmsg.Fetch, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return fetch(pick(k, f.s.noTopic(), f.t, f.s.noTopic()), 7, pick[int64](k, 0, 0, 2))
	}},
	{name: "fetch, the last out of range", key: kmsg.Fetch, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return fetch(f.t, 0, pick[int64](k, 0, 1, 9))
	}},
	{name: "list offsets", key: kmsg.ListOffsets, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return listOffsets(f.t, pick[int32](k, 0, 1, 0), pick[int64](k, -1, -1, -2))
	}},
	{name: "list offsets of what is not there", key: kmsg.ListOffsets, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return listOffsets(f.s.noTopic(), pick[int32](k, 0, 1, 0), -1)
	}},
	{name: "metadata", key: kmsg.Metadata, from: 4, in: flat("Topics"), mine: true, one: func(f *fixture, _ string, k int) kmsg.Request {
		return metadata(false, pick(k, f.t, f.s.noTopic(), f.t))
	}},
	{name: "metadata of what is not there", key: kmsg.Metadata, from: 4, in: flat("Topics"), mine: true, one: func(f *fixture, _ string, k int) kmsg.Request {
		return metadata(false, pick(k, f.s.noTopic(), f.t, f.s.noTopic()))
	}},
	{name: "offset commit", key: kmsg.OffsetCommit, in: apart("Topics"), one: func(f *fixture, id string, k int) kmsg.Request {
		r := simple(id).commit(pick[int64](k, 1, 2, 3), f.t)
		r.Topics[0].Partitions[0].Partition = pick[int32](k, 0, 1, 0)
		return r
	}, after: func(f *fixture, id string) kmsg.Request { return committed(id, f.t) }},
	{name: "offset commit, one refused", key: kmsg.OffsetCommit, in: apart("Topics"), one: func(f *fixture, id string, k int) kmsg.Request {
		r := simple(id).commit(pick[int64](k, 1, 2, 3), f.t)
		r.Topics[0].Partitions[0].Metadata = pick(k, ptr("note"), ptr("note"), ptr(strings.Repeat("m", 5000)))
		return r
	}, after: func(f *fixture, id string) kmsg.Request { return committed(id, f.t) }},
	{name: "offset commit, partly to what is not there", key: kmsg.OffsetCommit, in: apart("Topics"), one: func(f *fixture, id string, k int) kmsg.Request {
		r := simple(id).commit(pick[int64](k, 1, 2, 3), f.t)
		r.Topics[0].Partitions[0].Partition = pick[int32](k, 0, 9, 0)
		return r
	}, after: func(f *fixture, id string) kmsg.Request { return committed(id, f.t) }},
	{name: "offset commit to what is not there", key: kmsg.OffsetCommit, in: apart("Topics"), one: func(f *fixture, id string, k int) kmsg.Request {
		return simple(id).commit(pick[int64](k, 1, 2, 3), pick(k, f.s.noTopic(), f.t, f.s.noTopic()))
	}},
	{name: "offset fetch", key: kmsg.OffsetFetch, often: true, in: map[string][]string{
		"in one topic": {"Topics.Partitions", "Groups.Topics.Partitions"}, "in a topic twice": {"Topics", "Groups.Topics"},
	}, one: func(f *fixture, id string, k int) kmsg.Request {
		if k == 0 {
			f.s.quietAt(simple(id).commit(1, f.t), 9)
		}
		r, p := committed(id, f.t), []int32{pick[int32](k, 0, 1, 0)}
		r.Topics[0].Partitions, r.Groups[0].Topics[0].Partitions = p, p
		return r
	}},
	{name: "offset fetch of groups", key: kmsg.OffsetFetch, from: 8, often: true, in: flat("Groups"), one: func(f *fixture, id string, k int) kmsg.Request {
		if k == 0 {
			f.s.quietAt(simple(id).commit(1, f.t), 9)
		}
		return committed(pick(k, id, f.s.name("nobody"), id), f.t)
	}},
	{name: "find coordinator", key: kmsg.FindCoordinator, from: 4, often: true, in: flat("CoordinatorKeys"), one: func(_ *fixture, id string, k int) kmsg.Request {
		return findCoordinator(0, pick(k, id, id+"b", id))
	}},
	{name: "leave", key: kmsg.LeaveGroup, from: 3, in: flat("Members"), one: func(f *fixture, id string, k int) kmsg.Request {
		if k == 0 {
			f.m = f.s.alone(join(id, ""))
		}
		return leave(id, pick(k, f.m, member{id: "nobody"}, f.m))
	}},
	{name: "sync", key: kmsg.SyncGroup, in: flat("GroupAssignment"), one: func(f *fixture, id string, k int) kmsg.Request {
		if k == 0 {
			f.m = f.s.enters(join(id, ""))
		}
		other := f.m
		other.id = "nobody"
		return f.m.sync(assign(pick(k, f.m, other, f.m), pick(k, "first", "other", "last")))
	}},
	{name: "describe groups", key: kmsg.DescribeGroups, often: true, in: flat("Groups"), one: func(f *fixture, id string, k int) kmsg.Request {
		if k == 0 {
			f.s.quietAt(simple(id).commit(1, f.t), 9)
		}
		return describe(pick(k, id, f.s.name("nobody"), id))
	}},
	{name: "delete groups", key: kmsg.DeleteGroups, in: flat("Groups"), one: func(f *fixture, id string, k int) kmsg.Request {
		if k == 0 {
			f.s.quietAt(simple(id).commit(1, f.t), 9)
		}
		return deleteGroups(pick(k, id, f.s.name("nobody"), id))
	}},
	{name: "delete groups that are not there", key: kmsg.DeleteGroups, in: flat("Groups"), one: func(f *fixture, id string, k int) kmsg.Request {
		return deleteGroups(pick(k, id, f.s.name("nobody"), id))
	}},
	{name: "delete offsets", key: kmsg.OffsetDelete, in: apart("Topics"), one: func(f *fixture, id string, k int) kmsg.Request {
		if k == 0 {
			f.s.quietAt(simple(id).commit(1, f.t), 9)
		}
		return offsetDelete(id, f.t, pick[int32](k, 0, 1, 0))
	}},
	{name: "delete offsets of what is not there", key: kmsg.OffsetDelete, in: apart("Topics"), one: func(f *fixture, id string, k int) kmsg.Request {
		if k == 0 {
			f.s.quietAt(simple(id).commit(1, f.t), 9)
		}
		return offsetDelete(id, f.t, pick[int32](k, 9, 0, 9))
	}},
	{name: "create topics", key: kmsg.CreateTopics, in: flat("Topics"), one: func(_ *fixture, id string, k int) kmsg.Request {
		return createTopics(newTopic(pick(k, id, id+"b", id), 1, pick[int16](k, 1, 1, 1)))
	}, after: func(_ *fixture, id string) kmsg.Request { return describeTopics(id) }},
	{name: "create topics, one of them bad", key: kmsg.CreateTopics, in: flat("Topics"), one: func(_ *fixture, id string, k int) kmsg.Request {
		return createTopics(newTopic(pick(k, id, "a/b", id), 1, pick[int16](k, 1, 1, 9)))
	}},
	{name: "settings of new topics", key: kmsg.CreateTopics, in: flat("Topics.Configs"), one: func(_ *fixture, id string, k int) kmsg.Request {
		return createTopics(newTopic(id, 1, 1, pick(k, "retention.ms", "segment.ms", "retention.ms"), pick(k, "1000", "2000", "3000")))
	}},
	{name: "partitions of new topics", key: kmsg.CreateTopics, in: flat("Topics.ReplicaAssignment"), one: func(_ *fixture, id string, k int) kmsg.Request {
		return createTopics(assigned(id, map[int32][]int32{pick[int32](k, 0, 1, 0): {1}}))
	}, after: func(_ *fixture, id string) kmsg.Request { return describeTopics(id) }},
	{name: "delete topics", key: kmsg.DeleteTopics, in: flat("Topics", "TopicNames"), one: func(f *fixture, id string, k int) kmsg.Request {
		if k == 0 {
			f.topics = [2]topic{f.topic(), f.topic()}
		}
		return deleteTopics(named(pick(k, f.topics[0], f.topics[1], f.topics[0]).name))
	}, after: func(f *fixture, _ string) kmsg.Request { return describeTopics(f.topics[0].name) }},
	{name: "delete topics that are not there", key: kmsg.DeleteTopics, in: flat("Topics", "TopicNames"), one: func(f *fixture, id string, k int) kmsg.Request {
		return deleteTopics(named(pick(k, id, id+"b", id)))
	}},
	{name: "delete topics by id", key: kmsg.DeleteTopics, from: 6, in: flat("Topics"), one: func(f *fixture, id string, k int) kmsg.Request {
		return deleteTopics(pick(k, topic{id: unknownID}, named(id), topic{id: unknownID}))
	}},
	{name: "delete topics by id and by name", key: kmsg.DeleteTopics, from: 6, in: flat("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		if k == 0 {
			f.topics = [2]topic{f.topic()}
		}
		return deleteTopics(pick(k, f.topics[0], named(f.topics[0].name), f.topics[0]))
	}, after: func(f *fixture, _ string) kmsg.Request { return describeTopics(f.topics[0].name) }},
	{name: "delete topics by name and by id", key: kmsg.DeleteTopics, from: 6, in: flat("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		if k == 0 {
			f.topics = [2]topic{f.topic()}
		}
		return deleteTopics(pick(k, named(f.topics[0].name), f.topics[0], named(f.topics[0].name)))
	}},
	{name: "create partitions", key: kmsg.CreatePartitions, in: flat("Topics"), one: func(f *fixture, id string, k int) kmsg.Request {
		if k == 0 {
			f.topics = [2]topic{f.topic(), f.topic()}
		}
		return createPartitions(pick(k, f.topics[0], f.topics[1], f.topics[0]).name, pick[int32](k, 2, 3, 4))
	}},
	{name: "create partitions of what is not there", key: kmsg.CreatePartitions, in: flat("Topics"), one: func(f *fixture, id string, k int) kmsg.Request {
		return createPartitions(pick(k, id, id+"b", id), 4)
	}},
	{name: "delete records", key: kmsg.DeleteRecords, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return deleteRecords(f.t, pick[int32](k, 0, 1, 0), pick[int64](k, 2, 1, 1))
	}, after: func(f *fixture, _ string) kmsg.Request { return listOffsets(f.t, 0, -2) }},
	{name: "delete records, the last out of range", key: kmsg.DeleteRecords, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return deleteRecords(f.t, pick[int32](k, 0, 1, 0), pick[int64](k, 2, 1, 9))
	}, after: func(f *fixture, _ string) kmsg.Request { return listOffsets(f.t, 0, -2) }},
	{name: "delete records of what is not there", key: kmsg.DeleteRecords, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return deleteRecords(pick(k, f.s.noTopic(), f.t, f.s.noTopic()), 7, 1)
	}},
	{name: "end of epoch", key: kmsg.OffsetForLeaderEpoch, often: true, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return epochEnd(f.t, pick[int32](k, 0, 1, 0), -1, pick[int32](k, 0, 0, 5))
	}},
	{name: "describe configs", key: kmsg.DescribeConfigs, often: true, in: flat("Resources"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return describeConfigs(topicResource, pick(k, f.t, f.s.noTopic(), f.t).name, pick(k, "retention.ms", "segment.ms", "segment.ms"))
	}},
	{name: "keys of described configs", key: kmsg.DescribeConfigs, often: true, in: flat("Resources.ConfigNames"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return describeConfigs(topicResource, f.t.name, pick(k, "retention.ms", "segment.ms", "retention.ms"))
	}},
	{name: "alter configs", key: kmsg.AlterConfigs, vain: true, in: flat("Resources"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return alter(topicResource, pick(k, f.t, f.s.noTopic(), f.t).name, "retention.ms", pick(k, "1000", "2000", "3000"))
	}},
	{name: "keys of altered configs", key: kmsg.AlterConfigs, in: flat("Resources.Configs"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return alter(topicResource, f.t.name, pick(k, "retention.ms", "segment.ms", "retention.ms"), pick(k, "1000", "2000", "3000"))
	}},
	{name: "incremental alter configs", key: kmsg.IncrementalAlterConfigs, in: flat("Resources"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return incremental(topicResource, pick(k, f.t, f.s.noTopic(), f.t).name, change{kmsg.IncrementalAlterConfigOpSet, "retention.ms", pick(k, "1000", "2000", "3000")})
	}},
	{name: "keys of incrementally altered configs", key: kmsg.IncrementalAlterConfigs, in: flat("Resources.Configs"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return incremental(topicResource, f.t.name, change{kmsg.IncrementalAlterConfigOpSet, pick(k, "retention.ms", "segment.ms", "retention.ms"), pick(k, "1000", "2000", "3000")})
	}},
	{name: "describe log dirs", key: kmsg.DescribeLogDirs, often: true, mine: true, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		r := kmsg.NewPtrDescribeLogDirsRequest()
		one := kmsg.NewDescribeLogDirsRequestTopic()
		one.Topic, one.Partitions = f.t.name, []int32{pick[int32](k, 0, 1, 0)}
		r.Topics = append(r.Topics, one)
		return r
	}},
	{name: "describe producers", key: kmsg.DescribeProducers, often: true, in: apart("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return describeProducers(f.t, pick[int32](k, 0, 1, 0))
	}},
	{name: "describe topic partitions", key: kmsg.DescribeTopicPartitions, mine: true, in: flat("Topics"), one: func(f *fixture, _ string, k int) kmsg.Request {
		return describeTopics(pick(k, f.t, f.s.noTopic(), f.t).name)
	}},
}

// sessionMentions are those in fetch sessions, where requests say what changed.
var sessionMentions = scenario{name: "mentions in fetch sessions", key: kmsg.Fetch, from: 7, run: func(s *script) {
	t := s.topic("t", 2)
	s.fill(t, 0, "a", "b", "c")
	s.fill(t, 1, "d")
	both := func(first, last int64) *kmsg.FetchRequest {
		r := fetch(t, 0, first)
		r.Topics = append(r.Topics, fetch(t, 1, 0).Topics[0], fetch(t, 0, last).Topics[0])
		return r
	}
	forget := func(r *kmsg.FetchRequest) *kmsg.FetchRequest {
		for range 2 {
			f := kmsg.NewFetchRequestForgottenTopic()
			f.Topic, f.TopicID, f.Partitions = t.name, t.id, []int32{0, 0}
			r.ForgottenTopics = append(r.ForgottenTopics, f)
		}
		return r
	}
	id := s.ask("new", session(both(0, 2), 0, 0)).(*kmsg.FetchResponse).SessionID
	s.ask("nothing changed", session(nothing(), id, 1))
	s.ask("changed twice", session(both(2, 1), id, 2))
	s.ask("changed once", session(nothing(), id, 3))
	s.ask("forgotten twice", session(forget(nothing()), id, 4))
	s.ask("after that", session(nothing(), id, 5))
	s.ask("added and forgotten", session(forget(both(0, 1)), id, 6))
	s.ask("added twice", session(both(0, 1), id, 7))
	s.ask("closed", session(both(0, 2), id, -1))
	only := session(fetch(t, 0, 0), 0, 0)
	id = s.ask("another", only).(*kmsg.FetchResponse).SessionID
	r := fetch(t, 0, 1)
	r.Topics = append(r.Topics, fetch(t, 0, 2).Topics[0])
	s.ask("nothing left", session(forget(r), id, 1))
}}
