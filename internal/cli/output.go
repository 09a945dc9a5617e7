package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

func (a *app) checkOutput() error {
	if a.output != "table" && a.output != "json" {
		return usagef("--output must be table or json, not %q", a.output)
	}
	return nil
}

func (a *app) json() bool { return a.output == "json" }

// firstError is an output that remembers why it could not be written, and takes
// nothing more from then on. A command checks it once, when it ends, and not
// after every line.
type firstError struct {
	w   io.Writer
	err error
}

func (f *firstError) Write(b []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.w.Write(b)
	if err != nil {
		f.err = fmt.Errorf("the output cannot be written: %w", err)
	}
	return n, f.err
}

// printJSON prints one indented document.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// print shows a result: as JSON when asked, else by the function.
func (a *app) print(v any, asText func(w io.Writer)) error {
	if a.json() {
		return a.printJSON(v)
	}
	asText(a.out)
	return nil
}

// table prints rows in columns that line up. Columns in which every cell is a
// number are aligned to the right.
type table struct {
	head []string
	rows [][]string
}

func newTable(head ...string) *table { return &table{head: head} }

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.rows = append(t.rows, row)
}

func (t *table) print(w io.Writer) {
	width, numeric := make([]int, len(t.head)), make([]bool, len(t.head))
	for i, h := range t.head {
		width[i], numeric[i] = utf8.RuneCountInString(h), len(t.rows) > 0
		for _, row := range t.rows {
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
			numeric[i] = numeric[i] && isNumber(row[i])
		}
	}
	for _, row := range append([][]string{t.head}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if numeric[i] {
				line.WriteString(pad + cell + "  ")
			} else {
				line.WriteString(cell + pad + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// isNumber accepts what counts and rates look like, and the dash that stands
// for a missing one.
func isNumber(s string) bool {
	return s == "-" || s != "" && strings.Trim(s, "0123456789.,-") == "" && strings.ContainsAny(s, "0123456789")
}

// count is "1 record", "2 records".
func count[N int | int32 | int64](n N, noun string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// sizeText is a number of bytes for people.
func sizeText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/unit, 0
	for ; f >= unit && i < 4; i++ {
		f /= unit
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGTP"[i])
}

// trimLine takes a line break, of either kind, off the end of a line.
func trimLine(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

// cutBytes is bytes.Cut with results that cannot grow into each other.
func cutBytes(b, sep []byte) (before, after []byte, found bool) {
	before, after, found = bytes.Cut(b, sep)
	return slices.Clip(before), slices.Clip(after), found
}

// printLine prints one document on one line.
func (a *app) printLine(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
