package server

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A burst of log lines per interval is enough to see what goes on; a client
// that reconnects in a loop must not fill the disk with them.
const (
	logBurst    = 10
	logInterval = 10 * time.Second
)

// limitedLog drops lines beyond the burst and says later how many. It is safe
// for concurrent use.
type limitedLog struct {
	log *slog.Logger

	mu         sync.Mutex
	since      time.Time
	lines      int
	suppressed int
}

func (l *limitedLog) warn(msg string, args ...any)  { l.write(slog.LevelWarn, msg, args) }
func (l *limitedLog) error(msg string, args ...any) { l.write(slog.LevelError, msg, args) }

func (l *limitedLog) write(level slog.Level, msg string, args []any) {
	l.mu.Lock()
	now := time.Now()
	if now.Sub(l.since) >= logInterval {
		l.since, l.lines = now, 0
	}
	if l.lines++; l.lines > logBurst {
		l.suppressed++
		l.mu.Unlock()
		return
	}
	dropped := l.suppressed
	l.suppressed = 0
	l.mu.Unlock()
	if dropped > 0 {
		args = append(args, "suppressed", dropped)
	}
	l.log.Log(context.Background(), level, msg, args...) //nolint:sloglint // every caller passes a constant
}
