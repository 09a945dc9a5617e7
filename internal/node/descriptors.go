package node

import (
	"log/slog"
	"math"

	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/server"
)

// serverLimits are the configured limits, with as many connections at most as
// leave descriptors for the log directory: while a file can't be opened, records
// are refused, and clients must not be able to bring that about.
func (n *Node) serverLimits(p confkey.Values) server.Limits {
	l := server.LimitsFrom(p)
	room := connectionRoom(openFileLimit(), p.Int("milena.max.open.files"))
	if l.MaxConnections > room {
		n.log.Warn("fewer connections than configured are taken: the limit of open files is too low",
			slog.Int("max.connections", l.MaxConnections), slog.Int("effective", room))
		l.MaxConnections = room
	}
	return l
}

// otherFiles is what the metadata quorum, checkpoints and listeners may need.
const otherFiles = 128

// logFiles is how many of limit descriptors the log directory keeps open: what is
// configured, but at most half.
func logFiles(limit uint64, configured int) int {
	const atLeast = 16
	return max(min(configured, int(min(limit/2, math.MaxInt32))-otherFiles), atLeast)
}

// connectionRoom is how many are left for connections. Log files may exceed their
// own limit for a while.
func connectionRoom(limit uint64, configured int) int {
	const atLeast = 16
	files := logFiles(limit, configured)
	return max(int(min(limit, math.MaxInt32))-files-files/4-otherFiles, atLeast)
}
