package oxlin_test

import (
	"errors"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/notify"
)

// module is the path of this module, and the prefix of its packages.
const module = "github.com/oxlin/oxlin"

// house is the prefix of the platform's rooms, which promise nothing to importers.
const house = module + "/internal"

// visible are the folders outside the house: nouns, and what people run, read or import.
var visible = []string{".", "client", "cmd", "docs", "e2e", "examples", "testbank", "tools"}

// floors returns the house from the ground up, as docs/architecture.md draws it: a line
// of floors that arrows separate. A package imports from the floors below and from its
// own folder, so that a reader of one room needs no room above. Tests may look up.
func floors(t *testing.T) [][]string {
	t.Helper()
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	picture := regexp.MustCompile(`(?m)^ {4}root, .* ← .*$`).Find(text)
	if picture == nil {
		t.Fatal("docs/architecture.md draws no house: want a line of floors that begins with root")
	}
	var floors [][]string
	for _, floor := range strings.Split(strings.TrimSpace(string(picture)), " ← ") {
		rooms := strings.Split(floor, ", ")
		if rooms[0] == "root" {
			rooms[0] = "."
		}
		floors = append(floors, rooms)
	}
	return floors
}

// apart are independent programs, which share only the network with the platform. Only
// the packages that start or drive them may import them.
var apart = []string{"testbank", "client", "scenario", "examples"}

// speakers may import the root package, for exact amounts, dates and codes.
var speakers = []string{"client", "scenario"}

// keepers lists the only packages that may import a given library.
var keepers = []struct {
	what   string
	keeper []string
	reason string
}{
	{house + "/bank", []string{"bank", "synchro", "connect", "platformtest", "cmd"}, "the API must not depend on how a bank is spoken to; it sees what is stored"},
	{house + "/store/query", []string{"store"}, "SQL is the store's own"},
	{house + "/omit", []string{"bank", "store"}, "it serves tests; of these rooms, the packages that serve tests"},
	{house + "/store/storetest", nil, "it serves tests, and starts PostgreSQL"},
	{house + "/store/postgrestest", []string{"e2e"}, "it serves tests, and starts PostgreSQL"},
	{house + "/bank/banktest", []string{"platformtest"}, "it serves tests"},
	{house + "/jobs/jobstest", []string{"platformtest"}, "it serves tests"},
	{house + "/platformtest", nil, "it serves tests"},
	{house + "/keeper/keepertest", nil, "it serves tests, and opens a door to the master key"},
	{house + "/synchro/reconcile/torture", []string{"e2e"}, "it measures recognition, and serves tests"},
	{house + "/scenario/sandboxtest", nil, "it serves tests, and builds the binary"},
	{house + "/api/oas", []string{"api"}, "generated code is a matter of the API's edge"},
	{"github.com/ogen-go/ogen", []string{"api", "client"}, "generated code is a matter of the API's edge"},
	{"github.com/riverqueue/river", []string{"jobs"}, "the job engine can be changed in one room"},
	{"github.com/jackc/pgx", []string{"store"}, "only the store knows which database it is"},
	{"modernc.org/sqlite", []string{"store"}, "only the store knows which database it is"},
	{"github.com/pressly/goose", []string{"store"}, "only the store knows its tables"},
	{"github.com/gofrs/flock", []string{"store"}, "a database is claimed in one room"},
	{"github.com/go-jose/go-jose", []string{"auth", "bank"}, "tokens are signed in one room; what banks sign and verify is theirs"},
	{"github.com/tink-crypto/tink-go", []string{"vault"}, "secrets are sealed in one room"},
	{"github.com/alexedwards/argon2id", []string{"vault"}, "passwords are hashed in one room"},
	{"github.com/ccojocar/zxcvbn-go", []string{"directory"}, "passwords are judged in one room"},
	{"github.com/ProtonMail/gopenpgp", []string{"vault", "client"}, "secrets are opened in one room; an integrator encrypts them"},
	{"github.com/ProtonMail/go-crypto", []string{"vault"}, "secrets are opened in one room"},
	{"github.com/chromedp/chromedp", []string{"bank"}, "a browser is one way to read a bank's site"},
	{"github.com/go-fed/httpsig", []string{"bank"}, "requests are signed for banks alone"},
	{"github.com/a-h/templ", []string{"auth", "console", "portal", "widget", "testbank", "examples"}, "pages have one template engine"},
	{"html/template", nil, "pages have one template engine"},
	{"text/template", nil, "it makes the linker keep every method"},
	{"github.com/yuin/goldmark", []string{"portal"}, "guides are shown in one room"},
	{"github.com/alexflint/go-arg", []string{"cmd"}, "rooms take options, not command lines"},
}

// rootLibraries are the libraries that the root package may import.
var rootLibraries = []string{"github.com/cockroachdb/apd", "golang.org/x/text"}

// generated packages contain no hand-written code.
var generated = []string{"internal/api/oas"}

type pkg struct {
	ImportPath string
	Doc        string
	Imports    []string
}

// folder is the package's path in the module, "." for the root.
func (p pkg) folder() string { return folderOf(p.ImportPath) }

func folderOf(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

// room returns the name of the room that a folder belongs to, wherever it is.
func room(folder string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(folder, "internal/"), "/")
	return first
}

