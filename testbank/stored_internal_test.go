package testbank

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// TestStoredJSON holds the state file, in which the bank of a sandbox outlives its process.
// It has every member of the file; a new one is added.
func TestStoredJSON(t *testing.T) {
	text := []byte(`{
		"Offset": 1000,
		"Customers": {"dev\n": {
			"Login": "dev", "URL": "https://file.example/dev", "Anchor": 20785, "Fetched": 20785, "Text": "t",
			"Accepted": true, "TimedOut": 20785, "Syncs": [20785]}},
		"Consents": {"c": {
			"ID": "c", "Client": "oxlin-sandbox", "Customer": "dev\n", "Scopes": ["aisp"], "SCA": "2026-11-28T09:00:00Z",
			"Expires": "2027-02-26T09:00:00Z", "Revoked": true, "Chosen": {
				"Balances": ["1"], "Transactions": ["1"], "Owners": ["1"], "Overdrafts": ["1"], "Identity": true, "Trusted": true},
			"Frequency": 2, "Asked": {
				"Status": "valid", "Until": 20870, "Once": true, "Lasts": true, "Permissions": ["ReadBalances"], "Return": "https://oxlin.example/oauth2/aisp?state=s",
				"Refused": "https://oxlin.example/oauth2/aisp?error=true", "Login": "dev", "SCA": {
					"ID": "a", "Status": "started", "Method": "app", "Wrong": 1, "Approves": "2026-11-28T09:00:05Z"}}}},
		"Codes": {"h": {
			"Consent": "c", "RedirectURI": "https://oxlin.example/oauth2/aisp", "Challenge": "x", "Expires": "2026-11-28T09:05:00Z",
			"Used": true}},
		"Access": {"h": {"Consent": "c", "First": true, "Client": "oxlin-sandbox", "Expires": "2026-11-28T10:00:00Z"}},
		"Refresh": {"h": {"Consent": "c", "Spent": "2026-11-28T10:00:00Z"}},
		"Scenarios": {"dev": {"down": {"Name": "down", "Param": "p", "Since": 20785, "Times": 2, "Left": 1, "Gen": 1}}},
		"Visits": {"h": {
			"Site": "site", "Step": "code", "Token": "t", "Login": "dev", "Customer": "dev\n", "Wrong": 1,
			"Sent": "2026-11-28T09:00:00Z", "Seen": "2026-11-28T09:00:00Z", "Pages": 3}},
		"Devices": {"h": {"Site": "site", "Customer": "dev\n", "Expires": "2027-05-27T09:00:00Z"}},
		"Attempts": {"dev\n": {"Wrong": 2, "Since": "2026-11-28T09:00:00Z"}},
		"UsageDay": 20785, "Usage": {"u": 3}}`)
	read := newState()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(read)
	if err != nil {
		t.Fatalf("the state file is not read: %v", err)
	}
	written, err := json.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	var before, after any
	err = json.Unmarshal(text, &before)
	if err != nil {
		t.Fatal(err)
	}
	err = json.Unmarshal(written, &after)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("the state is stored as\n%s\nand was stored as\n%s", written, text)
	}
}
