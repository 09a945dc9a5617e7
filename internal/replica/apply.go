package replica

import (
	"errors"
	"slices"
	"sync"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/commitlog"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
	"github.com/milena-io/milena/internal/partition"
)

// openWorkers open logs side by side: creating one is a handful of system calls
// that wait for the disk.
const openWorkers = 8

// assigned is a replica that the metadata places here.
type assigned struct {
	tp    base.TopicPartition
	topic *metadata.Topic
	part  *metadata.Partition
}

// apply follows one metadata change: deletions first, because a topic may have
// been deleted and created again under its name in one step.
func (s *Set) apply(d *metadata.Delta, img *metadata.Image) {
	s.changes.Lock()
	defer s.changes.Unlock()
	s.img = img
	for _, t := range d.TopicsDeleted {
		s.drop(t)
	}
	var work []assigned
	for _, t := range d.TopicsCreated {
		for i := range t.Partitions {
			work = append(work, assigned{topic: t, part: &t.Partitions[i]})
		}
	}
	for _, c := range d.TopicsChanged {
		for _, p := range c.Changed() {
			work = append(work, assigned{topic: c.New, part: p})
		}
	}
	s.adopt(work, img)
	s.reconfigure(d, img)
	s.retryLater()
}

// adopt opens or updates the replicas that belong to this node.
func (s *Set) adopt(work []assigned, img *metadata.Image) {
	broker := s.cfg.Props()
	jobs := make(chan assigned)
	var wg sync.WaitGroup
	for range min(openWorkers, len(work)) {
		wg.Go(func() {
			for a := range jobs {
				s.adoptOne(a, confkey.TopicValues(broker, img.TopicOverrides(a.topic.Name)))
			}
		})
	}
	for _, a := range work {
		if slices.Contains(a.part.Replicas, s.cfg.Self) {
			a.tp = base.TopicPartition{Topic: a.topic.Name, Partition: a.part.Index}
			jobs <- a
		}
	}
	close(jobs)
	wg.Wait()
}

func (s *Set) adoptOne(a assigned, values confkey.Values) {
	s.mu.RLock()
	h := s.held[a.tp]
	s.mu.RUnlock()
	if again := h.waits(); h == nil || again {
		h = s.open(a, values, again)
		s.mu.Lock()
		s.held[a.tp] = h
		s.mu.Unlock()
	}
	if h.err == nil {
		s.lead(h.partition, a.part)
	}
}

// open makes the holding of a replica. Of a log that has to wait again nothing new
// is to be said.
func (s *Set) open(a assigned, values confkey.Values, again bool) *holding {
	cfg := commitlog.ConfigFrom(values)
	log, err := s.cfg.Dir.OpenLog(a.tp, a.topic.ID, cfg)
	if other, ok := errors.AsType[*commitlog.TopicIDError](err); ok {
		// The metadata gives this name to another topic now, so the old one was
		// deleted while this node was down or was cut short deleting it. Its
		// records are kept under another name: nothing here proves that the
		// metadata itself was not lost.
		s.log.Warn("log of an earlier topic of this name is set aside", "topic", a.tp.Topic, "partition", a.tp.Partition, "topicID", other.Have.String())
		if err = s.cfg.Dir.SetAside(a.tp); err == nil {
			log, err = s.cfg.Dir.OpenLog(a.tp, a.topic.ID, cfg)
		}
	}
	if err != nil {
		h := &holding{id: a.topic.ID, err: err}
		switch {
		case !h.waits():
			s.log.Error("replica cannot be served", "topic", a.tp.Topic, "partition", a.tp.Partition, "err", err)
		case !again:
			s.log.Warn("replica cannot be served yet", "topic", a.tp.Topic, "partition", a.tp.Partition, "err", err)
		}
		return h
	}
	opts := partition.Options{}
	if s.cfg.Events != nil {
		opts.Events = s.cfg.Events(a.tp.Topic)
	}
	p := partition.New(a.tp, a.topic.ID, log, opts)
	p.SetConfig(cfg, values.Int("min.insync.replicas"))
	return &holding{id: a.topic.ID, partition: p}
}

func (s *Set) lead(p *partition.Partition, m *metadata.Partition) {
	l := partition.Leadership{
		Leader: m.Leader, LeaderEpoch: m.LeaderEpoch, PartitionEpoch: m.PartitionEpoch, Replicas: m.Replicas, ISR: m.ISR,
	}
	if m.Leader == s.cfg.Self {
		p.BecomeLeader(l)
	} else {
		p.BecomeFollower(l)
	}
}

// drop ends and deletes this node's replicas of a topic that was removed.
func (s *Set) drop(t *metadata.Topic) {
	for i := range t.Partitions {
		tp := base.TopicPartition{Topic: t.Name, Partition: t.Partitions[i].Index}
		s.mu.Lock()
		h := s.held[tp]
		if h != nil && h.id == t.ID {
			delete(s.held, tp)
		}
		s.mu.Unlock()
		if h == nil || h.id != t.ID {
			continue
		}
		if h.err == nil {
			h.partition.Close()
		}
		if err := s.cfg.Dir.DeleteLog(tp, t.ID); err != nil && !errors.Is(err, commitlog.ErrNotFound) {
			s.log.Error("log of a deleted topic cannot be removed", "topic", tp.Topic, "partition", tp.Partition, "err", err)
		}
	}
}

// reconfigure puts changed settings into force: those of the topics named, or of
// every topic when a broker's changed, because topic settings cascade to them.
func (s *Set) reconfigure(d *metadata.Delta, img *metadata.Image) {
	topics := map[string]bool{}
	all := false
	for _, r := range d.ConfigsChanged {
		all = all || r.Type == metadata.ResourceBroker
		if r.Type == metadata.ResourceTopic {
			topics[r.Name] = true
		}
	}
	if !all && len(topics) == 0 {
		return
	}
	broker := s.cfg.Props()
	for _, p := range s.served() {
		if name := p.TopicPartition().Topic; all || topics[name] {
			values := confkey.TopicValues(broker, img.TopicOverrides(name))
			p.SetConfig(commitlog.ConfigFrom(values), values.Int("min.insync.replicas"))
		}
	}
}

// reportStrays names the logs on disk that the metadata does not place here.
func (s *Set) reportStrays(img *metadata.Image) {
	for _, info := range s.cfg.Dir.Inventory() {
		t := img.TopicByID(info.TopicID)
		if t == nil || t.Name != info.TP.Topic {
			s.log.Warn("log on disk belongs to no topic of this cluster; it is left alone",
				"topic", info.TP.Topic, "partition", info.TP.Partition, "topicID", info.TopicID.String())
		}
	}
}
