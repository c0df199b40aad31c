package psd2_test

import (
	"testing"

	"github.com/oxlin/oxlin/internal/bank/psd2"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestStoredJSON holds the cursor in which a synchronisation goes on.
func TestStoredJSON(t *testing.T) {
	storetest.Stored[psd2.Position](t, `{
		"window": {"first": "2025-11-28", "from": "2026-08-30", "to": "2026-11-28"},
		"path": "/next", "query": "page=2", "pages": 1, "empty": 1, "days": {"2026-11-28": 1}, "seen": ["AAAAAAAAAAAA"], "broken": "a reason",
		"window_days": 30, "again": true, "held": true, "later": true, "cookies": ["at=7"], "keys": ["AAAAAAAAAAAA"], "undated": ["AAAAAAAAAAAA"], "fresh": ["AAAAAAAAAAAA"]}`)
}
