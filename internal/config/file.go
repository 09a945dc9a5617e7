package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/magiconair/properties"
)

// readFile reads a properties file with Java's rules for comments, escapes and
// continuation lines. ${...} is taken literally, as Kafka does.
func readFile(path string) ([]setting, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	return parseProperties(filepath.Base(path), data)
}

// parseProperties parses one logical line at a time, so that every setting
// knows the line it started on.
func parseProperties(name string, data []byte) ([]setting, error) {
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	var out []setting
	for line := range logicalLines(string(data)) {
		origin := fmt.Sprintf("%s:%d", name, line.number)
		p, err := loader.LoadBytes([]byte(line.text))
		if err != nil {
			return out, fmt.Errorf("%s: %w", origin, err)
		}
		for _, key := range p.Keys() {
			value, _ := p.Get(key)
			out = append(out, setting{key, strings.TrimSpace(value), origin})
		}
	}
	return out, nil
}

type logicalLine struct {
	number int // of its first physical line, from 1
	text   string
}

// logicalLines joins physical lines that end in an odd number of backslashes
// with their successor. Comments and blank lines are left out; a comment is
// never continued.
func logicalLines(text string) func(yield func(logicalLine) bool) {
	return func(yield func(logicalLine) bool) {
		var held bytes.Buffer
		start, number := 0, 0
		for physical := range strings.SplitAfterSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n") {
			number++
			if held.Len() == 0 {
				if blankOrComment(physical) {
					continue
				}
				start = number
			}
			held.WriteString(physical)
			if continues(physical) {
				continue
			}
			if !yield(logicalLine{start, held.String()}) {
				return
			}
			held.Reset()
		}
		if held.Len() > 0 {
			yield(logicalLine{start, strings.TrimRight(held.String(), "\\\n")})
		}
	}
}

func blankOrComment(line string) bool {
	line = strings.TrimLeft(line, " \t\f\n")
	return line == "" || line[0] == '#' || line[0] == '!'
}

func continues(line string) bool {
	line = strings.TrimSuffix(line, "\n")
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}
