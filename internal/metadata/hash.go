package metadata

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"

	"github.com/milena-io/milena/internal/base"
)

// Hash is a digest of what was decided about the cluster: equal on every node
// and after every start that replayed the same decisions. It leaves out which
// process embodies a broker, and the index.
func (img *Image) Hash() string { return img.digest(false) }

// ExactHash is a digest of everything but the index: equal digests mean equal images.
func (img *Image) ExactHash() string { return img.digest(true) }

// digest feeds a fixed, self-delimiting form of the image to SHA-256. It does
// not use the record encoding: protobuf promises no stable bytes, and a mistake
// there must not hide itself.
func (img *Image) digest(exact bool) string {
	d := digester{h: sha256.New()}
	d.text(img.clusterID)
	d.number(img.nextProducerID)
	d.number(int64(len(img.features)))
	for _, name := range slices.Sorted(maps.Keys(img.features)) {
		d.text(name)
		d.number(int64(img.features[name]))
	}
	d.number(int64(len(img.brokers)))
	for _, b := range img.brokers {
		d.broker(b, exact)
	}
	d.number(int64(img.byName.Len()))
	for t := range img.Topics() {
		d.topic(t)
	}
	d.number(int64(img.configs.Len()))
	for r, values := range img.Configured() {
		d.number(int64(r.Type))
		d.text(r.Name)
		d.number(int64(len(values)))
		for _, key := range slices.Sorted(maps.Keys(values)) {
			d.text(key)
			d.text(values[key])
		}
	}
	return hex.EncodeToString(d.finish()[:16])
}

// digester collects short pieces before hashing them; hashing each alone costs
// more than the hashing itself.
type digester struct {
	h   hash.Hash
	buf []byte
}

func (d *digester) number(n int64) {
	d.buf = binary.BigEndian.AppendUint64(d.buf, uint64(n))
	if len(d.buf) > 4096 {
		d.h.Write(d.buf)
		d.buf = d.buf[:0]
	}
}

func (d *digester) text(s string) {
	d.number(int64(len(s)))
	d.buf = append(d.buf, s...)
}

func (d *digester) id(u base.UUID) { d.buf = append(d.buf, u[:]...) }

func (d *digester) flag(b bool) {
	if b {
		d.number(1)
	} else {
		d.number(0)
	}
}

func (d *digester) finish() []byte {
	d.h.Write(d.buf)
	return d.h.Sum(nil)
}

func (d *digester) broker(b *Broker, exact bool) {
	d.number(int64(b.ID))
	d.text(b.Rack)
	d.number(int64(len(b.Directories)))
	for _, dir := range b.Directories {
		d.id(dir)
	}
	if !exact {
		return
	}
	d.id(b.Incarnation)
	d.number(int64(b.Epoch))
	d.flag(b.Fenced)
	d.number(int64(len(b.Listeners)))
	for _, l := range b.Listeners {
		d.text(l.Name)
		d.text(l.Host)
		d.number(int64(l.Port))
		d.number(int64(l.Protocol))
	}
}

func (d *digester) topic(t *Topic) {
	d.text(t.Name)
	d.id(t.ID)
	d.number(int64(len(t.Partitions)))
	for i := range t.Partitions {
		p := &t.Partitions[i]
		d.nodes(p.Replicas)
		d.nodes(p.ISR)
		d.number(int64(len(p.Directories)))
		for _, dir := range p.Directories {
			d.id(dir)
		}
		d.number(int64(p.Leader))
		d.number(int64(p.LeaderEpoch))
		d.number(int64(p.PartitionEpoch))
	}
}

func (d *digester) nodes(ids []base.NodeID) {
	d.number(int64(len(ids)))
	for _, id := range ids {
		d.number(int64(id))
	}
}
