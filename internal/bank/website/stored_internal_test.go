package website

import (
	"maps"
	"slices"
	"testing"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestStoredJSON checks the stored formats of a session, of a question's state, and of
// a cursor.
func TestStoredJSON(t *testing.T) {
	const storedSession = `{
		"cookies": [{
			"name": "appareil", "value": "v", "path": "/site", "secure": true, "hidden": true,
			"until": "2027-05-27T09:00:00Z"}],
		"notes": {"device": "d"},
		"from": {"address": "https://bank.example/site/comptes", "policy": "origin"},
		"proof": "salt.0011aabb"}`
	storetest.Stored[savedSession](t, storedSession)
	storetest.Stored[question](t, `{
		"session": `+storedSession+`, "step": "code",
		"next": {"address": "/site/code", "get": true, "fields": {"jeton": ["j"]},
			"from": {"address": "https://bank.example/site/code", "policy": "origin"}},
		"field": "code", "phone": "06 XX XX XX 78", "inputs": [{"name": "q1", "layout": "02/01/2006"}]}`)
	storetest.Stored[position](t, `{"address": "/site/comptes/1/operations?page=2", "seen": ["0011aabbccdd"], "empty": 1,
		"from": {"address": "https://bank.example/site/comptes/1/operations", "policy": "origin"}}`)
}

// TestStoredSteps checks the stored names of the steps of a login.
func TestStoredSteps(t *testing.T) {
	stored := []placeKind{"inside", "between", "offer", "code", "questions"}
	if now := []placeKind{inside, interstitial, atOffer, atCode, atQuestions}; !slices.Equal(now, stored) {
		t.Errorf("the steps are stored as %q, and were stored as %q", now, stored)
	}
}

// TestRecipesKeepTheirNames checks the names in operators' provider files.
func TestRecipesKeepTheirNames(t *testing.T) {
	names := slices.Sorted(maps.Keys(recipes))
	for _, name := range []string{"django-admin", "memorable", "sql-ledger", "testbank"} {
		if !slices.Contains(names, name) {
			t.Errorf("no recipe is called %q any more: there are %q", name, names)
		}
	}
}
