package oxlin_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vaultCalls are the methods of vault.Vault that fail while the keeper of the master key is away.
var vaultCalls = []string{
	"Open", "OpenSecret", "OpenAll", "Seal", "SealSecret", "MAC", "MACs", "Proves", "Reseal", "IDs", "HashPassword", "CheckPassword",
}

// unheard are the functions that go on after an error of the vault, and why that harms nobody.
var unheard = map[string]string{
	"lockout.genuine":   "the device counts as unknown, and the attempt itself needs the key",
	"console.mark":      "the form counts as late, and changes nothing",
	"auth.renew":        "the older hash stays good, and the next sign-in tries again",
	"operator.renew":    "the older hash stays good, and the next sign-in tries again",
	"installation.give": "the process tells of no other key before it knows it",
}

// TestNoErrorOfTheVaultIsSwallowed reads every call of the vault: its error reaches the caller, unless it
// is ErrUnopened. An error that was taken for damage would let a keeper that is away change rows.
func TestNoErrorOfTheVaultIsSwallowed(t *testing.T) {
	calls, used := 0, map[string]bool{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if !strings.HasPrefix(path, "internal/") && !strings.HasPrefix(path, "cmd/") || strings.HasPrefix(path, "internal/vault/") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declared := range file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok || function.Body == nil {
				continue
			}
			name := file.Name.Name + "." + function.Name.Name
			found, swallowed := swallows(function.Body)
			calls += found
			for _, at := range swallowed {
				if _, listed := unheard[name]; listed {
					used[name] = true
					continue
				}
				t.Errorf("%s: %s goes on after an error of the vault: return it, or look for vault.ErrUnopened alone", set.Position(at), name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls < 60 {
		t.Errorf("%d calls of the vault were found", calls)
	}
	for name := range unheard {
		if !used[name] {
			t.Errorf("%s swallows no error any more: take it off the list", name)
		}
	}
}

// swallows counts the calls of the vault in a function, and returns those whose error ends there.
func swallows(body *ast.BlockStmt) (calls int, swallowed []token.Pos) {
	ast.Inspect(body, func(node ast.Node) bool {
		var list []ast.Stmt
		switch node := node.(type) {
		case *ast.BlockStmt:
			list = node.List
		case *ast.CaseClause:
			list = node.Body
		default:
			return true
		}
		for i, statement := range list {
			following := list[i+1:]
			if branch, ok := statement.(*ast.IfStmt); ok && branch.Init != nil {
				statement, following = branch.Init, []ast.Stmt{&ast.IfStmt{Cond: branch.Cond, Body: branch.Body}}
			}
			call, name, outer := vaultCall(statement)
			if call == nil {
				continue
			}
			calls++
			if name == "" || !passesOn(following, name, outer) {
				swallowed = append(swallowed, call.Pos())
			}
		}
		return true
	})
	return calls, swallowed
}

// vaultCall returns the call of the vault in an assignment, and the name that its error gets; none if it
// is dropped. The variable is that of an outer block if it exists already.
func vaultCall(statement ast.Stmt) (call *ast.CallExpr, name string, outer bool) {
	assignment, ok := statement.(*ast.AssignStmt)
	if !ok || len(assignment.Rhs) != 1 {
		return nil, "", false
	}
	call, ok = assignment.Rhs[0].(*ast.CallExpr)
	if !ok || !isVaultCall(call) {
		return nil, "", false
	}
	last, ok := assignment.Lhs[len(assignment.Lhs)-1].(*ast.Ident)
	if !ok || last.Name == "_" {
		return call, "", false
	}
	return call, last.Name, assignment.Tok == token.ASSIGN
}

func isVaultCall(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains(vaultCalls, method.Sel.Name) {
		return false
	}
	switch receiver := method.X.(type) {
	case *ast.SelectorExpr:
		return strings.EqualFold(receiver.Sel.Name, "vault")
	case *ast.Ident:
		return receiver.Name == "v"
	}
	return false
}

// passesOn reports whether statements return an error before they go on without it. At their end, the
// error goes on if its variable is that of an outer block.
func passesOn(list []ast.Stmt, name string, outer bool) bool {
	for _, statement := range list {
		switch statement := statement.(type) {
		case *ast.ReturnStmt:
			return slices.ContainsFunc(statement.Results, func(e ast.Expr) bool { return hands(e, name) }) || len(statement.Results) == 0
		case *ast.IfStmt:
			switch {
			case statement.Init != nil || !speaksOf(statement.Cond, name):
			case isUnopened(statement.Cond):
			case compares(statement.Cond, name, token.NEQ):
				return passesOn(statement.Body.List, name, false)
			}
		case *ast.SwitchStmt:
			for _, clause := range statement.Body.List {
				clause := clause.(*ast.CaseClause)
				if slices.ContainsFunc(clause.List, func(e ast.Expr) bool { return compares(e, name, token.NEQ) }) {
					return passesOn(clause.Body, name, false)
				}
			}
		}
	}
	return outer
}

// hands reports whether an expression is an error, or a call with it.
func hands(e ast.Expr, name string) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == name
	case *ast.CallExpr:
		return slices.ContainsFunc(e.Args, func(e ast.Expr) bool { return hands(e, name) })
	}
	return false
}

func speaksOf(e ast.Node, name string) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return true
	})
	return found
}

