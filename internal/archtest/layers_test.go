package archtest

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/milena-io/milena/"

// layers lists every package of the project from the bottom up. A package may
// import packages of lower layers and its own sub-packages, and nothing else of
// this project. A new package must be added here: decide its layer first.
var layers = [][]string{
	{"internal/base"},
	{"internal/vfs", "internal/netx", "internal/invariant"},
	{"internal/vfs/faultfs"},
	{"internal/record", "internal/wire", "internal/metapb", "internal/confkey"},
	{"internal/commitlog/checkpoint"},
	{"internal/commitlog/epoch", "internal/commitlog/producer", "internal/commitlog/txnindex"},
	{"internal/commitlog", "internal/shard"},
	{"internal/metadata", "internal/partition"},
	{"internal/quorum", "internal/replica", "internal/group"},
	{"internal/controller", "internal/coordinator", "internal/api"},
	{"internal/server", "internal/adminhttp"},
	{"internal/node"},
	{"internal/config", "embedded"},
	{"internal/bench"},
	{"internal/cli"},
	{"cmd/milena", "bench/compare"},
	{"internal/archtest"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Doc        string
	Dir        string
	GoFiles    []string
}

func TestImportsPointDownward(t *testing.T) {
	layerOf := map[string]int{}
	for i, layer := range layers {
		for _, p := range layer {
			layerOf[module+p] = i
		}
	}
	for _, p := range listPackages(t) {
		if len(p.GoFiles) == 0 || isTestOnly(p.ImportPath) {
			continue
		}
		from, known := layerOf[p.ImportPath]
		if !known {
			t.Errorf("%s is in no layer: add it to the table in layers_test.go", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			to, ours := layerOf[imp]
			if !ours || to < from || isInside(imp, p.ImportPath) {
				continue
			}
			t.Errorf("%s (layer %d) imports %s (layer %d): only lower layers may be imported", p.ImportPath, from, imp, to)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range listPackages(t) {
		if len(p.GoFiles) > 0 && len(strings.TrimSpace(p.Doc)) == 0 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// isInside reports whether child is a sub-package of parent.
func isInside(child, parent string) bool { return strings.HasPrefix(child, parent+"/") }

// isTestOnly names the trees that are programs for tests and generators.
func isTestOnly(path string) bool {
	return strings.HasPrefix(path, module+"test/") || strings.Contains(path, "/gen")
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Doc,Dir,GoFiles", module+"...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}
