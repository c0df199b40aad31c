package oxlin_test

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mostMethods is how many methods a type may have, with those of the types that it embeds. A
// type with more has more than one purpose.
const mostMethods = 60

func TestTypesHaveOnePurpose(t *testing.T) {
	t.Parallel()
	for _, p := range checkedPackages(t) {
		scope := p.Scope()
		for _, name := range scope.Names() {
			declared, ok := scope.Lookup(name).(*types.TypeName)
			if !ok || declared.IsAlias() {
				continue
			}
			full := strings.TrimPrefix(p.Path(), module+"/") + "." + name
			if n := ownMethods(declared.Type()); n > mostMethods {
				t.Errorf("%s has %d methods, want at most %d", full, n, mostMethods)
			}
			if fields, ok := declared.Type().Underlying().(*types.Struct); ok {
				for field := range fields.Fields() {
					if field.Embedded() && field.Name() == "Options" {
						t.Errorf("%s embeds its Options, and so shows its dependencies to whoever has one", full)
					}
				}
			}
		}
	}
}

// ownMethods counts the methods of a type that are declared in this module.
func ownMethods(of types.Type) int {
	n := 0
	for method := range types.NewMethodSet(types.NewPointer(of)).Methods() {
		if in := method.Obj().Pkg(); in != nil && strings.HasPrefix(in.Path(), module) {
			n++
		}
	}
	return n
}

// checkedPackages returns the hand-written packages below internal/ with their types.
func checkedPackages(t *testing.T) []*types.Package {
	t.Helper()
	command := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}\t{{.Dir}}\t{{range .GoFiles}}{{.}} {{end}}", "./internal/...")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	type source struct{ path, folder, files string }
	var sources []source
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		parts := strings.Split(lines.Text(), "\t")
		exports[parts[0]] = parts[1]
		generated := parts[0] == house+"/api/oas" || parts[0] == house+"/store/query"
		if strings.HasPrefix(parts[0], house+"/") && !generated {
			sources = append(sources, source{parts[0], parts[2], parts[3]})
		}
	}
	fset := token.NewFileSet()
	compiled := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	var packages []*types.Package
	for _, s := range sources {
		var files []*ast.File
		for name := range strings.FieldsSeq(s.files) {
			file, err := parser.ParseFile(fset, filepath.Join(s.folder, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		config := types.Config{Importer: compiled, IgnoreFuncBodies: true}
		checked, err := config.Check(s.path, fset, files, nil)
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, checked)
	}
	if len(packages) < 40 {
		t.Fatalf("only %d packages were found", len(packages))
	}
	return packages
}
