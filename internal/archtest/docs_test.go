package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the project's directory.
const root = "../.."

// pages are the Markdown files of the project by their path in it.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "node_modules" || name == "target" || name == "testdata" || strings.HasPrefix(name, ".") && path != root) {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".md" {
			return nil
		}
		data, err := os.ReadFile(path)
		rel, relErr := filepath.Rel(root, path)
		if err == nil && relErr == nil {
			out[filepath.ToSlash(rel)] = string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("only %d pages found", len(out))
	}
	return out
}

func TestArchitectureNamesEveryPackageInItsLayer(t *testing.T) {
	page := pages(t)["docs/ARCHITECTURE.md"]
	tree := page[strings.Index(page, "\n## Layers"):strings.Index(page, "\n## A request")]
	// From top to bottom: number, package, text. A layer's number stands at its
	// first package.
	line := regexp.MustCompile(`(?m)^ {0,2}(\d{1,2}|–)? +([a-z]+(?:/[a-z]+)+|embedded) {2,}\S`)
	var layer []string
	shown := map[string]bool{}
	at := len(layers) - 2 // archtest itself stands below the others
	for _, m := range line.FindAllStringSubmatch(tree, -1) {
		if m[1] == "–" {
			shown[m[2]] = true
			continue
		}
		if m[1] != "" && len(layer) > 0 {
			sameLayer(t, at, layer)
			layer, at = nil, at-1
		}
		layer = append(layer, m[2])
		shown[m[2]] = true
	}
	sameLayer(t, at, layer)
	for _, layer := range layers {
		for _, p := range layer {
			if !shown[p] {
				t.Errorf("docs/ARCHITECTURE.md has no line for %s", p)
			}
		}
	}
}

func sameLayer(t *testing.T, at int, shown []string) {
	t.Helper()
	want := []string{}
	if at >= 0 && at < len(layers) {
		want = slices.Sorted(slices.Values(layers[at]))
	}
	if got := slices.Sorted(slices.Values(shown)); !slices.Equal(got, want) {
		t.Errorf("docs/ARCHITECTURE.md shows the layer %v, the table in layers_test.go has %v", got, want)
	}
}

func TestDecisionRecordsHaveTheirHeadings(t *testing.T) {
	name := regexp.MustCompile(`^docs/adr/\d{4}-[a-z0-9-]+\.md$`)
	all := pages(t)
	n := 0
	for path, text := range all {
		if !strings.HasPrefix(path, "docs/adr/") || path == "docs/adr/README.md" {
			continue
		}
		n++
		if !name.MatchString(path) {
			t.Errorf("%s is not named NNNN-title.md", path)
		}
		var got []string
		for line := range strings.Lines(text) {
			if heading, ok := strings.CutPrefix(strings.TrimSpace(line), "## "); ok {
				got = append(got, heading)
			}
		}
		if want := []string{"Context", "Decision", "Measured", "Refused"}; !slices.Equal(got, want) {
			t.Errorf("%s has the headings %v, want %v", path, got, want)
		}
		if number := filepath.Base(path)[:4]; !strings.HasPrefix(text, "# "+number+": ") {
			t.Errorf("%s does not begin with its number", path)
		}
		if !strings.Contains(all["docs/adr/README.md"], filepath.Base(path)) {
			t.Errorf("%s is not in the index", path)
		}
	}
	if n == 0 {
		t.Error("no decision records found")
	}
}

var fenced = regexp.MustCompile("(?ms)^```.*?^```")

func TestRelativeLinksResolve(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	all := pages(t)
	n := 0
	for path, text := range all {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			n++
			to := path
			if target != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(path), target))
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s links to %s, which does not exist", path, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(all[to]), anchor) {
				t.Errorf("%s links to %s, which has no such heading", path, m[1])
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d links found", n)
	}
}

// anchors are the names that headings get on a page.
func anchors(text string) (out []string) {
	drop := regexp.MustCompile(`[^a-z0-9 _-]`)
	for line := range strings.Lines(fenced.ReplaceAllString(text, "")) {
		if heading := strings.TrimLeft(line, "#"); heading != line {
			name := drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			out = append(out, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return out
}

// Tests and files that pages refer to in code font must exist.
func TestDocumentsNameWhatExists(t *testing.T) {
	tests := testNames(t)
	test := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)`")
	file := regexp.MustCompile("`((?:internal|cmd|embedded|test|docs)/[A-Za-z0-9_./-]*[A-Za-z0-9_-])`")
	for path, text := range pages(t) {
		for _, m := range test.FindAllStringSubmatch(text, -1) {
			if !tests[m[1]] {
				t.Errorf("%s names %s, which is no test", path, m[1])
			}
		}
		if path == "docs/protocol.md" {
			continue // generated, speaks of file names as patterns
		}
		for _, m := range file.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil && !strings.Contains(m[1], "NN_") {
				t.Errorf("%s names %s, which does not exist", path, m[1])
			}
		}
	}
}

func testNames(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w*)\(`)
	out := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		for _, m := range declared.FindAllStringSubmatch(string(data), -1) {
			out[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
