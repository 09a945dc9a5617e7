package wire

import (
	"math/rand/v2"
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// filler sets every field of a kmsg request to something random.
type filler struct {
	r       *rand.Rand
	tags    bool
	version int16
	depth   int
}

// taggedSince names tagged fields that kmsg writes in every flexible version,
// with the version that has them. Clients leave them at their defaults before.
var taggedSince = map[string]int16{
	"FetchRequest.ReplicaState":                             15,
	"FetchRequestTopicPartition.ReplicaDirectoryID":         17,
	"FetchRequestTopicPartition.HighWatermark":              18,
	"FetchSnapshotRequestTopicPartition.ReplicaDirectoryID": 1,
	"BrokerHeartbeatRequest.OfflineLogDirs":                 1,
	"BrokerHeartbeatRequest.CordonedLogDirs":                2,
}

func (f *filler) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if f.r.IntN(3) == 0 {
			v.SetZero()
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		f.fillStruct(v)
	case reflect.Slice:
		f.fillSlice(v)
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.String:
		b := make([]byte, f.r.IntN(12))
		for i := range b {
			b[i] = byte('a' + f.r.IntN(26))
		}
		v.SetString(string(b))
	case reflect.Bool:
		v.SetBool(f.r.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat(f.r.Float64())
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(int64(f.r.Uint64()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.r.Uint64())
	default:
		panic("no filler for " + v.Type().String())
	}
}

func (f *filler) fillStruct(v reflect.Value) {
	if t, ok := v.Addr().Interface().(*kmsg.Tags); ok {
		if f.tags {
			for range f.r.IntN(3) {
				t.Set(uint32(200+f.r.IntN(50)), make([]byte, f.r.IntN(5)))
			}
		}
		return
	}
	if d, ok := v.Addr().Interface().(interface{ Default() }); ok {
		d.Default()
	}
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.IsExported() && field.Name != "Version" && f.version >= taggedSince[v.Type().Name()+"."+field.Name] {
			f.fill(v.Field(i))
		}
	}
}

func (f *filler) fillSlice(v reflect.Value) {
	n := f.r.IntN(4)
	if f.depth++; f.depth > 6 {
		n = 0
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		f.fill(v.Index(i))
	}
	f.depth--
}

// randomRequest returns an encoded body that a client could send.
func randomRequest(r *rand.Rand, key, version int16, tags bool) (kmsg.Request, []byte) {
	req := kmsg.RequestForKey(key)
	req.SetVersion(version)
	(&filler{r: r, tags: tags, version: version}).fill(reflect.ValueOf(req).Elem())
	req.SetVersion(version) // a schema field may be called Version too
	return req, req.AppendTo(nil)
}

// shared calls fn for each key and version that has a schema here and a decoder
// in kmsg.
func shared(fn func(key, version int16)) {
	for key := range int16(len(schemas)) {
		r, ok := Versions(key)
		req := kmsg.RequestForKey(key)
		if !ok || req == nil {
			continue
		}
		for v := r.Min; v <= min(r.Max, req.MaxVersion()); v++ {
			fn(key, v)
		}
	}
}
