package confkey

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var gzipLevel = &rule{"[1,...,9] or -1", func(v string) error {
	if n, _ := strconv.Atoi(v); n != -1 && (n < 1 || n > 9) {
		return errors.New("Value must be between 1 and 9 or equal to -1")
	}
	return nil
}}

var replicaPair = regexp.MustCompile(`^[0-9]+:[0-9]+$`)

var throttledReplicas = &rule{"partition:broker pairs or *", func(v string) error {
	words := splitList(v)
	if len(words) == 1 && words[0] == "*" {
		return nil
	}
	for _, w := range words {
		if !replicaPair.MatchString(w) {
			return fmt.Errorf("%q is neither * nor a partition:broker pair", w)
		}
	}
	return nil
}}

var noTiering = &rule{"[false]", func(v string) error {
	if strings.EqualFold(v, "true") {
		return errors.New("tiered storage does not exist in this version")
	}
	return nil
}}

var isoDuration = regexp.MustCompile(`^by_duration:P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$`)

var shareReset = &rule{"[latest, earliest, by_duration:PnDTnHnMn.nS]", func(v string) error {
	bare := strings.HasSuffix(v, "P") || strings.HasSuffix(v, "T")
	if v == "latest" || v == "earliest" || isoDuration.MatchString(v) && !bare {
		return nil
	}
	return errors.New("Value must be latest, earliest or by_duration:<ISO 8601 duration>")
}}

var listenerList = &rule{"NAME://host:port,...", func(v string) error {
	_, err := ParseListeners(v)
	return err
}}

// plaintextMap accepts every listener name, and the security protocols other
// than PLAINTEXT only under their own name: that is Kafka's default map, which
// promises nothing until a listener uses it.
var plaintextMap = &rule{"NAME:PLAINTEXT,...", func(v string) error {
	for _, pair := range splitList(v) {
		name, protocol, ok := strings.Cut(pair, ":")
		switch {
		case !ok || name == "":
			return fmt.Errorf("%q must have the form NAME:PROTOCOL", pair)
		case protocol == "PLAINTEXT" || protocol == name && slices.Contains(securityProtocols, name):
		default:
			return fmt.Errorf("%q: only PLAINTEXT exists in this version", pair)
		}
	}
	return nil
}}

var securityProtocols = []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}

var ipOverrides = &rule{"address:count,...", func(v string) error {
	for _, pair := range splitList(v) {
		i := strings.LastIndexByte(pair, ':')
		if i <= 0 {
			return fmt.Errorf("%q must have the form address:count", pair)
		}
		if n, err := strconv.Atoi(pair[i+1:]); err != nil || n < 0 {
			return fmt.Errorf("%q must end in a number of connections", pair)
		}
	}
	return nil
}}

var oneDirectory = &rule{"one directory", func(v string) error {
	if n := len(splitList(v)); n != 1 {
		return fmt.Errorf("%d directories are listed, this version keeps its data in one", n)
	}
	return nil
}}

var hostPortOrOff = &rule{"host:port or off", func(v string) error {
	if v == "off" {
		return nil
	}
	_, port, err := net.SplitHostPort(v)
	if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
		return errors.New("Value must be host:port, or off")
	}
	return nil
}}

var plaintextOnly = &rule{"[PLAINTEXT]", func(v string) error {
	if v != "PLAINTEXT" {
		return errors.New("only PLAINTEXT exists in this version")
	}
	return nil
}}

var migrationPolicy = &rule{"[DISABLED, DOWNGRADE, UPGRADE, BIDIRECTIONAL]", func(v string) error {
	if !slices.Contains([]string{"DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"}, strings.ToUpper(v)) {
		return errors.New("Value must be disabled, downgrade, upgrade or bidirectional")
	}
	return nil
}}
