package wire

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func FuzzCheckBody(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, kv := range [][2]int16{{0, 3}, {0, 12}, {1, 4}, {1, 18}, {3, 12}, {11, 9}, {19, 7}, {44, 1}, {68, 1}, {75, 0}, {78, 2}} {
		_, body := randomRequest(r, kv[0], kv[1], true)
		f.Add(kv[0], kv[1], body)
	}
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		if req := kmsg.RequestForKey(key); req == nil || version > req.MaxVersion() {
			return
		}
		mustDecodeIfChecked(t, key, version, body)
	})
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte{0, 3, 0, 9, 0, 0, 0, 1, 0, 1, 'x', 1, 5, 1, 0})
	f.Add([]byte{0, 18, 0, 99, 0, 0, 0, 1, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, body, err := ParseHeader(frame, Limits{})
		if err == nil && len(body) > len(frame)-10 {
			t.Fatalf("%+v leaves %d of %d bytes", h, len(body), len(frame))
		}
	})
}

// What a decoder allocates for one array element is bounded by the largest
// element type, so a checked request costs at most MaxElements times that.
func TestElementsAreSmallInMemory(t *testing.T) {
	const bound = 320
	for key := range int16(len(schemas)) {
		if req := kmsg.RequestForKey(key); req != nil {
			if n, at := largestElement(reflect.TypeOf(req).Elem()); n > bound {
				t.Errorf("%s has elements of %d bytes: %s", kmsg.NameForKey(key), n, at)
			}
		}
	}
}

func largestElement(t reflect.Type) (size uintptr, name string) {
	take := func(n uintptr, at string) {
		if n > size {
			size, name = n, at
		}
	}
	switch t.Kind() {
	case reflect.Slice:
		take(t.Elem().Size(), t.Elem().String())
		take(largestElement(t.Elem()))
	case reflect.Pointer:
		take(largestElement(t.Elem()))
	case reflect.Struct:
		for i := range t.NumField() {
			take(largestElement(t.Field(i).Type))
		}
	}
	return size, name
}

// The worst request that passes with default limits: a million one-byte array
// elements become structures.
func TestWorstCaseAllocation(t *testing.T) {
	body := AppendArrayLen(nil, true, DefaultMaxElements)
	for range DefaultMaxElements { // Metadata v12 topic: id, null name, no tags
		body = append(append(body, make([]byte, 16)...), 0, 0)
	}
	body = append(body, 0, 0, 0)
	if err := CheckBody(3, 12, body, Limits{}); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 12
	if err := req.UnsafeReadFrom(body); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 320*DefaultMaxElements {
		t.Errorf("decoding allocated %d MiB", got>>20)
	}
	runtime.KeepAlive(req)
}
