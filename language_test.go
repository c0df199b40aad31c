package oxlin_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// unplain lists phrases that a reader has to translate, each with the plain form that
// CONTRIBUTING.md's language guide gives.
var unplain = []struct {
	phrase *regexp.Regexp
	plain  string
}{
	{regexp.MustCompile(`\b(says?|tells?) (that|whether|if)\b`), `"reports whether", "returns", or the condition itself`},
	{regexp.MustCompile(`\b(is|are|was|were) what\b`), `name the noun: "Access holds the tokens for ..."`},
	{regexp.MustCompile(`\b[Ww]hat (is|was|are|were) (so|told|known|asked|typed|shown|said|meant|due|left|there)\b`), "name the noun: the state, the answer, the event"},
	{regexp.MustCompile(`\b(is|are|was|were|has|have|had|makes?|gives?|needs?) none\b`), `"has no ...", "is not a ..."`},
	{regexp.MustCompile(`(^|[.;:] )Who(ever)? `), `start with the noun that acts: "A client that ..."`},
	{regexp.MustCompile(`\b(to|for|by|from|as|than|so) who(ever)? (is|are|has|have|may|comes?|asks?|needs?|wants?|does|reads?|sends?)\b`), `"for a client that ..."`},
	{regexp.MustCompile(`\b(was|were|is|are|be|been) told (to|of|by)\b`), `"receives", "is sent to", "reports"`},
	{regexp.MustCompile(`\bno more than\b`), `"only", "at most"`},
	{regexp.MustCompile(`\b(is|are) (one|ones) no more\b`), `"no longer is"`},
	{regexp.MustCompile(`\bcomes? to (its|their|an) end\b`), `"ends"`},
}

// TestCommentsUsePlainWords holds the comments of hand-written code to the language
// guide in CONTRIBUTING.md.
func TestCommentsUsePlainWords(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil || ast.IsGenerated(file) {
			return err
		}
		for _, group := range file.Comments {
			text := strings.Join(strings.Fields(group.Text()), " ")
			for _, rule := range unplain {
				if found := rule.phrase.FindString(text); found != "" {
					t.Errorf("%s: %q: write %s", files.Position(group.Pos()), found, rule.plain)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
