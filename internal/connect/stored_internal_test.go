package connect

import (
	"testing"

	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/internal/vault"
)

// TestStoredPlaces holds the places of sealed values, which open nowhere else.
func TestStoredPlaces(t *testing.T) {
	hash := []byte{0xab, 0x01}
	for _, row := range []struct{ now, stored vault.Place }{
		{verifierPlace(hash), vault.Place{Table: "authorizations", Column: "verifier", Row: "ab01"}},
		{heldPlace(hash), vault.Place{Table: "held_accesses", Column: "access", Row: "ab01"}},
		{stepPlace(hash, journeyColumn), vault.Place{Table: "bank_steps", Column: "journey", Row: "ab01"}},
		{stepPlace(hash, stateColumn), vault.Place{Table: "bank_steps", Column: "state", Row: "ab01"}},
		{stepPlace(hash, shownColumn), vault.Place{Table: "bank_steps", Column: "shown", Row: "ab01"}},
		{spoolPlace(hash), vault.Place{Table: "spool", Column: "access", Row: "ab01"}},
	} {
		if row.now != row.stored {
			t.Errorf("what was sealed for %+v is looked for in %+v", row.stored, row.now)
		}
	}
}

// TestStoredJSON holds the names of the fields that are stored as JSON.
func TestStoredJSON(t *testing.T) {
	storetest.Stored[outcome](t, `{"status": "error", "result": "bank_error", "error_description": "The bank refused the request.", "connection_id": 2001, "unconfirmed": "not_confirmed", "next": "ab01"}`)
	storetest.Stored[journeyRecord](t, `{
		"language": "fr", "credentials": {"9001": "x"}, "psu": {"ip": "192.0.2.7", "user_agent": "Mozilla/5.0", "port": "50001", "accept": "text/html", "accept_charset": "utf-8",
		"accept_encoding": "gzip", "accept_language": "fr", "method": "GET", "device_id": "d-1", "location": "geo:48.8,2.3", "referer": "https://app.example/"}, "unbound": true}`)
	storetest.Stored[shownRecord](t, `{
		"kind": "question", "address": "https://bank.example/", "challenges": [
			{"ID": "306", "Label": "Code", "Type": "NUMERIC", "Regexp": ".*", "Encrypt": true, "Params": {"phone": "06"}}],
		"fragment": true, "until": "2026-11-28T09:10:00Z"}`)
	storetest.Stored[Mapping](t, `{
		"format": "CSV", "charset": "UTF-8", "separator": ";", "header": ["Date"], "columns": ["day"], "order": "DMY", "decimal": ",", "sign": "written", "currency": "EUR"}`)
	storetest.Stored[spooledAccess](t, `{
		"state_hash": "qwE=", "answer": "qwI=", "access": "{}", "user_id": 7, "provider_id": "87", "definition_id": "8701",
		"consent_per_account": true, "auto_sync": true, "bound": true, "psu": {"ip": "192.0.2.7", "user_agent": "Mozilla/5.0", "port": "50001", "accept": "text/html", "accept_charset": "utf-8",
		"accept_encoding": "gzip", "accept_language": "fr", "method": "GET", "device_id": "d-1", "location": "geo:48.8,2.3", "referer": "https://app.example/"}}`)
}
