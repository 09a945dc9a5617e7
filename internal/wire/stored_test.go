package wire

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What the codec writes is complete, with and without tagged fields; no byte of
// it can be missing, and a count that the bytes don't bear out is refused.
func TestStoredValuesAreWalked(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		offset, group := kmsg.NewOffsetCommitValue(), kmsg.NewGroupMetadataValue()
		for shape, v := range map[Stored]interface{ AppendTo([]byte) []byte }{OffsetCommitValue4: &offset, GroupMetadataValue4: &group} {
			(&filler{r: r, tags: r.IntN(2) == 0, version: 4}).fill(reflect.ValueOf(v).Elem())
			offset.Version, group.Version = 4, 4
			value := v.AppendTo(nil)
			if !shape.Complete(value) {
				t.Fatalf("refused: %+v\n%x", v, value)
			}
			for n := range value {
				if shape.Complete(value[:n]) {
					t.Fatalf("accepted %d of %d bytes: %x", n, len(value), value)
				}
			}
		}
	}
	plain := kmsg.NewOffsetCommitValue()
	plain.Version = 4
	value := plain.AppendTo(nil)
	if value[len(value)-1] != 0 {
		t.Fatalf("the tagged fields are not at the end: %x", value)
	}
	if OffsetCommitValue4.Complete(append(value[:len(value)-1], 0xbc, 0xb6, 0x9c, 0xca, 0x06)) {
		t.Error("1.7 billion tagged fields in no bytes were accepted")
	}
}
