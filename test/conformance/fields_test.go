package conformance

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A field table asks one good request with each of its fields set to each of
// the values at the bounds of its type, one at a time: what no field of a table
// written by hand forgets. Fields that a version does not have are left out,
// because the request's bytes stay the same.

// mutation is one change of one field of a request.
type mutation struct {
	name   string
	apply  func(request reflect.Value)
	unlike func(request reflect.Value) // another one, which may be the same in bytes
}

// fieldTable is where mutations of one API start from.
type fieldTable struct {
	name string
	key  kmsg.Key
	from int16
	base func(f *fixture) kmsg.Request // made anew for every mutation
	skip []string                      // mutations left out, by the beginning of their names
	vain []string                      // those that Kafka does not answer
	mine bool                          // the answers list what other scripts made, too
}

// fixture is what the requests of one table are about.
type fixture struct {
	s      *script
	t      topic
	topics [2]topic // of the request at hand
	m      member   // likewise
	count  int
}

// next is a name that was not used before.
func (f *fixture) next(kind string) string {
	f.count++
	return f.s.name(fmt.Sprintf("%s%d", kind, f.count))
}

// fieldScenarios makes a scenario of every table.
func fieldScenarios() []scenario {
	var all []scenario
	for _, table := range fieldTables {
		all = append(all, scenario{name: "fields of " + table.name, key: table.key, from: table.from, run: table.play})
	}
	return all
}

func (table fieldTable) play(s *script) {
	f := &fixture{s: s, t: s.topic("t", 2)}
	s.fill(f.t, 0, "a", "b", "c")
	s.fill(f.t, 1, "d")
	ask := s.ask
	if table.mine {
		ask = s.mine
	}
	good := table.base(f)
	ask("good", good)
	var req kmsg.Request
	for _, m := range mutations(reflect.ValueOf(good).Elem(), s.name("missing")) {
		if among(table.skip, m.name) {
			continue
		}
		if req == nil {
			req = table.base(f)
		}
		changed, asGood := s.shows(req, m)
		if !changed {
			if !asGood {
				req = nil
			}
			continue
		}
		s.norm = newNormal(s.norm.prefix, s.norm.base) // symbols count from one in every answer
		s.main.hang = among(table.vain, m.name)
		ask(m.name, req)
		s.main.hang, req = false, nil
	}
}

// among reports whether a mutation's name begins like one of the list.
func among(list []string, name string) bool {
	return slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(name, p) })
}

// shows applies a mutation and reports whether that changes the request's bytes
// and, if not, whether the request can serve another one.
func (s *script) shows(req kmsg.Request, m mutation) (changed, asGood bool) {
	s.prepare(req)
	v := reflect.ValueOf(req).Elem()
	good := req.AppendTo(nil)
	if m.unlike != nil {
		m.unlike(v)
	}
	before := req.AppendTo(nil)
	m.apply(v)
	after := req.AppendTo(nil)
	return !bytes.Equal(before, after), bytes.Equal(good, after)
}

// collector lists the changes of all fields of a request.
type collector struct {
	all     []mutation
	unknown string // a name of nothing
}

func mutations(v reflect.Value, unknown string) []mutation {
	c := &collector{unknown: unknown}
	c.collect("", v, func(root reflect.Value) reflect.Value { return root })
	return c.all
}

func (c *collector) add(name string, apply func(root reflect.Value)) {
	c.all = append(c.all, mutation{name: name, apply: apply})
}

// collect adds the mutations of the value that get finds in a request.
func (c *collector) collect(path string, v reflect.Value, get func(reflect.Value) reflect.Value) {
	set := func(name string, x any) {
		c.add(path+"="+name, func(root reflect.Value) {
			field := get(root)
			field.Set(reflect.ValueOf(x).Convert(field.Type()))
		})
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if name == "Version" || name == "UnknownTags" {
				continue
			}
			c.collect(strings.TrimPrefix(path+"."+name, "."), v.Field(i), func(root reflect.Value) reflect.Value { return get(root).Field(i) })
		}
	case reflect.Slice:
		c.collectSlice(path, v, get)
	case reflect.Pointer:
		c.collectPointer(path, v, get)
	case reflect.Array:
		set("zero", [16]byte{})
		set("unknown", unknownID)
	case reflect.String:
		for name, x := range inOrder(map[string]string{ // other scripts must not meet them
			"empty": "", "dots": "..", "slash": c.unknown + "/b", "250": c.unknown + strings.Repeat("x", 250-len(c.unknown)), "unknown": c.unknown, "unicode": c.unknown + "ü",
		}) {
			set(name, x)
		}
	case reflect.Bool:
		set(fmt.Sprint(!v.Bool()), !v.Bool())
	case reflect.Float64:
		set("NaN", math.NaN())
		set("-1", -1.0)
	default:
		for _, x := range integerBounds(v) {
			set(fmt.Sprint(x), x)
		}
	}
}

// integerBounds are the values around which things change.
func integerBounds(v reflect.Value) []int64 {
	high := int64(math.MaxInt64) >> (64 - v.Type().Bits())
	var out []int64
	for _, x := range []int64{-high - 1, -2, -1, 0, 1, 2, high} {
		if x != v.Int() {
			out = append(out, x)
		}
	}
	return out
}

func (c *collector) collectSlice(path string, v reflect.Value, get func(reflect.Value) reflect.Value) {
	change := func(name string, f func(field reflect.Value)) {
		c.add(path+"="+name, func(root reflect.Value) { f(get(root)) })
	}
	change("null", func(field reflect.Value) { field.SetZero() })
	change("none", func(field reflect.Value) { field.Set(reflect.MakeSlice(field.Type(), 0, 0)) })
	c.all[len(c.all)-1].unlike = c.all[len(c.all)-2].apply // only some arrays can be null
	if v.Type().Elem().Kind() == reflect.Uint8 {
		change("garbage", func(field reflect.Value) { field.SetBytes([]byte{0xff, 0x00, 0xc3, 0x28}) })
		return
	}
	if v.Len() == 0 {
		return
	}
	first := func(root reflect.Value) reflect.Value {
		field := get(root)
		if field.Len() == 0 { // an earlier mutation, which this version does not show
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		}
		return field.Index(0)
	}
	c.add(path+"=twice", func(root reflect.Value) {
		one := first(root)
		field := get(root)
		field.Set(reflect.Append(field, one))
	})
	c.collect(path, v.Index(0), first)
}

func (c *collector) collectPointer(path string, v reflect.Value, get func(reflect.Value) reflect.Value) {
	c.add(path+"=null", func(root reflect.Value) { get(root).SetZero() })
	made := reflect.New(v.Type().Elem()) // what the pointer leads to, even if it is nil in the good request
	if d, ok := made.Interface().(interface{ Default() }); ok {
		d.Default()
	}
	c.collect(path, made.Elem(), func(root reflect.Value) reflect.Value {
		p := get(root)
		fresh := reflect.New(p.Type().Elem())
		if d, ok := fresh.Interface().(interface{ Default() }); ok {
			d.Default()
		}
		if !p.IsNil() {
			fresh.Elem().Set(p.Elem())
		}
		p.Set(fresh)
		return fresh.Elem()
	})
}
