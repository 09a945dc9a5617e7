package checkpoint

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// version of every line-framed checkpoint; Kafka has only ever written 0.
const version = 0

// maxLine bounds one entry: a topic name (249), two integers and separators.
const maxLine = 512

// FormatError says which line of a checkpoint can't be trusted.
type FormatError struct {
	Line   int // 1-based; 0 when the file as a whole is meant
	Reason string
}

// Error names the line and the reason.
func (e *FormatError) Error() string {
	if e.Line == 0 {
		return "malformed checkpoint: " + e.Reason
	}
	return fmt.Sprintf("malformed checkpoint, line %d: %s", e.Line, e.Reason)
}

func bad(line int, format string, args ...any) error {
	return &FormatError{Line: line, Reason: fmt.Sprintf(format, args...)}
}

// ParseLines checks the frame of a checkpoint and calls each with the fields of
// every entry, in order. An error from each is reported with its line number.
func ParseLines(data []byte, fields int, each func(fields []string) error) error {
	head, rest, ok := cutLine(data)
	if !ok {
		return bad(1, "no version")
	}
	if v, err := parseInt(head, 32); err != nil || v != version {
		return bad(1, "version %s, want %d", clip(head), version)
	}
	head, rest, ok = cutLine(rest)
	if !ok {
		return bad(2, "no entry count")
	}
	count, err := parseInt(head, 32)
	if err != nil {
		return bad(2, "entry count %s", clip(head))
	}
	// The frame is counted before anything is stored, so a lying count costs nothing.
	if have := int64(bytes.Count(rest, []byte{'\n'})); have != count {
		return bad(2, "%d entries announced, %d found", count, have)
	}
	for n := 3; len(rest) > 0; n++ {
		var line []byte
		if line, rest, ok = cutLine(rest); !ok {
			return bad(n, "line without an end")
		}
		if len(line) > maxLine {
			return bad(n, "line of %d bytes", len(line))
		}
		parts := strings.Split(string(line), " ")
		if len(parts) != fields {
			return bad(n, "%d fields, want %d", len(parts), fields)
		}
		if err := each(parts); err != nil {
			return bad(n, "%v", err)
		}
	}
	return nil
}

// AppendHeader starts a checkpoint of count entries; the caller appends lines.
func AppendHeader(dst []byte, count int) []byte {
	dst = strconv.AppendInt(dst, version, 10)
	dst = append(dst, '\n')
	dst = strconv.AppendInt(dst, int64(count), 10)
	return append(dst, '\n')
}

// ParseNumber reads a non-negative decimal in the one form we write: no sign,
// no leading zero. Anything else in a checkpoint is damage.
func ParseNumber(s string, bits int) (int64, error) {
	return parseInt([]byte(s), bits)
}

func parseInt(b []byte, bits int) (int64, error) {
	if len(b) == 0 || len(b) > 19 || b[0] == '0' && len(b) > 1 || b[0] < '0' || b[0] > '9' {
		return 0, fmt.Errorf("%s is not a number", clip(b))
	}
	v, err := strconv.ParseInt(string(b), 10, bits)
	if err != nil {
		return 0, fmt.Errorf("%s is not a number of %d bits", clip(b), bits)
	}
	return v, nil
}

func cutLine(b []byte) (line, rest []byte, ok bool) { return bytes.Cut(b, []byte{'\n'}) }

// clip keeps damaged bytes readable and short in an error text.
func clip(b []byte) string {
	if len(b) > 40 {
		b = b[:40]
	}
	return strconv.Quote(string(b))
}
