package wire

import (
	"encoding/binary"
	"math"
)

// A program describes a body field by field. Numbers are unsigned varints.
//
//	opFixed n                       n bytes of fixed size
//	opString, opBytes + flags       a length and that many bytes
//	opArray + flags min len body    a count and that many times the body, which
//	                                takes at least min bytes
//	opNullableStruct len body       a presence byte and, unless it is -1, the body
//	opTags n {tag len body}         tagged fields, with the bodies of known tags;
//	                                an empty body is a tag of other versions
//
// gen/SchemaGen.java writes programs and repeats these numbers.
const (
	opFixed          = 1
	opString         = 2
	opBytes          = 6
	opArray          = 10
	opNullableStruct = 14
	opTags           = 15

	flagNullable = 1
	flagCompact  = 2
)

// MaxString is Kafka's limit in bytes for strings of either encoding. The codec
// does not check what it writes: of a longer string in the old encoding the length
// is cut to its lower half, and the message becomes unreadable.
const MaxString = math.MaxInt16

// Shape is what a body amounts to, for accounting.
type Shape struct {
	Elements    int // array elements of all depths
	UnknownTags int
	Trailing    int // bytes after the body, which Kafka ignores
}

// CheckBody walks the body of a request and returns nil if it is complete and
// within lim: then a decoder reads it without running out of bytes and
// allocates in proportion to Shape and len(body). The error is ErrUnsupported
// or a *MalformedError, which matches ErrLimit if only a limit is exceeded.
// Nothing is allocated unless there is an error.
func CheckBody(key, version int16, body []byte, lim Limits) error {
	_, err := Measure(key, version, body, lim)
	return err
}

// Measure is CheckBody that also tells what it has counted.
func Measure(key, version int16, body []byte, lim Limits) (Shape, error) {
	prog, ok := program(key, version)
	if !ok {
		return Shape{}, ErrUnsupported
	}
	lim = lim.withDefaults()
	w := walker{p: body, maxElements: lim.MaxElements, maxTags: lim.MaxUnknownTags}
	w.run(prog)
	if w.fault != nil {
		return Shape{}, &MalformedError{
			Key: key, Version: version, Offset: len(body) - len(w.p),
			Reason: w.fault.reason, limit: w.fault.limit,
		}
	}
	w.shape.Trailing = len(w.p)
	return w.shape, nil
}

// fault is why a walk stopped; the values are package variables so that the
// walker itself allocates nothing.
type fault struct {
	reason string
	limit  bool
}

var (
	faultShort    = &fault{reason: "cut off"}
	faultNull     = &fault{reason: "null for a field that can't be"}
	faultLength   = &fault{reason: "length is out of bounds"}
	faultPresence = &fault{reason: "presence byte is neither null nor present"}
	faultVarint   = &fault{reason: "varint is too long"}
	faultArray    = &fault{reason: "array has more elements than bytes for them"}
	faultTagCount = &fault{reason: "more tagged fields than bytes for them"}
	faultTagOther = &fault{reason: "tagged field is not valid for the version"}
	faultTagSize  = &fault{reason: "tagged field does not fill its size"}
	faultElements = &fault{reason: "too many array elements", limit: true}
	faultTags     = &fault{reason: "too many unknown tagged fields", limit: true}
)

// walker consumes p along a program. After a fault p stays where it happened.
type walker struct {
	p           []byte
	fault       *fault
	shape       Shape
	maxElements int
	maxTags     int
}

// run executes prog once. Depth is bounded by the nesting of the schemas.
func (w *walker) run(prog string) {
	for len(prog) > 0 && w.fault == nil {
		op := prog[0]
		prog = prog[1:]
		switch {
		case op == opFixed:
			var n int
			n, prog = number(prog)
			w.skip(n)
		case op < opBytes:
			w.sized(op-opString, 2, MaxString)
		case op < opArray:
			w.sized(op-opBytes, 4, math.MaxInt32)
		case op < opNullableStruct:
			var minSize int
			var body string
			minSize, prog = number(prog)
			body, prog = block(prog)
			w.array(op-opArray, minSize, body)
		case op == opNullableStruct:
			var body string
			body, prog = block(prog)
			w.nullable(body)
		default:
			prog = w.tags(prog)
		}
	}
}

// number reads from a program, which is known to be well-formed.
func number(prog string) (int, string) {
	n := 0
	for i := 0; ; i++ {
		n |= int(prog[i]&0x7f) << (7 * i)
		if prog[i] < 0x80 {
			return n, prog[i+1:]
		}
	}
}

