package checkpoint

import (
	"fmt"
	"strings"

	"github.com/milena-io/milena/internal/base"
	"github.com/milena-io/milena/internal/vfs"
)

// MetaFile identifies a log directory.
const MetaFile = "meta.properties"

// maxMetaLine bounds one property; cluster ids are at most 249 characters.
const maxMetaLine = 1024

// Meta is the identity of one log directory. A directory that names another
// cluster or node must not be opened.
type Meta struct {
	ClusterID   string
	NodeID      base.NodeID
	DirectoryID base.UUID // zero: written by a broker that had no directory ids
}

// ParseMeta reads a meta.properties file, version 1.
func ParseMeta(data []byte) (Meta, error) {
	props, err := parseProperties(string(data))
	if err != nil {
		return Meta{}, err
	}
	if v := props["version"]; v != "1" {
		return Meta{}, bad(0, "version %s, want 1", clip([]byte(v)))
	}
	m := Meta{ClusterID: props["cluster.id"]}
	if m.ClusterID == "" {
		return Meta{}, bad(0, "no cluster.id")
	}
	node, err := ParseNumber(props["node.id"], 32)
	if err != nil {
		return Meta{}, bad(0, "node.id: %v", err)
	}
	m.NodeID = base.NodeID(node)
	if text, ok := props["directory.id"]; ok {
		if m.DirectoryID, err = base.ParseUUID(text); err != nil {
			return Meta{}, bad(0, "directory.id %s", clip([]byte(text)))
		}
	}
	return m, nil
}

// parseProperties reads the subset of Java's properties format that Kafka's
// tools and people's hands produce: comments, blank lines, key=value or
// key: value, and backslash escapes of single characters.
func parseProperties(s string) (map[string]string, error) {
	props := map[string]string{}
	n := 0
	for line := range strings.Lines(s) {
		n++
		line = strings.Trim(line, " \t\r\n\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		if len(line) > maxMetaLine {
			return nil, bad(n, "line of %d bytes", len(line))
		}
		key, value, err := splitProperty(line)
		if err != nil {
			return nil, bad(n, "%v", err)
		}
		if _, dup := props[key]; dup {
			return nil, bad(n, "%s occurs twice", clip([]byte(key)))
		}
		props[key] = value
	}
	return props, nil
}

func splitProperty(line string) (key, value string, err error) {
	var b strings.Builder
	found := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\':
			if i++; i == len(line) || strings.IndexByte("untrf", line[i]) >= 0 {
				return "", "", fmt.Errorf("unsupported escape")
			}
			b.WriteByte(line[i])
		case !found && (c == '=' || c == ':'):
			found, key = true, strings.TrimRight(b.String(), " \t\f")
			b.Reset()
			i += len(line[i+1:]) - len(strings.TrimLeft(line[i+1:], " \t\f"))
		default:
			b.WriteByte(c)
		}
	}
	if !found || key == "" {
		return "", "", fmt.Errorf("no key=value in %s", clip([]byte(line)))
	}
	return key, b.String(), nil
}

// Encode writes m as Kafka's tools do: keys sorted, ':' and '=' escaped.
func (m Meta) Encode() []byte {
	esc := strings.NewReplacer(`\`, `\\`, ":", `\:`, "=", `\=`, "#", `\#`, "!", `\!`)
	var b strings.Builder
	fmt.Fprintf(&b, "cluster.id=%s\n", esc.Replace(m.ClusterID))
	if m.DirectoryID != (base.UUID{}) {
		fmt.Fprintf(&b, "directory.id=%s\n", m.DirectoryID)
	}
	fmt.Fprintf(&b, "node.id=%d\nversion=1\n", m.NodeID)
	return []byte(b.String())
}

// ReadMeta parses the named meta.properties file.
func ReadMeta(fs vfs.FS, name string) (Meta, error) {
	data, err := vfs.ReadFile(fs, name)
	if err != nil {
		return Meta{}, err
	}
	m, err := ParseMeta(data)
	if err != nil {
		return Meta{}, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// WriteMeta replaces the named file atomically and durably.
func WriteMeta(fs vfs.FS, name string, m Meta) error {
	return vfs.WriteFileAtomic(fs, name, m.Encode())
}
