package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The bounds above which code must be split by noun. Generated files are
// exempt; so is a table that happens to be a function body, listed by name.
const (
	fileLinesMax     = 600
	functionLinesMax = 90
)

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, name := range p.GoFiles {
			if strings.HasSuffix(name, "_gen.go") || strings.HasSuffix(name, ".pb.go") {
				continue
			}
			checkFile(t, filepath.Join(p.Dir, name))
		}
	}
}

func checkFile(t *testing.T, path string) {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(src), "\n"); n > fileLinesMax {
		t.Errorf("%s has %d lines, more than %d", path, n, fileLinesMax)
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line; n > functionLinesMax {
			t.Errorf("%s: %s has %d lines, more than %d", path, fn.Name.Name, n, functionLinesMax)
		}
	}
}
