package api

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// codesIn finds error codes the slow way: it looks at every field.
func codesIn(v reflect.Value) (codes []int16) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return codesIn(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			codes = append(codes, codesIn(v.Index(i))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Name == "ErrorCode" {
				if code := v.Field(i).Int(); code != 0 {
					codes = append(codes, int16(code))
				}
			} else if f.IsExported() {
				codes = append(codes, codesIn(v.Field(i))...)
			}
		}
	}
	return codes
}

// Every code that goes out is counted, and nothing else, whoever made the
// answer.
func TestErrorsThatAreAnsweredAreCounted(t *testing.T) {
	total := 0
	for _, e := range table {
		for _, denied := range []bool{false, true} {
			b := newBroker(t)
			for _, p := range e.ACL {
				b.deny[fmt.Sprintf("%s %s", p.Operation, p.Resource)] = denied
			}
			var counted []int16
			b.api.cfg.Errors = func(key, code int16) {
				if key != e.Key {
					t.Errorf("%s counted for key %d", e.Name, key)
				}
				counted = append(counted, code)
			}
			resp := ask[kmsg.Response](t, b, e.Max, sample(e.Key))
			sent := codesIn(reflect.ValueOf(resp))
			slices.Sort(sent)
			slices.Sort(counted)
			if !slices.Equal(sent, counted) {
				t.Errorf("%s: sent %v, counted %v", e.Name, sent, counted)
			}
			total += len(sent)
		}
	}
	if total < len(table) {
		t.Errorf("only %d errors in all: the requests are too good", total)
	}
}

func BenchmarkCountErrors(b *testing.B) {
	resp := kmsg.NewPtrMetadataResponse()
	resp.Topics = slices.Repeat([]kmsg.MetadataResponseTopic{{Partitions: make([]kmsg.MetadataResponseTopicPartition, 10)}}, 100)
	a := &API{cfg: Config{Errors: func(int16, int16) { b.Error("an error") }}}
	b.ReportAllocs()
	for b.Loop() {
		a.countErrors(resp)
	}
}
