package api

import (
	"reflect"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// codePlan tells where a message has error codes, so that looking for them is
// a walk over those places only.
type codePlan struct {
	codes []int // fields that are codes
	below []codeField
}

// codeField is a structure, a pointer to one, or a slice of them.
type codeField struct {
	index int
	plan  *codePlan
}

// codePlans are made when the first answer to a key is counted. To make them
// for all keys beforehand would take a table of all of Kafka's messages, which
// would bring the code for reading and writing them into the program.
var codePlans [maxKey + 1]atomic.Pointer[codePlan]

// codePlanOf returns nil for an answer that has no codes.
func codePlanOf(resp kmsg.Response) *codePlan {
	known := &codePlans[resp.Key()]
	if p := known.Load(); p != nil {
		return p
	}
	p := planCodes(reflect.TypeOf(resp).Elem())
	known.Store(p) // others may do the same meanwhile
	return p
}

// planCodes is nil for a type without codes.
func planCodes(t reflect.Type) *codePlan {
	var p codePlan
	for i := range t.NumField() {
		f := t.Field(i)
		inner := f.Type
		if inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case f.Name == "ErrorCode" && f.Type.Kind() == reflect.Int16:
			p.codes = append(p.codes, i)
		case f.IsExported() && inner.Kind() == reflect.Struct:
			if below := planCodes(inner); below != nil {
				p.below = append(p.below, codeField{i, below})
			}
		}
	}
	if p.codes == nil && p.below == nil {
		return nil
	}
	return &p
}

// each calls found with every code in v that is not 0.
func (p *codePlan) each(v reflect.Value, found func(code int16)) {
	for _, i := range p.codes {
		if code := v.Field(i).Int(); code != 0 {
			found(int16(code))
		}
	}
	for _, b := range p.below {
		switch f := v.Field(b.index); f.Kind() {
		case reflect.Slice:
			for i := range f.Len() {
				b.plan.each(f.Index(i), found)
			}
		case reflect.Pointer:
			if !f.IsNil() {
				b.plan.each(f.Elem(), found)
			}
		default:
			b.plan.each(f, found)
		}
	}
}

// countErrors reports the error codes of an answer.
func (a *API) countErrors(resp kmsg.Response) {
	if a.cfg.Errors == nil {
		return
	}
	if p := codePlanOf(resp); p != nil {
		p.each(reflect.ValueOf(resp).Elem(), func(code int16) { a.cfg.Errors(resp.Key(), code) })
	}
}

// countError reports one error of an answer that is not made of kmsg's types.
func (a *API) countError(key int16, err *kerr.Error) {
	if err != nil && a.cfg.Errors != nil {
		a.cfg.Errors(key, err.Code)
	}
}
