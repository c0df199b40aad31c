package vault

import (
	"testing"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestStoredJSON holds the master key's file.
func TestStoredJSON(t *testing.T) {
	storetest.Stored[keyText](t, `{"sealing": {"primaryKeyId": 1, "key": []}, "recognition": {"primaryKeyId": 2, "key": []}, "unmarked": 3}`)
}
