package quorum

import (
	"fmt"
	"log/slog"

	"github.com/milena-io/milena/internal/invariant"
)

// raftLogger hands Raft's own messages to slog. What Raft calls info is detail
// to an operator, so it goes to debug; who leads is logged by the loop.
type raftLogger struct{ log *slog.Logger }

func (r raftLogger) Debug(v ...any)            {}
func (r raftLogger) Debugf(f string, v ...any) {}
func (r raftLogger) Info(v ...any)             { r.log.Debug("raft", "message", fmt.Sprint(v...)) }
func (r raftLogger) Infof(f string, v ...any)  { r.log.Debug("raft", "message", fmt.Sprintf(f, v...)) }
func (r raftLogger) Warning(v ...any)          { r.log.Warn("raft", "message", fmt.Sprint(v...)) }
func (r raftLogger) Warningf(f string, v ...any) {
	r.log.Warn("raft", "message", fmt.Sprintf(f, v...))
}
func (r raftLogger) Error(v ...any)            { r.log.Error("raft", "message", fmt.Sprint(v...)) }
func (r raftLogger) Errorf(f string, v ...any) { r.log.Error("raft", "message", fmt.Sprintf(f, v...)) }

// Raft calls these when its own invariants are broken. The process must not go
// on, but it must not exit without its supervisor seeing why either.
func (r raftLogger) Fatal(v ...any)            { invariant.Fail("raft: %s", fmt.Sprint(v...)) }
func (r raftLogger) Fatalf(f string, v ...any) { invariant.Fail("raft: "+f, v...) }
func (r raftLogger) Panic(v ...any)            { invariant.Fail("raft: %s", fmt.Sprint(v...)) }
func (r raftLogger) Panicf(f string, v ...any) { invariant.Fail("raft: "+f, v...) }
