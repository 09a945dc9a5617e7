package conformance

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/milena-io/milena/internal/api"
)

// scenario is a conversation that is held once per version of one API key.
// Requests of other keys have the highest version.
type scenario struct {
	name string
	key  kmsg.Key
	from int16 // first version it makes sense for
	run  func(s *script)
}

// served are the versions of each key in Milena's table.
var served = func() map[int16]api.Entry {
	m := map[int16]api.Entry{}
	for _, e := range new(api.API).Table() {
		m[e.Key] = e
	}
	return m
}()

// script is one conversation. Its methods panic with a failure when it can't go
// on; play turns that into an answer like any other.
type script struct {
	scenario scenario
	version  int16
	addr     string
	main     link
	norm     *normal
	heard    transcript
	links    []*link
}

// play holds one conversation and returns what was answered.
func play(sc scenario, version int16, addr, run string, base int64) (heard transcript) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(sc.name))
	prefix := fmt.Sprintf("c%s.%08x.%d.", run, h.Sum32(), version)
	s := &script{scenario: sc, version: version, addr: addr, main: link{addr: addr}, norm: newNormal(prefix, base), heard: transcript{}}
	defer func() {
		if p := recover(); p != nil {
			where := ""
			if _, ours := p.(failure); !ours {
				where = firstFrame(string(debug.Stack()))
			}
			s.note("!", fmt.Sprintf("the script ended: %v%s", p, where))
		}
		s.main.close()
		for _, l := range s.links {
			l.close()
		}
		heard = s.heard
	}()
	sc.run(s)
	return s.heard
}

// firstFrame finds the scenario's line in a stack.
func firstFrame(stack string) string {
	for line := range strings.SplitSeq(stack, "\n") {
		if i := strings.Index(line, "/conformance/cases_"); i >= 0 {
			where, _, _ := strings.Cut(line[i+len("/conformance/"):], " ")
			return " at " + where
		}
	}
	return ""
}

type failure string

func (s *script) fail(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

// name is a name of this script's own; transcripts show only what was passed.
func (s *script) name(n string) string { return s.norm.prefix + n }

// ts is the script's k-th second, about an hour ago.
func (s *script) ts(k int64) int64 { return s.norm.base + 1000*k }

func (s *script) note(step, answer string) {
	p := pair{s.scenario.name, step, s.version}
	if _, twice := s.heard[p]; twice {
		answer = "the step's name is used twice"
	}
	s.heard[p] = answer
}

// prepare sets the version a request is sent in.
func (s *script) prepare(req kmsg.Request) {
	v := served[req.Key()].Max
	if req.Key() == int16(s.scenario.key) {
		v = s.version
	}
	req.SetVersion(v)
}

// ask sends a request and notes the answer.
func (s *script) ask(step string, req kmsg.Request) kmsg.Response { return s.askOn(&s.main, step, req) }

func (s *script) askOn(l *link, step string, req kmsg.Request) kmsg.Response {
	resp, err := s.exchange(l, req)
	s.noteAnswer(step, resp, err)
	return s.orEmpty(req, resp)
}

// askInVain is ask for what Kafka is known not to answer.
func (s *script) askInVain(step string, req kmsg.Request) {
	s.main.hang = true
	defer func() { s.main.hang = false }()
	s.ask(step, req)
}

func (s *script) noteAnswer(step string, resp kmsg.Response, err error) {
	switch {
	case resp == nil:
		s.note(step, "("+err.Error()+")")
	case err != nil:
		s.note(step, s.norm.render(resp)+" ("+err.Error()+")")
	default:
		s.note(step, s.norm.render(resp))
	}
}

// mine is ask for lists of everything: only this script's things are noted.
func (s *script) mine(step string, req kmsg.Request) kmsg.Response {
	s.norm.own = true
	defer func() { s.norm.own = false }()
	return s.ask(step, req)
}

// quiet sends a request whose answer is of no interest here.
func (s *script) quiet(req kmsg.Request) kmsg.Response {
	resp, err := s.exchange(&s.main, req)
	if resp == nil {
		s.fail("%s: %v", kmsg.NameForKey(req.Key()), err)
	}
	return resp
}

func (s *script) exchange(l *link, req kmsg.Request) (kmsg.Response, error) {
	s.prepare(req)
	if err := l.send(req); err != nil {
		l.close()
		return nil, errClosed
	}
	resp, err := l.receive(req)
	if resp != nil {
		s.norm.render(resp) // numbers generated ids in the order of their appearance
	}
	return resp, err
}

func (s *script) orEmpty(req kmsg.Request, resp kmsg.Response) kmsg.Response {
	if resp == nil {
		return req.ResponseKind()
	}
	return resp
}

// later sends a request on a connection of its own; the answer is noted when
// the returned function is called, unless that is without a name.
func (s *script) later(req kmsg.Request) func(step string) kmsg.Response {
	l := s.connect()
	s.prepare(req)
	if err := l.send(req); err != nil {
		s.fail("%v", err)
	}
	return func(step string) kmsg.Response {
		resp, err := l.receive(req)
		if step != "" {
			s.noteAnswer(step, resp, err)
		}
		return s.orEmpty(req, resp)
	}
}

// connect opens one more connection.
func (s *script) connect() *link {
	l := &link{addr: s.addr}
	s.links = append(s.links, l)
	return l
}

// frame sends bytes as they are, after their size, and notes whether there is an answer.
func (s *script) frame(step string, body []byte) { s.sized(step, uint32(len(body)), body) }

// sized sends bytes after a size that need not be theirs.
func (s *script) sized(step string, size uint32, body []byte) {
	l := s.connect()
	if err := l.write(append(binary.BigEndian.AppendUint32(nil, size), body...)); err != nil {
		s.note(step, "(not sent)")
		return
	}
	answer, err := l.frame()
	if err != nil {
		s.note(step, "("+err.Error()+")")
		return
	}
	s.note(step, fmt.Sprintf("%d bytes", len(answer)))
}

// until repeats a request until its answer is good.
func (s *script) until(req kmsg.Request, good func(kmsg.Response) bool) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if good(s.quiet(req)) {
			return
		}
	}
	s.fail("%s: it never became ready", kmsg.NameForKey(req.Key()))
}

