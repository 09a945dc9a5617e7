package conformance

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/milena-io/milena/internal/record"
)

// normal makes answers of two brokers comparable. What a broker may choose
// freely becomes a symbol by order of appearance, so that equality of two ids
// in one conversation still counts.
type normal struct {
	prefix  string // of the names this script made up
	base    int64  // the script's own timestamps are base, base+1000, …
	symbols map[string]string
	counts  map[string]int
	own     bool // drop array elements that are about other scripts' things
}

func newNormal(prefix string, base int64) *normal {
	return &normal{prefix: prefix, base: base, symbols: map[string]string{}, counts: map[string]int{}}
}

// symbol is the stand-in of a generated value.
func (n *normal) symbol(kind, raw string) string {
	key := kind + " " + raw
	if _, ok := n.symbols[key]; !ok {
		n.counts[kind]++
		n.symbols[key] = fmt.Sprintf("<%s %d>", kind, n.counts[kind])
	}
	return n.symbols[key]
}

var generatedID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

func (n *normal) text(s string) string {
	s = strings.ReplaceAll(s, n.prefix, "")
	return generatedID.ReplaceAllStringFunc(s, func(id string) string { return n.symbol("id", id) })
}

// render writes a response as one line: fields that differ from their default,
// structs in braces, arrays in brackets. Arrays of structs are sorted: Kafka
// keeps most of them in hash maps.
func (n *normal) render(v any) string {
	var b strings.Builder
	n.value(&b, "", reflect.ValueOf(v))
	return b.String()
}

func (n *normal) value(b *strings.Builder, field string, v reflect.Value) {
	if s, ok := n.special(field, v); ok {
		b.WriteString(s)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			b.WriteString("null")
			return
		}
		n.value(b, field, v.Elem())
	case reflect.Struct:
		n.structure(b, v)
	case reflect.Slice:
		n.array(b, field, v)
	case reflect.String:
		b.WriteString(strconv.Quote(n.text(v.String())))
	default:
		fmt.Fprint(b, v.Interface())
	}
}

func (n *normal) structure(b *strings.Builder, v reflect.Value) {
	fresh := reflect.New(v.Type())
	if d, ok := fresh.Interface().(interface{ Default() }); ok {
		d.Default()
	}
	b.WriteByte('{')
	sep := ""
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if name == "Version" || name == "ThrottleMillis" || name == "UnknownTags" || name != "ProducerID" && reflect.DeepEqual(v.Field(i).Interface(), fresh.Elem().Field(i).Interface()) {
			continue
		}
		if n.own && n.onlyForeign(v.Field(i)) {
			continue
		}
		b.WriteString(sep + name + ":")
		n.value(b, name, v.Field(i))
		sep = " "
	}
	b.WriteByte('}')
}

func (n *normal) array(b *strings.Builder, field string, v reflect.Value) {
	if v.IsNil() {
		b.WriteString("null")
		return
	}
	items := make([]string, 0, v.Len())
	for i := range v.Len() {
		if n.own && n.foreign(v.Index(i)) || milenaOwn(v.Index(i)) {
			continue
		}
		var item strings.Builder
		n.value(&item, field, v.Index(i))
		items = append(items, item.String())
	}
	if v.Type().Elem().Kind() == reflect.Struct {
		slices.Sort(items)
	}
	b.WriteString("[" + strings.Join(items, " ") + "]")
}

// milenaOwn reports whether an element is a setting that Kafka does not have.
func milenaOwn(v reflect.Value) bool {
	if v.Kind() != reflect.Struct {
		return false
	}
	f := v.FieldByName("Name")
	return f.IsValid() && f.Kind() == reflect.String && f.String() == "durability.mode"
}

// onlyForeign reports whether nothing of an array is this script's.
func (n *normal) onlyForeign(v reflect.Value) bool {
	if v.Kind() != reflect.Slice {
		return false
	}
	for i := range v.Len() {
		if !n.foreign(v.Index(i)) {
			return false
		}
	}
	return true
}

// foreign reports whether an element belongs to another script.
func (n *normal) foreign(v reflect.Value) bool {
	if v.Kind() != reflect.Struct {
		return false
	}
	for _, name := range []string{"Topic", "Group", "Name"} {
		f := v.FieldByName(name)
		if f.IsValid() && f.Kind() == reflect.Pointer && !f.IsNil() {
			f = f.Elem()
		}
		if f.IsValid() && f.Kind() == reflect.String {
			return !strings.HasPrefix(f.String(), n.prefix)
		}
	}
	return false
}

