package installation

import (
	"testing"

	"github.com/oxlin/oxlin/internal/vault"
)

// TestStoredKeyCheck holds the names of the key check, without which every database would
// refuse its own key.
func TestStoredKeyCheck(t *testing.T) {
	if keyPlace != (vault.Place{Table: "installation", Column: "key_check", Row: "1"}) || checked != "installation key check" {
		t.Errorf("the key check is %q, sealed for %+v", checked, keyPlace)
	}
}
