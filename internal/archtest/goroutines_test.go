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

// TestTheGoroutineInventoryIsComplete looks for everything that starts a
// goroutine in a broker and wants the function named on the architecture page,
// so that nobody adds one without saying who ends it. Tools and the in-memory
// network are told of there in one sentence.
func TestTheGoroutineInventoryIsComplete(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, inventory, _ := strings.Cut(string(page), "\n## Goroutines")
	inventory, _, _ = strings.Cut(inventory, "\n## Locks")
	started := map[string]bool{}
	for _, p := range listPackages(t) {
		switch strings.TrimPrefix(p.ImportPath, module) {
		case "internal/cli", "internal/bench", "internal/netx", "bench/compare":
			continue
		}
		if isTestOnly(p.ImportPath) {
			continue
		}
		for _, name := range p.GoFiles {
			for _, fn := range startersIn(t, filepath.Join(p.Dir, name)) {
				started["`"+fn+"`"] = true
			}
		}
	}
	for fn := range started {
		if !strings.Contains(inventory, fn) {
			t.Errorf("%s starts a goroutine that the inventory in docs/ARCHITECTURE.md does not name", fn)
		}
	}
	for line := range strings.Lines(inventory) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[2], "`") {
			continue
		}
		if fn := "`" + strings.Split(cells[2], "`")[1] + "`"; !started[fn] {
			t.Errorf("docs/ARCHITECTURE.md says that %s starts a goroutine, but it does not", fn)
		}
	}
}

// startersIn names the functions of a file that start goroutines or timers with
// functions of their own.
func startersIn(t *testing.T, path string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		starts := false
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				starts = true
			case *ast.CallExpr:
				sel, ok := n.Fun.(*ast.SelectorExpr)
				starts = starts || ok && (sel.Sel.Name == "Go" || sel.Sel.Name == "AfterFunc")
			}
			return !starts
		})
		if starts {
			names = append(names, qualified(file.Name.Name, fn))
		}
	}
	return names
}

// qualified is package.Type.Function.
func qualified(pkg string, fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return pkg + "." + fn.Name.Name
	}
	receiver := fn.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	if name, ok := receiver.(*ast.Ident); ok {
		return pkg + "." + name.Name + "." + fn.Name.Name
	}
	return pkg + "." + fn.Name.Name
}
