package faultfs

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Op is a kind of storage call.
type Op string

// The kinds. File.Size counts as Stat; closing a file can't be failed.
const (
	Create   Op = "create"
	Open     Op = "open" // and OpenReadOnly
	Read     Op = "read"
	Write    Op = "write"
	Sync     Op = "sync"
	SyncDir  Op = "syncdir"
	Rename   Op = "rename" // matched by either name
	Remove   Op = "remove" // and RemoveAll
	Truncate Op = "truncate"
	List     Op = "list"
	Stat     Op = "stat"
	Mkdir    Op = "mkdir"
	Allocate Op = "allocate"
	Lock     Op = "lock"
	Usage    Op = "usage"
	Volume   Op = "volume"  // opening one
	SyncAll  Op = "syncall" // Volume.Sync
)

// Rule injects one fault into the calls it matches.
type Rule struct {
	// Ops are the kinds it applies to; none means all.
	Ops []Op
	// Glob is a path.Match pattern. It is compared with as many of the path's
	// last elements as it has itself: "*.log" or "orders-0/*.log". Empty
	// matches every path.
	Glob string
	// Nth is the first matching call that is hit, counted from 1 over the
	// life of the rule; 0 is 1.
	Nth int
	// Times is how many calls are hit from then on; 0 means all of them.
	Times int
	// Do is what happens.
	Do Action
}

func (r *Rule) matches(c Call) bool {
	if len(r.Ops) > 0 && !slices.Contains(r.Ops, c.Op) {
		return false
	}
	return r.Glob == "" || match(r.Glob, c.Path) || c.To != "" && match(r.Glob, c.To)
}

func match(glob, name string) bool {
	name = filepath.ToSlash(name)
	elems := strings.Split(name, "/")
	if n := strings.Count(glob, "/") + 1; n < len(elems) {
		name = strings.Join(elems[len(elems)-n:], "/")
	}
	ok, err := path.Match(glob, name)
	if err != nil {
		panic("faultfs: bad glob " + glob) // a mistake in the test
	}
	return ok
}

// Action is what a rule does to a call. Make one with Fail, ShortWrite, Stall
// or FlipBit; EIO and ENOSPC are ready-made.
type Action struct {
	err   error
	short bool
	gate  *Gate
	flip  bool
	bit   int
}

// The two errors that disks give most often.
var (
	EIO    = Fail(syscall.EIO)
	ENOSPC = Fail(syscall.ENOSPC)
)

// Fail makes the call return err without doing anything.
func Fail(err error) Action { return Action{err: err} }

// ShortWrite makes a write store the first half of its bytes and return err
// with that count. Other kinds of calls fail with err.
func ShortWrite(err error) Action { return Action{err: err, short: true} }

// Stall makes the call wait at the gate and then go on normally.
func Stall(g *Gate) Action { return Action{gate: g} }

// FlipBit inverts one bit of the data that a read returns: bit n modulo the
// number of bits read. Other kinds of calls are untouched.
func FlipBit(n int) Action { return Action{flip: true, bit: n} }

// Gate holds stalled calls until it is opened.
type Gate struct {
	arrived chan struct{}
	opened  chan struct{}
}

// NewGate returns a closed gate.
func NewGate() *Gate {
	return &Gate{arrived: make(chan struct{}, 1), opened: make(chan struct{})}
}

// Open lets all stalled and future calls pass. It must be called once.
func (g *Gate) Open() { close(g.opened) }

// Arrived receives a value when a call has come to the closed gate.
func (g *Gate) Arrived() <-chan struct{} { return g.arrived }

func (g *Gate) wait() {
	select {
	case g.arrived <- struct{}{}:
	default:
	}
	<-g.opened
}