// isUnopened reports whether a condition asks for vault.ErrUnopened.
func isUnopened(e ast.Expr) bool { return speaksOf(e, "ErrUnopened") }

// compares reports whether a condition holds whenever an error is not nil, or part of it does.
func compares(e ast.Expr, name string, operator token.Token) bool {
	binary, ok := e.(*ast.BinaryExpr)
	if !ok {
		return false
	}
	if binary.Op == token.LOR || binary.Op == token.LAND {
		return compares(binary.X, name, operator) || compares(binary.Y, name, operator)
	}
	id, ok := binary.X.(*ast.Ident)
	return ok && id.Name == name && binary.Op == operator
}

// The reader of calls knows the ways in which errors of the vault were swallowed, and those in which they
// are not.
func TestSwallowedErrorsAreFound(t *testing.T) {
	for code, want := range map[string]bool{
		`raw, err := v.Open(a, b); if err != nil { return "" }; return string(raw)`:                                    true,
		`for range list { raw, err := v.Open(a, b); if err != nil { lost++; continue }; use(raw) }; return nil`:        true,
		`genuine, err := d.vault.Proves(a, b); return err == nil && genuine`:                                           true,
		`raw, _ := v.Open(a, b); return raw`:                                                                           true,
		`again, err := v.Reseal(a); if err != nil && !errors.Is(err, ErrX) { return nil, ErrLost }; return again, err`: true,
		`if raw, err := v.Open(a, b); err == nil { use(raw) }; return nil`:                                             true,
		`raw, err := v.Open(a, b); if err != nil { return nil, err }; return raw, nil`:                                 false,
		`raw, err := v.Open(a, b); if errors.Is(err, vault.ErrUnopened) { return nil }; if err != nil { return err }`:  false,
		`raw, err := v.Open(a, b); if err == nil { use(raw) }; return fmt.Errorf("x: %w", err)`:                        false,
		`var err error; if a { b, err = x.Vault.Seal(a, b) }; return err`:                                              false,
		`raw, err := v.Open(a, b); switch { case err != nil: return err; case len(raw) > 0: use(raw) }`:                false,
		`return v.MAC(a)`: false,
		`raw, err := file.Open(a); if err != nil { return nil }; return raw`: false,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p; func f() {"+code+"}", parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		_, swallowed := swallows(file.Decls[0].(*ast.FuncDecl).Body)
		if (len(swallowed) > 0) != want {
			t.Errorf("%s: swallowed at %v, want %v", code, swallowed, want)
		}
	}
}
