package api

import (
	"context"
	"runtime/metrics"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What one request may allocate, as a multiple of its size and on top of that:
// an array element of one or two bytes becomes an answer with a dozen fields,
// and wire.Limits bounds how many there can be.
const (
	allocFactor = 1024
	allocFree   = 4 << 20
)

// FuzzHandle feeds any bytes to any key and version. Nothing may panic, wait
// after its context ended, allocate out of proportion, or answer in a form that
// a client of that version can't read.
func FuzzHandle(f *testing.F) {
	for _, e := range table {
		for v := e.Min; v <= e.Max; v++ {
			req := sample(e.Key)
			req.SetVersion(v)
			f.Add(e.Key, v, req.AppendTo(nil))
		}
	}
	f.Add(int16(18), int16(99), []byte{})
	f.Add(int16(7), int16(0), []byte("unknown key"))
	f.Fuzz(func(t *testing.T, key, version int16, body []byte) {
		b := newBroker(t)
		b.topic("t", 1, 2)
		before := allocated()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := b.api.Handle(ctx, &Request{Key: key, Version: version, Conn: b.conn, Body: body, Size: len(body)})
		if r.Wait != nil {
			r.Now = r.Wait(ctx)
			r.Close = r.Now == nil
		}
		if r.Now != nil {
			readable(t, key, version, encoded(t, r.Now))
		}
		if used := allocated() - before; used > uint64(len(body)*allocFactor+allocFree) {
			t.Errorf("%d bytes of key %d v%d allocated %d", len(body), key, version, used)
		}
		if set := b2i(r.Now != nil) + b2i(r.None) + b2i(r.Close); set != 1 {
			t.Errorf("key %d v%d: reply %+v", key, version, r)
		}
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func readable(t *testing.T, key, version int16, body []byte) {
	e := lookup(key)
	if e == nil {
		t.Fatalf("key %d was answered", key)
	}
	if key == keyAPIVersions && (version < e.Min || version > e.Max) {
		version = 0
	}
	resp := kmsg.ResponseForKey(key)
	resp.SetVersion(version)
	if err := resp.ReadFrom(body); err != nil {
		t.Fatalf("key %d v%d: %v in %x", key, version, err, body)
	}
}
