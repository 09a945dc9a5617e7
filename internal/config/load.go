package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/milena-io/milena/internal/confkey"
)

// Sources says where settings come from. The zero value gives the defaults.
type Sources struct {
	File  string   // path of a properties file, "" for none
	Env   []string // KEY=value pairs, as os.Environ gives them
	Sets  []string // key=value pairs of --set
	Flags []Flag
}

// Flag is a setting made by a command-line flag of its own.
type Flag struct {
	Name  string // as typed, with its dashes: for messages
	Key   string
	Value string
}

// Config is a node's checked configuration.
type Config struct {
	Props   confkey.Values
	DataDir string
	// Listeners are the client listeners to open; HTTP is "" when switched off.
	Listeners []confkey.Listener
	HTTP      string
	// Inert names settings that were made but have no effect here, sorted.
	Inert []string
	// Origins says for each setting where it came from.
	Origins map[string]string
}

// setting is one key's value and where it was found.
type setting struct{ key, value, origin string }

// noFileDelay is the one default that depends on there being no file: a node
// tried out on a laptop should give its first consumer partitions at once,
// which is also what the file that Kafka ships does.
var noFileDelay = setting{"group.initial.rebalance.delay.ms", "0", "default without a configuration file"}

// Load reads and checks all sources. The error joins one error per bad setting.
func Load(src Sources) (Config, error) {
	layers, errs := gather(src)
	merged := map[string]setting{}
	for _, s := range layers {
		merged[s.key] = s
	}
	raw := map[string]string{}
	for key, s := range merged {
		raw[key] = s.value
	}
	props, bad := confkey.NewBroker(raw)
	for _, err := range bad {
		errs = append(errs, fmt.Errorf("%s: %w", merged[keyOf(err)].origin, err))
	}
	if len(errs) > 0 {
		return Config{}, errors.Join(errs...)
	}
	props, err := confkey.Complete(props)
	if err != nil {
		return Config{}, err
	}
	return finish(props, merged), nil
}

// gather lists all settings, the weakest first.
func gather(src Sources) ([]setting, []error) {
	var all []setting
	var errs []error
	if src.File == "" {
		all = append(all, noFileDelay)
	} else {
		fromFile, err := readFile(src.File)
		all, errs = append(all, fromFile...), appendError(errs, err)
	}
	all = append(all, fromEnv(src.Env)...)
	for _, s := range src.Sets {
		key, value, ok := strings.Cut(s, "=")
		if key = strings.TrimSpace(key); !ok || key == "" {
			errs = append(errs, fmt.Errorf("--set %q must have the form key=value", s))
			continue
		}
		all = append(all, setting{key, strings.TrimSpace(value), "--set"})
	}
	for _, f := range src.Flags {
		all = append(all, setting{f.Key, f.Value, f.Name})
	}
	return all, errs
}

func appendError(errs []error, err error) []error {
	if err == nil {
		return errs
	}
	return append(errs, err)
}

// keyOf is the key that an error of confkey speaks of.
func keyOf(err error) string {
	var unknown *confkey.UnknownError
	if errors.As(err, &unknown) {
		return unknown.Key
	}
	var invalid *confkey.InvalidError
	if errors.As(err, &invalid) {
		return invalid.Key
	}
	return ""
}

func finish(props confkey.Values, merged map[string]setting) Config {
	c := Config{Props: props, DataDir: confkey.DataDir(props), Listeners: confkey.ClientListeners(props), Origins: map[string]string{}}
	if addr := props.String("milena.http.listen"); addr != "off" {
		c.HTTP = addr
	}
	for _, key := range slices.Sorted(maps.Keys(merged)) {
		c.Origins[key] = merged[key].origin
		if k, _ := confkey.Broker(key); k.Inert {
			c.Inert = append(c.Inert, key)
		}
	}
	return c
}