func block(prog string) (body, rest string) {
	n, prog := number(prog)
	return prog[:n], prog[n:]
}

func (w *walker) fail(f *fault) {
	if w.fault == nil {
		w.fault = f
	}
}

func (w *walker) skip(n int) {
	if n > len(w.p) {
		w.fail(faultShort)
		return
	}
	w.p = w.p[n:]
}

// nullable walks a structure behind a presence byte. Readers disagree about
// negative values other than -1, so those are refused.
func (w *walker) nullable(body string) {
	if len(w.p) == 0 {
		w.fail(faultShort)
		return
	}
	present := int8(w.p[0])
	if present < -1 {
		w.fail(faultPresence)
		return
	}
	w.p = w.p[1:]
	if present >= 0 {
		w.run(body)
	}
}

func (w *walker) uvarint() uint32 {
	var u uint64
	for i := 0; i < 5; i++ {
		if i >= len(w.p) {
			w.fail(faultShort)
			return 0
		}
		c := w.p[i]
		u |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if u > math.MaxUint32 {
				break
			}
			w.p = w.p[i+1:]
			return uint32(u)
		}
	}
	w.fail(faultVarint)
	return 0
}

// length reads a length or count: compact ones are a varint of length+1, the
// others an integer of width bytes. Null is -1, and so is the result of a fault.
func (w *walker) length(flags byte, width int) int {
	n := -1
	switch {
	case flags&flagCompact != 0:
		n = int(w.uvarint()) - 1
	case len(w.p) < width:
		w.fail(faultShort)
	case width == 2:
		n = int(int16(binary.BigEndian.Uint16(w.p)))
		w.p = w.p[2:]
	default:
		n = int(int32(binary.BigEndian.Uint32(w.p)))
		w.p = w.p[4:]
	}
	switch {
	case w.fault != nil:
		return -1
	case n < -1:
		w.fail(faultLength)
		return -1
	case n == -1 && flags&flagNullable == 0:
		w.fail(faultNull)
	}
	return n
}

func (w *walker) sized(flags byte, width, limit int) {
	switch n := w.length(flags, width); {
	case n > limit:
		w.fail(faultLength)
	case n > 0:
		w.skip(n)
	}
}

func (w *walker) array(flags byte, minSize int, body string) {
	n := w.length(flags, 4)
	if n <= 0 {
		return
	}
	if n > len(w.p)/minSize {
		w.fail(faultArray)
		return
	}
	if w.shape.Elements += n; w.shape.Elements > w.maxElements {
		w.fail(faultElements)
		return
	}
	if body[0] == opFixed {
		if size, rest := number(body[1:]); rest == "" {
			w.skip(n * size)
			return
		}
	}
	for ; n > 0 && w.fault == nil; n-- {
		w.run(body)
	}
}

// tags returns the program after the tag table.
func (w *walker) tags(prog string) string {
	known, prog := number(prog)
	table := prog
	for range known {
		_, prog = number(prog)
		_, prog = block(prog)
	}
	n := w.uvarint()
	if uint64(n) > uint64(len(w.p)/2) { // a tag and a size each
		w.fail(faultTagCount)
		return prog
	}
	for ; n > 0 && w.fault == nil; n-- {
		w.tag(known, table)
	}
	return prog
}

func (w *walker) tag(known int, table string) {
	tag, size := w.uvarint(), w.uvarint()
	if w.fault != nil {
		return
	}
	if uint64(size) > uint64(len(w.p)) {
		w.fail(faultTagSize)
		return
	}
	for range known {
		var id int
		var body string
		id, table = number(table)
		body, table = block(table)
		if uint32(id) == tag {
			w.knownTag(int(size), body)
			return
		}
	}
	if w.shape.UnknownTags++; w.shape.UnknownTags > w.maxTags {
		w.fail(faultTags)
		return
	}
	w.skip(int(size))
}

// knownTag walks a tagged field inside its declared size, which it must fill.
func (w *walker) knownTag(size int, body string) {
	if body == "" {
		w.fail(faultTagOther)
		return
	}
	after := w.p[size:]
	w.p = w.p[:size]
	w.run(body)
	if w.fault == nil && len(w.p) != 0 {
		w.fail(faultTagSize)
	}
	if w.fault == nil {
		w.p = after
	}
}
