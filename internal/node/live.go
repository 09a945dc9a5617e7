package node

import (
	"sync/atomic"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/confkey"
	"github.com/milena-io/milena/internal/metadata"
)

// liveProps is the broker's configuration in force: the static one, with the
// dynamic settings for all brokers and then those for this one over it. It is
// the first subscriber of the metadata, so that every later one sees the
// settings of the image it is given.
type liveProps struct {
	self    base.NodeID
	static  confkey.Values
	current atomic.Pointer[confkey.Values]
	changed func(confkey.Values) // told the new configuration, may be nil
}

func newLiveProps(self base.NodeID, static confkey.Values) *liveProps {
	l := &liveProps{self: self, static: static}
	l.current.Store(&static)
	return l
}

// Get is the configuration now.
func (l *liveProps) Get() confkey.Values { return *l.current.Load() }

func (l *liveProps) apply(d *metadata.Delta, img *metadata.Image) {
	for _, r := range d.ConfigsChanged {
		if r.Type == metadata.ResourceBroker {
			// Bad values were refused when they were set; one that an older
			// version allowed is left out, as With reports and does.
			v, _ := l.static.With(img.DefaultBrokerOverrides())
			v, _ = v.With(img.BrokerOverrides(l.self))
			l.current.Store(&v)
			if l.changed != nil {
				l.changed(v)
			}
			return
		}
	}
}
