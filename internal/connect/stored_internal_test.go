package connect

import (
	"testing"

	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

// TestStoredPlaces holds the place of a sealed verifier, which opens nowhere else.
func TestStoredPlaces(t *testing.T) {
	stored := vault.Place{Table: "authorizations", Column: "verifier", Row: "ab01"}
	if now := verifierPlace([]byte{0xab, 0x01}); now != stored {
		t.Errorf("what was sealed for %+v is looked for in %+v", stored, now)
	}
}

// TestStoredJSON holds the names of the fields that are stored as JSON.
func TestStoredJSON(t *testing.T) {
	storetest.Stored[outcome](t, `{"status": "error", "result": "bank_error", "error_description": "The bank refused the request.", "connection_id": 2001}`)
}
