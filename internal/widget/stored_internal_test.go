package widget

import (
	"testing"

	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

// TestStoredJSON checks the JSON of widget_flows.state against that of unfinished flows.
func TestStoredJSON(t *testing.T) {
	const storedEnding = `{"Status": "failed", "Result": "created", "Description": "d", "ConnectionID": 2}`
	storetest.Stored[state](t, `{
		"Entry": "edit_credentials", "Opened": "add_connection", "Modern": true, "Parameters": "lang=fr","Ignored":["font"], "Language": "fr", "Queue": 5, "Provider": "87",
		"Definition": "8700", "File": true, "FilesTaken": 1, "Bound": 2, "Watched": true, "Left": 1, "Consented": true, "Finished": ["8701"], "Made": true,
		"Waited": [11], "Problem": "refused", "NotedReturns": ["0123456789abcdef"], "Framed": true, "Returned": true, "Undoing": `+storedEnding+`,
		"Told": "WIDGET_LOGIN", "Ended": `+storedEnding+`}`)
}

// TestStoredPlace checks the vault place of a flow's session, which unsealing requires.
func TestStoredPlace(t *testing.T) {
	if place := flowPlace(7); place != (vault.Place{Table: "widget_flows", Column: "session", Row: "7"}) {
		t.Errorf("a session is sealed for %+v", place)
	}
}
