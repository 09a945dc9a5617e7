package node

import (
	"log/slog"
	"time"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/netx"
	"github.com/milena-io/milena/internal/vfs"
)

// Config describes one broker. Only Props is required.
type Config struct {
	// Props is the static configuration, checked. Addresses, limits and all
	// behaviour come from it.
	Props confkey.Values
	// DataDir overrides log.dirs.
	DataDir string
	// HTTPAddr is where metrics and health are served; "" switches them off.
	HTTPAddr string

	FS      vfs.FS       // nil is the operating system's
	Network netx.Network // nil is TCP
	Logger  *slog.Logger // nil discards
	Now     func() time.Time
	Version string
	// PoisonFrames overwrites request memory before it is used again: tests
	// find whoever kept a slice of it.
	PoisonFrames bool
}

// fill sets what the caller left out.
func (c *Config) fill() {
	if c.FS == nil {
		c.FS = vfs.OS()
	}
	if c.Network == nil {
		c.Network = netx.TCP()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.DataDir == "" {
		c.DataDir = confkey.DataDir(c.Props)
	}
}

func (c *Config) nodeID() base.NodeID { return base.NodeID(c.Props.Int("node.id")) }
