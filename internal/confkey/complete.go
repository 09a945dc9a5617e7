package confkey

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Complete checks what no single broker key can, and gives node.id the number of
// broker.id, the old name, where only that is set.
func Complete(v Values) (Values, error) {
	v, err := identify(v)
	if err != nil {
		return v, err
	}
	return v, errors.Join(CheckListeners(v), CheckConnections(v))
}

func identify(v Values) (Values, error) {
	old := v.Int("broker.id")
	_, set := v.Raw("node.id")
	switch {
	case old < 0:
		return v, nil
	case set && v.Int("node.id") != old:
		return v, fmt.Errorf("broker.id is %d but node.id is %d: they name the same thing, remove broker.id", old, v.Int("node.id"))
	}
	v, errs := v.With(map[string]string{"node.id": strconv.Itoa(old)})
	return v, errors.Join(errs...)
}

// CheckConnections checks what no single key about connections can: that somebody
// may connect. Nobody could undo it otherwise.
func CheckConnections(v Values) error {
	letsIn := func(pair string) bool { _, n, err := ParseIPOverride(pair); return err == nil && n > 0 }
	if v.Int("max.connections.per.ip") == 0 && !slices.ContainsFunc(v.List("max.connections.per.ip.overrides"), letsIn) {
		return &InvalidError{
			Key: "max.connections.per.ip", Value: "0",
			Reason: "Nobody could connect; 0 needs max.connections.per.ip.overrides to let somebody in",
		}
	}
	return nil
}
