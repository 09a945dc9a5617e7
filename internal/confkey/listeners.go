package confkey

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Listener is one parsed element of listeners or advertised.listeners.
type Listener struct {
	Name string // upper case
	Host string // "" is every interface
	Port int
}

// Addr is the listener's host:port.
func (l Listener) Addr() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// ParseListeners parses NAME://host:port elements. Names must differ.
func ParseListeners(value string) ([]Listener, error) {
	var out []Listener
	for _, s := range splitList(value) {
		name, addr, ok := strings.Cut(s, "://")
		host, port, err := net.SplitHostPort(addr)
		n, perr := strconv.ParseUint(port, 10, 16)
		if !ok || name == "" || err != nil || perr != nil {
			return nil, fmt.Errorf("listener %q must have the form NAME://host:port", s)
		}
		l := Listener{Name: strings.ToUpper(name), Host: host, Port: int(n)}
		if slices.ContainsFunc(out, func(o Listener) bool { return o.Name == l.Name }) {
			return nil, fmt.Errorf("listener name %s is used twice", l.Name)
		}
		out = append(out, l)
	}
	return out, nil
}

// ClientListeners are the listeners to open: listeners without those that
// controller.listener.names reserves for controllers.
func ClientListeners(v Values) []Listener {
	all, _ := ParseListeners(v.String("listeners"))
	reserved := v.List("controller.listener.names")
	return slices.DeleteFunc(all, func(l Listener) bool { return containsFold(reserved, l.Name) })
}

// AdvertisedListeners are the addresses to tell clients where they were set
// explicitly, without those reserved for controllers; nil when not set.
func AdvertisedListeners(v Values) []Listener {
	all, _ := ParseListeners(v.String("advertised.listeners"))
	reserved := v.List("controller.listener.names")
	return slices.DeleteFunc(all, func(l Listener) bool { return containsFold(reserved, l.Name) })
}

// CheckListeners checks what no single listener key can: that something is left
// to listen on, that other keys name listeners that exist, and that every
// listener's security protocol exists in this version.
func CheckListeners(v Values) error {
	open := ClientListeners(v)
	if len(open) == 0 {
		return fmt.Errorf("listeners: every listener is reserved by controller.listener.names, clients could not connect")
	}
	known := func(name string) bool {
		return slices.ContainsFunc(open, func(l Listener) bool { return strings.EqualFold(l.Name, name) })
	}
	for _, l := range AdvertisedListeners(v) {
		if !known(l.Name) {
			return fmt.Errorf("advertised.listeners: %s is not among listeners", l.Name)
		}
		if l.Host == "" || l.Host == "0.0.0.0" || l.Host == "::" {
			return fmt.Errorf("advertised.listeners: %s needs the host name or address that clients connect to", l.Name)
		}
	}
	if name := v.String("inter.broker.listener.name"); name != "" && !known(name) {
		return fmt.Errorf("inter.broker.listener.name: %s is not among listeners", name)
	}
	for _, l := range open {
		if err := checkProtocol(v, l.Name); err != nil {
			return err
		}
	}
	return nil
}

// checkProtocol looks the listener up in the protocol map, whose own rule has
// already refused other protocols for names other than their own.
func checkProtocol(v Values, name string) error {
	for _, pair := range v.List("listener.security.protocol.map") {
		if listener, protocol, _ := strings.Cut(pair, ":"); strings.EqualFold(listener, name) {
			if protocol != "PLAINTEXT" {
				return fmt.Errorf("listeners: %s is a listener with %s; %s", name, protocol, noTLS)
			}
			return nil
		}
	}
	return fmt.Errorf("listeners: %s has no entry in listener.security.protocol.map; add %s:PLAINTEXT", name, name)
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(e string) bool { return strings.EqualFold(e, s) })
}

// DataDir is the directory that log.dirs, or else log.dir, names.
func DataDir(v Values) string {
	if dirs := v.List("log.dirs"); len(dirs) > 0 {
		return dirs[0]
	}
	return v.String("log.dir")
}