// under reports whether a package is another one or inside it.
func under(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}

// packages returns the module's packages without their tests. It reads the files
// directly, so that the cache of go test sees changes.
func packages(t *testing.T) []pkg {
	t.Helper()
	var list []pkg
	err := filepath.WalkDir(".", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		_, err = os.Stat(filepath.Join(dir, "go.mod"))
		hidden := dir != "." && strings.HasPrefix(entry.Name(), ".")
		if dir != "." && err == nil || hidden || entry.Name() == "testdata" || entry.Name() == "node_modules" {
			return filepath.SkipDir
		}
		p, err := build.ImportDir(dir, 0)
		var none *build.NoGoError
		if errors.As(err, &none) {
			return nil
		}
		list = append(list, pkg{path.Join(module, filepath.ToSlash(dir)), p.Doc, p.Imports})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestImportsPointDown(t *testing.T) {
	floorOf, floors := map[string]int{}, floors(t)
	for floor, rooms := range floors {
		for _, name := range rooms {
			floorOf[name] = floor
		}
	}
	for _, p := range packages(t) {
		own := room(p.folder())
		floor, known := floorOf[own]
		if !known && !slices.Contains(apart, own) {
			t.Errorf("%s is in no floor of the house: say where it belongs", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			if !under(imported, module) || room(folderOf(imported)) == own {
				continue
			}
			other := room(folderOf(imported))
			otherFloor, platform := floorOf[other]
			switch {
			case platform && otherFloor == 0 && slices.Contains(speakers, own):
			case !known && platform:
				t.Errorf("%s imports %s: it stands apart from the platform", p.ImportPath, imported)
			case !platform && known && floor < len(floors)-1:
				t.Errorf("%s imports %s: that stands apart from the platform", p.ImportPath, imported)
			case known && platform && otherFloor >= floor:
				t.Errorf("%s imports %s: that is not below it", p.ImportPath, imported)
			}
		}
	}
}

// tellers are the rooms that name a way to notify clients, with their reason. All others
// follow the declarations of notify, so that a further way touches notify alone.
var tellers = map[string]string{
	"notify": "it declares the ways",
	"jobs":   "the kind and the queue of webhooks are older than other ways, and wait in databases",
	"api":    "the contract describes the JSON of webhooks",
}

func TestAWayToNotifyIsNamedInItsRoom(t *testing.T) {
	for _, p := range packages(t) {
		if !under(p.ImportPath, house) && room(p.folder()) != "cmd" && p.folder() != "." || tellers[room(p.folder())] != "" {
			continue
		}
		files, err := filepath.Glob(filepath.Join(filepath.FromSlash(p.folder()), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(node ast.Node) bool {
				word := ""
				switch node := node.(type) {
				case *ast.Ident:
					word = node.Name
				case *ast.BasicLit:
					word = node.Value
				}
				for _, way := range notify.Ways() {
					if strings.Contains(strings.ToLower(word), way.Name) {
						t.Errorf("%s names a way to notify clients: %s", file, word)
					}
				}
				return true
			})
		}
	}
}

func TestRoomsAreInTheHouse(t *testing.T) {
	for _, p := range packages(t) {
		if !under(p.ImportPath, house) && !slices.Contains(visible, room(p.folder())) {
			t.Errorf("%s is outside internal/, and no importer is promised it", p.ImportPath)
		}
	}
}

func TestTheVocabularyNeedsDecimalsOnly(t *testing.T) {
	for _, imported := range packages(t)[0].Imports {
		library := func(allowed string) bool { return under(imported, allowed) }
		if strings.Contains(room(imported), ".") && !slices.ContainsFunc(rootLibraries, library) {
			t.Errorf("the root imports %s", imported)
		}
	}
}

func TestRoomsKeepTheirLibraries(t *testing.T) {
	for _, p := range packages(t) {
		own := room(p.folder())
		for _, imported := range p.Imports {
			for _, rule := range keepers {
				if under(imported, rule.what) && own != room(folderOf(imported)) && !slices.Contains(rule.keeper, own) {
					t.Errorf("%s imports %s, which only %v may: %s", p.ImportPath, imported, rule.keeper, rule.reason)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && !slices.Contains(generated, p.folder()) {
			t.Errorf("%s has no doc comment", p.ImportPath)
		}
	}
}

// skippers are the files whose tests skip without an omission: a fuzz test that has no use
// for its input, and the gallery, which is drawn on demand.
var skippers = []string{"internal/auth/fuzz_test.go", "internal/vault/openpgp_test.go", "internal/widget/page/gallery_test.go"}

func TestOmissionsAreCounted(t *testing.T) {
	skip := regexp.MustCompile(`\b(t|tb|b|f|s)\.(Skip|Skipf|SkipNow)\(`)
	for _, p := range packages(t) {
		files, err := filepath.Glob(filepath.Join(filepath.FromSlash(p.folder()), "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if p.folder() == "internal/omit" || slices.Contains(skippers, filepath.ToSlash(file)) {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if found := skip.Find(text); found != nil {
				t.Errorf("%s has %s: a test leaves cases out with package omit", file, found)
			}
		}
	}
}
