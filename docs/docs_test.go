package docs_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// example loads the sandbox's catalogue with the example of connector.md in it.
func example(t *testing.T, settings map[string]string) *catalogue.Catalogue {
	t.Helper()
	banks, err := catalogue.Load(catalogue.Options{
		Sandbox: true, TestBankURL: "http://127.0.0.1:8081", Extra: os.DirFS("examples"), Variables: settings,
	})
	if err != nil {
		t.Fatal(err)
	}
	return banks
}

func TestTheExampleProviderCanBeUsed(t *testing.T) {
	banks := example(t, map[string]string{"example_client_id": "oxlin-example"})
	provider, found := banks.Provider("9001")
	if !found || provider.Unavailable {
		t.Fatalf("the provider is %+v", provider)
	}
	for _, definition := range provider.ChannelDefinitions {
		connector, err := banks.Connector(provider.ID, definition.ID)
		if err != nil {
			t.Fatal(err)
		}
		var fits bool
		switch definition.Mode {
		case oxlin.ModeRedirect:
			_, fits = connector.(bank.Continuer)
		case oxlin.ModeEmbedded:
			_, fits = connector.(bank.Continuer)
		}
		if !fits {
			t.Errorf("%s: a %T is no connector for %s", definition.ID, connector, definition.Mode)
		}
	}
}

func TestTheExampleProviderIsUnavailableWithoutItsSettings(t *testing.T) {
	provider, found := example(t, nil).Provider("9001")
	if !found || !provider.Unavailable {
		t.Errorf("the provider is %+v", provider)
	}
}

func TestTheGuideShowsTheExampleAsItIs(t *testing.T) {
	guide, err := os.ReadFile("connector.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("examples/provider.json")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(string(guide))
	if shown == nil || shown[1] != string(file) {
		t.Error("connector.md does not show examples/provider.json")
	}
}

// TestLinksLeadSomewhere follows the links from guide to guide.
func TestLinksLeadSomewhere(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".md") {
			continue
		}
		text, err := os.ReadFile(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			_, err := os.Stat(found[1])
			if err != nil {
				t.Errorf("%s: %v", entry.Name(), err)
			}
		}
	}
}

// TestThePageOfStolenCopiesNamesEveryColumnOfBytes holds stolen-copy.md to the tables:
// sealed values and hashes are bytes.
func TestThePageOfStolenCopiesNamesEveryColumnOfBytes(t *testing.T) {
	page, err := os.ReadFile("stolen-copy.md")
	if err != nil {
		t.Fatal(err)
	}
	db, _ := storetest.SQLite(t)
	rows, err := db.SQLite().QueryContext(t.Context(), `
		SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c
		WHERE t.type = 'table' AND c.type = 'BLOB' AND t.name NOT LIKE 'river_%' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	named := 0
	for rows.Next() {
		var column string
		err := rows.Scan(&column)
		if err != nil {
			t.Fatal(err)
		}
		if named++; !strings.Contains(string(page), "`"+column+"`") {
			t.Errorf("stolen-copy.md does not name %s", column)
		}
	}
	if err := rows.Err(); err != nil || named < 15 {
		t.Fatalf("%d columns were looked at: %v", named, err)
	}
}

// TestEveryColumnThatIsSealedIsWalked holds the walk of `oxlin reseal` to stolen-copy.md, which
// names every column of bytes: what it calls sealed is walked, and of the keyed hashes each is
// counted before an older key is taken away.
func TestEveryColumnThatIsSealedIsWalked(t *testing.T) {
	page, err := os.ReadFile("stolen-copy.md")
	if err != nil {
		t.Fatal(err)
	}
	sealed, hashed, parts := map[string]bool{}, map[string]bool{}, regexp.MustCompile("`([a-z_]+\\.[a-z_]+)`")
	section := ""
	for line := range strings.Lines(string(page)) {
		for _, beginning := range []string{"Sealed with the master key", "Hashed:", "Public:"} {
			if strings.HasPrefix(line, beginning) {
				section = beginning
			}
		}
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, found := range parts.FindAllStringSubmatch(cells[1], -1) {
			switch {
			case section == "Sealed with the master key":
				sealed[found[1]] = true
			case section == "Hashed:" && strings.Contains(cells[2], "a keyed hash:"):
				hashed[found[1]] = true
			}
		}
	}
	walked := map[string]bool{}
	for _, column := range store.SealedColumns() {
		walked[column.Name()] = true
	}
	if !maps.Equal(sealed, walked) {
		t.Errorf("the page calls sealed:\n%v\nand these are walked:\n%v", slices.Sorted(maps.Keys(sealed)), slices.Sorted(maps.Keys(walked)))
	}
	counted := map[string]bool{"attempts.subject": true, "paces.subject": true} // they begin anew after a rotation
	for _, column := range store.KeyedColumns() {
		counted[column] = true
	}
	if !maps.Equal(hashed, counted) {
		t.Errorf("the page calls keyed hashes:\n%v\nand these are counted:\n%v", slices.Sorted(maps.Keys(hashed)), slices.Sorted(maps.Keys(counted)))
	}
}
