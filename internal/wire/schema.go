package wire

// Range is the versions of one API that have a schema: those of Kafka 4.4,
// unstable ones included. Versions from FlexibleFrom on have tagged fields and
// compact lengths.
type Range struct{ Min, Max, FlexibleFrom int16 }

// Flexible reports whether version uses the flexible encoding.
func (r Range) Flexible(version int16) bool { return version >= r.FlexibleFrom }

type schema struct {
	Range
	first uint16 // index in programIDs of version Min
}

// apiVersionsKey is special: its response header has no tags.
const apiVersionsKey = 18

// Versions returns the range of an API key, false for a key that Kafka does not
// have (any more).
func Versions(key int16) (Range, bool) {
	if key < 0 || int(key) >= len(schemas) || schemas[key].FlexibleFrom == 0 && schemas[key].Max == 0 && schemas[key].first == 0 {
		return Range{}, false
	}
	return schemas[key].Range, true
}

// program returns the shape of a body.
func program(key, version int16) (string, bool) {
	r, ok := Versions(key)
	if !ok || version < r.Min || version > r.Max {
		return "", false
	}
	return programs[programIDs[schemas[key].first+uint16(version-r.Min)]], true
}