var errNoScenario = errors.New("no scenario matches")

// playAll holds all conversations with one broker, a few at a time.
func playAll(addr string, scenarios []scenario) (transcript, error) {
	if len(scenarios) == 0 {
		return nil, errNoScenario
	}
	if err := warmUp(addr); err != nil {
		return nil, err
	}
	type job struct {
		sc scenario
		v  int16
	}
	var (
		jobs  = make(chan job)
		all   = transcript{}
		lock  sync.Mutex
		group sync.WaitGroup
		now   = time.Now()
		run   = fmt.Sprintf("%06x", now.UnixMilli()&0xffffff) // always as long: the longest names are filled up to 249
		base  = now.Add(-time.Hour).Truncate(time.Second).UnixMilli()
	)
	for range 24 { // most of them wait for something
		group.Go(func() {
			for j := range jobs {
				heard := play(j.sc, j.v, addr, run, base)
				lock.Lock()
				all.merge(heard)
				lock.Unlock()
			}
		})
	}
	for _, sc := range scenarios {
		e := served[int16(sc.key)]
		for v := max(e.Min, sc.from); v <= e.Max; v++ {
			jobs <- job{sc, v}
		}
	}
	close(jobs)
	group.Wait()
	return all, nil
}

// warmUp waits until every part of the broker is there: Kafka makes its offsets
// topic when it is first asked for a coordinator.
func warmUp(addr string) error {
	s := &script{addr: addr, main: link{addr: addr}, scenario: scenario{key: -1}, norm: newNormal("", 0), heard: transcript{}}
	defer s.main.close()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if s.groupsAreReady() {
			return nil
		}
	}
	return fmt.Errorf("the broker at %s does not get ready", addr)
}

func (s *script) groupsAreReady() bool {
	find := kmsg.NewPtrFindCoordinatorRequest()
	describe := kmsg.NewPtrDescribeGroupsRequest()
	for _, g := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		find.CoordinatorKeys = append(find.CoordinatorKeys, g)
		describe.Groups = append(describe.Groups, g)
	}
	resp, err := s.exchange(&s.main, find)
	if err != nil {
		return false
	}
	for _, c := range resp.(*kmsg.FindCoordinatorResponse).Coordinators {
		if c.ErrorCode != 0 {
			return false
		}
	}
	resp, err = s.exchange(&s.main, describe)
	if err != nil {
		return false
	}
	for _, g := range resp.(*kmsg.DescribeGroupsResponse).Groups {
		if g.ErrorCode != 0 && g.ErrorCode != 69 { // GROUP_ID_NOT_FOUND
			return false
		}
	}
	return true
}
