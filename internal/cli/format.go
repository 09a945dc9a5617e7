package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

const formatHelp = `Format: text with verbs.
  %t topic   %p partition   %o offset   %T timestamp in ms   %d date and time
  %k key     %v value       %h headers as key=value,...      %e leader epoch
  %K length of key, -1 for none    %S length of value, -1 for none    %% percent
  \n newline  \t tab  \r return  \0 zero byte  \xNN byte  \\ backslash`

// recordWriter prints one record.
type recordWriter func(w io.Writer, r *kgo.Record) error

// parseFormat compiles a format string.
func parseFormat(format string) (recordWriter, error) {
	var parts []func(dst []byte, r *kgo.Record) []byte
	literal := func(b ...byte) {
		parts = append(parts, func(dst []byte, _ *kgo.Record) []byte { return append(dst, b...) })
	}
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' && c != '\\' {
			literal(c)
			continue
		}
		if i++; i == len(format) {
			return nil, usagef("format ends in a lone %q", c)
		}
		switch verb := recordVerbs[format[i]]; {
		case c == '%' && format[i] == '%':
			literal('%')
		case c == '%' && verb != nil:
			parts = append(parts, verb)
		case c == '%':
			return nil, usagef("unknown verb %%%c in format", format[i])
		default:
			b, used, err := unescape(format[i:])
			if err != nil {
				return nil, err
			}
			literal(b)
			i += used - 1
		}
	}
	var buf []byte
	return func(w io.Writer, r *kgo.Record) error {
		buf = buf[:0]
		for _, p := range parts {
			buf = p(buf, r)
		}
		_, err := w.Write(buf)
		return err
	}, nil
}

var recordVerbs = map[byte]func(dst []byte, r *kgo.Record) []byte{
	't': func(dst []byte, r *kgo.Record) []byte { return append(dst, r.Topic...) },
	'p': func(dst []byte, r *kgo.Record) []byte { return strconv.AppendInt(dst, int64(r.Partition), 10) },
	'o': func(dst []byte, r *kgo.Record) []byte { return strconv.AppendInt(dst, r.Offset, 10) },
	'e': func(dst []byte, r *kgo.Record) []byte { return strconv.AppendInt(dst, int64(r.LeaderEpoch), 10) },
	'T': func(dst []byte, r *kgo.Record) []byte { return strconv.AppendInt(dst, r.Timestamp.UnixMilli(), 10) },
	'd': func(dst []byte, r *kgo.Record) []byte {
		return r.Timestamp.AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
	},
	'k': func(dst []byte, r *kgo.Record) []byte { return append(dst, r.Key...) },
	'v': func(dst []byte, r *kgo.Record) []byte { return append(dst, r.Value...) },
	'K': func(dst []byte, r *kgo.Record) []byte { return strconv.AppendInt(dst, lengthOf(r.Key), 10) },
	'S': func(dst []byte, r *kgo.Record) []byte { return strconv.AppendInt(dst, lengthOf(r.Value), 10) },
	'h': func(dst []byte, r *kgo.Record) []byte {
		for i, h := range r.Headers {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, h.Key...), '='), h.Value...)
		}
		return dst
	},
}

func lengthOf(b []byte) int64 {
	if b == nil {
		return -1
	}
	return int64(len(b))
}

// unescape reads what follows a backslash, and says how many bytes it used.
func unescape(s string) (b byte, used int, err error) {
	if i := strings.IndexByte(`ntr0\`, s[0]); i >= 0 {
		return "\n\t\r\x00\\"[i], 1, nil
	}
	if s[0] == 'x' && len(s) >= 3 {
		if n, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
			return byte(n), 3, nil
		}
	}
	return 0, 0, usagef(`unknown escape \%c in format`, s[0])
}

// recordJSON is a record as JSON. Bytes that are not text are in base64, and
// the field beside them says so.
type recordJSON struct {
	Topic         string       `json:"topic"`
	Partition     int32        `json:"partition"`
	Offset        int64        `json:"offset"`
	Timestamp     string       `json:"timestamp"`
	Key           *string      `json:"key"`
	KeyEncoding   string       `json:"keyEncoding,omitempty"`
	Value         *string      `json:"value"`
	ValueEncoding string       `json:"valueEncoding,omitempty"`
	Headers       []headerJSON `json:"headers,omitempty"`
}

type headerJSON struct {
	Key      string  `json:"key"`
	Value    *string `json:"value"`
	Encoding string  `json:"encoding,omitempty"`
}

func writeRecordJSON(w io.Writer, r *kgo.Record) error {
	j := recordJSON{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UTC().Format(time.RFC3339Nano)}
	j.Key, j.KeyEncoding = textOf(r.Key)
	j.Value, j.ValueEncoding = textOf(r.Value)
	for _, h := range r.Headers {
		value, encoding := textOf(h.Value)
		j.Headers = append(j.Headers, headerJSON{h.Key, value, encoding})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(j)
}

func textOf(b []byte) (text *string, encoding string) {
	if b == nil {
		return nil, ""
	}
	s := string(b)
	if !utf8.Valid(b) {
		s, encoding = base64.StdEncoding.EncodeToString(b), "base64"
	}
	return &s, encoding
}

// parseMoment reads a point in time: milliseconds since 1970, RFC 3339 with or
// without zone and time of day, or a time before now such as -1h30m.
func parseMoment(s string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil && strings.HasPrefix(s, "-") {
		return now.Add(d), nil
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no point in time: give milliseconds since 1970, 2006-01-02T15:04:05Z, or -1h for one hour ago", s)
}

func base64Of(b []byte) *string {
	if b == nil {
		return nil
	}
	s := base64.StdEncoding.EncodeToString(b)
	return &s
}
