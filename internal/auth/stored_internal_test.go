package auth

import (
	"testing"

	"github.com/oxlin/oxlin/internal/vault"
)

// TestStoredPlace holds the place of a signing key, without which it does not open.
func TestStoredPlace(t *testing.T) {
	if place := placeOfKey("id"); place != (vault.Place{Table: "signing_keys", Column: "private_key", Row: "id"}) {
		t.Errorf("a signing key is sealed for %+v", place)
	}
}
