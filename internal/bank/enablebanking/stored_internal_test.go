package enablebanking

import (
	"testing"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestStoredJSON holds the states of an access and of a way in.
func TestStoredJSON(t *testing.T) {
	storetest.Stored[session](t, `{"session": "s", "authorized": "2026-11-30T10:00:00Z", "accounts": [{"uid": "u"}]}`)
	storetest.Stored[way](t, `{"until": "2027-05-29T10:00:00Z"}`)
}