// special renders what a broker may choose freely, and what reads better.
func (n *normal) special(field string, v reflect.Value) (string, bool) {
	switch x := v.Interface().(type) {
	case int16:
		if strings.HasSuffix(field, "ErrorCode") {
			return errorName(x), true
		}
	case int64:
		return n.number(field, x)
	case int32:
		if field == "Port" || field == "SessionID" && x != 0 {
			return n.symbol(field, strconv.Itoa(int(x))), true
		}
	case [16]byte:
		return n.symbol("uuid", string(x[:])), true
	case *string:
		if x != nil {
			return n.chosen(field, *x)
		}
	case string:
		return n.chosen(field, x)
	case []byte:
		if x == nil {
			return "null", true
		}
		if field == "RecordBatches" || field == "Records" {
			return n.batches(x), true
		}
		return n.blob(x), true
	}
	return "", false
}

func (n *normal) chosen(field, s string) (string, bool) {
	switch field {
	case "ErrorMessage", "BatchIndexErrorMessage", "Documentation":
		if s != "" {
			return `"…"`, true
		}
	case "ClusterID", "Host", "Dir":
		return "<" + field + ">", true
	}
	return "", false
}

func (n *normal) number(field string, x int64) (string, bool) {
	switch {
	case field == "ProducerID" && x >= 0:
		return n.symbol("producer", strconv.FormatInt(x, 10)), true
	case strings.HasSuffix(field, "Bytes") && x > 0:
		return "<bytes>", true
	case x > 1_500_000_000_000 && x < 2_500_000_000_000:
		return n.time(x), true
	}
	return "", false
}

func (n *normal) time(ms int64) string {
	if d := ms - n.base; d >= 0 && d <= 3_000_000 && d%1000 == 0 {
		return fmt.Sprintf("t+%d", d/1000)
	}
	if d := time.Since(time.UnixMilli(ms)).Abs(); d < time.Minute {
		return "<now>"
	}
	return strconv.FormatInt(ms, 10)
}

func (n *normal) blob(p []byte) string {
	if bytes.ContainsFunc(p, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "0x" + hex.EncodeToString(p)
	}
	return strconv.Quote(n.text(string(p)))
}

func errorName(code int16) string {
	if code == 0 {
		return "NONE"
	}
	if e := kerr.TypedErrorForCode(code); e != nil {
		return e.Message
	}
	return strconv.Itoa(int(code))
}

// batches renders record batches with everything in them but their CRC, which
// must be right.
func (n *normal) batches(p []byte) string {
	var out []string
	for len(p) > 0 {
		b, rest, err := record.Split(p)
		if err != nil {
			out = append(out, fmt.Sprintf("%d loose bytes", len(p)))
			break
		}
		out = append(out, n.batch(b))
		p = rest
	}
	return "[" + strings.Join(out, " ") + "]"
}

func (n *normal) batch(b record.Batch) string {
	if err := b.CheckCRC(); err != nil {
		return "bad CRC"
	}
	var s strings.Builder
	fmt.Fprintf(&s, "batch{%d-%d epoch:%d attributes:%#x max:%s", b.BaseOffset(), b.LastOffset(), b.LeaderEpoch(), b.Attributes(), n.time(b.MaxTimestamp()))
	if b.HasProducerID() {
		fmt.Fprintf(&s, " producer:%s/%d seq:%d", n.symbol("producer", strconv.FormatInt(b.ProducerID(), 10)), b.ProducerEpoch(), b.BaseSequence())
	}
	for r, err := range b.Records(record.Limits{MaxDecompressedBytes: 10 << 20}) {
		if err != nil {
			fmt.Fprintf(&s, " %v", err)
			break
		}
		fmt.Fprintf(&s, " %d@%s %s=%s", r.Offset, n.time(r.Timestamp), n.nullable(r.Key), n.nullable(r.Value))
		for _, h := range r.Headers {
			fmt.Fprintf(&s, " %s:%s", h.Key, n.nullable(h.Value))
		}
	}
	return s.String() + "}"
}

func (n *normal) nullable(p []byte) string {
	if p == nil {
		return "null"
	}
	if len(p) > 64 {
		return fmt.Sprintf("%d bytes", len(p))
	}
	return n.blob(p)
}
