package confkey

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var gzipLevel = &rule{"[1,...,9] or -1", func(v string) string {
	if n, _ := strconv.Atoi(v); n != -1 && (n < 1 || n > 9) {
		return "Value must be between 1 and 9 or equal to -1"
	}
	return ""
}}

// someRetention refuses a retention of no time for all topics together: every
// closed segment would be deleted at once. A topic may ask for that by itself.
var someRetention = &rule{"at least 1, or negative", func(v string) string {
	if n, _ := strconv.ParseInt(v, 10, 64); n == 0 {
		return "Value must be at least 1, or negative for no limit"
	}
	return ""
}}

var someRetentionMs = &rule{"[1,...] or -1", func(v string) string {
	if n, _ := strconv.ParseInt(v, 10, 64); n < 1 && n != -1 {
		return "Value must be at least 1, or -1 for no limit"
	}
	return ""
}}

// idleTime leaves a client the time to say something before it counts as idle.
// Kafka compares with the delay of a failed authentication, which is 100 ms.
var idleTime = &rule{"above 100, or negative", func(v string) string {
	if n, _ := strconv.ParseInt(v, 10, 64); n >= 0 && n <= 100 {
		return "Value must be above 100, or negative for no limit"
	}
	return ""
}}

var replicaPair = regexp.MustCompile(`^[0-9]+:[0-9]+$`)

var throttledReplicas = &rule{"partition:broker pairs or *", func(v string) string {
	words := splitList(v)
	if len(words) == 1 && words[0] == "*" {
		return ""
	}
	for _, w := range words {
		if !replicaPair.MatchString(w) {
			return fmt.Sprintf("%q is neither * nor a partition:broker pair", w)
		}
	}
	return ""
}}

var noTiering = &rule{"[false]", func(v string) string {
	if strings.EqualFold(v, "true") {
		return "tiered storage does not exist in this version"
	}
	return ""
}}

var isoDuration = regexp.MustCompile(`^by_duration:P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$`)

var shareReset = &rule{"[latest, earliest, by_duration:PnDTnHnMn.nS]", func(v string) string {
	bare := strings.HasSuffix(v, "P") || strings.HasSuffix(v, "T")
	if v == "latest" || v == "earliest" || isoDuration.MatchString(v) && !bare {
		return ""
	}
	return "Value must be latest, earliest or by_duration:<ISO 8601 duration>"
}}

var listenerList = &rule{"NAME://host:port,...", func(v string) string {
	if _, err := ParseListeners(v); err != nil {
		return err.Error()
	}
	return ""
}}

// plaintextMap accepts every listener name, and the security protocols other
// than PLAINTEXT only under their own name: that is Kafka's default map, which
// promises nothing until a listener uses it.
var plaintextMap = &rule{"NAME:PLAINTEXT,...", func(v string) string {
	for _, pair := range splitList(v) {
		name, protocol, ok := strings.Cut(pair, ":")
		switch {
		case !ok || name == "":
			return fmt.Sprintf("%q must have the form NAME:PROTOCOL", pair)
		case protocol == "PLAINTEXT" || protocol == name && slices.Contains(securityProtocols, name):
		default:
			return fmt.Sprintf("%q: only PLAINTEXT exists in this version", pair)
		}
	}
	return ""
}}

var securityProtocols = []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}

// ipOverrides takes addresses only: a name would have to be resolved again and
// again, and until then it would limit nobody.
var ipOverrides = &rule{"address:count,...", func(v string) string {
	for _, pair := range splitList(v) {
		if _, _, err := ParseIPOverride(pair); err != nil {
			return err.Error()
		}
	}
	return ""
}}

// ParseIPOverride parses one element of max.connections.per.ip.overrides.
func ParseIPOverride(pair string) (addr netip.Addr, count int, err error) {
	i := strings.LastIndexByte(pair, ':')
	if i <= 0 {
		return addr, 0, fmt.Errorf("%q must have the form address:count", pair)
	}
	count, err = strconv.Atoi(strings.TrimSpace(pair[i+1:]))
	if err != nil || count < 0 {
		return addr, 0, fmt.Errorf("%q must end in a number of connections", pair)
	}
	addr, err = netip.ParseAddr(strings.Trim(strings.TrimSpace(pair[:i]), "[]"))
	if err != nil {
		return addr, 0, fmt.Errorf("%q must begin with an IP address", pair)
	}
	return addr.Unmap(), count, nil
}

var oneDirectory = &rule{"one directory", func(v string) string {
	if n := len(splitList(v)); n != 1 {
		return fmt.Sprintf("%d directories are listed, this version keeps its data in one", n)
	}
	return ""
}}

var hostPortOrOff = &rule{"host:port or off", func(v string) string {
	if v == "off" {
		return ""
	}
	_, port, err := net.SplitHostPort(v)
	if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
		return "Value must be host:port, or off"
	}
	return ""
}}

var plaintextOnly = &rule{"[PLAINTEXT]", func(v string) string {
	if v != "PLAINTEXT" {
		return "only PLAINTEXT exists in this version"
	}
	return ""
}}

var migrationPolicy = &rule{"[DISABLED, DOWNGRADE, UPGRADE, BIDIRECTIONAL]", func(v string) string {
	if !slices.Contains([]string{"DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"}, strings.ToUpper(v)) {
		return "Value must be disabled, downgrade, upgrade or bidirectional"
	}
	return ""
}}
