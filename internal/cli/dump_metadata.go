package cli

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/metapb"
)

// dumpField is one value under its name.
type dumpField struct {
	name  string
	value any
}

// document is the JSON form of something and its fields.
func document(kind string, fields []dumpField) map[string]any {
	doc := map[string]any{}
	if kind != "" {
		doc["kind"] = kind
	}
	for _, f := range fields {
		doc[f.name] = plain(f.value)
	}
	return doc
}

// plain turns nested fields into what JSON knows.
func plain(v any) any {
	switch v := v.(type) {
	case []dumpField:
		return document("", v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	}
	return v
}

// line is the text form of something and its fields.
func line(kind string, fields []dumpField) string {
	return strings.TrimSpace(kind + " " + words(fields))
}

func words(fields []dumpField) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.name + ": " + word(f.value)
	}
	return strings.Join(out, " ")
}

// word is a value in a line. A text that would not stand out as one is quoted.
func word(v any) string {
	switch v := v.(type) {
	case []dumpField:
		return "{" + words(v) + "}"
	case []any:
		out := make([]string, len(v))
		for i := range v {
			out[i] = word(v[i])
		}
		return "[" + strings.Join(out, " ") + "]"
	case string:
		if q := strconv.Quote(v); v == "" || q != `"`+v+`"` || strings.ContainsAny(v, " {}[]") {
			return q
		}
		return v
	}
	return fmt.Sprint(v)
}

// metadataRecord is a decoded metadata record.
type metadataRecord struct {
	kind   string
	fields []dumpField
}

func (r metadataRecord) document() map[string]any { return document(r.kind, r.fields) }

func (r metadataRecord) String() string { return line(r.kind, r.fields) }

// describeRecord shows a record by its schema, so that a new kind needs no code
// here. One of a kind that only later versions know has a size only.
func describeRecord(r *metapb.Record) metadataRecord {
	m := r.ProtoReflect()
	set := m.WhichOneof(m.Descriptor().Oneofs().ByName("kind"))
	if set == nil {
		return metadataRecord{"unknown", []dumpField{{"size", len(m.GetUnknown())}}}
	}
	return metadataRecord{set.JSONName(), messageFields(m.Get(set).Message())}
}

// messageFields lists all fields of a message but the absent ones: a zero, such
// as the leader 0, must show.
func messageFields(m protoreflect.Message) []dumpField {
	out := []dumpField{}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.HasPresence() && !m.Has(f) {
			continue
		}
		out = append(out, dumpField{f.JSONName(), fieldValue(f, m.Get(f))})
	}
	return out
}

func fieldValue(f protoreflect.FieldDescriptor, v protoreflect.Value) any {
	if !f.IsList() {
		return scalar(v)
	}
	out := []any{}
	for i := range v.List().Len() {
		out = append(out, scalar(v.List().Get(i)))
	}
	return out
}

// scalar is one value of a field. All bytes in the schema are ids.
func scalar(v protoreflect.Value) any {
	switch v := v.Interface().(type) {
	case protoreflect.Message:
		return messageFields(v)
	case []byte:
		if len(v) == len(base.UUID{}) {
			return base.UUID(v).String()
		}
		return v
	default:
		return v
	}
}
