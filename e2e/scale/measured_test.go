package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A result of the bench takes the place of the published costs.
func TestCostsOfAResult(t *testing.T) {
	file := filepath.Join(t.TempDir(), "result.json")
	for _, row := range []struct {
		text, fault string
	}{
		{`{"database":"postgres","figures":[{"name":"synchronisation without news, CPU","unit":"ms","value":6},{"name":"tokens, 8 callers","unit":"/s","value":4000,"cpu":180}]}`, ""},
		{`{"database":"sqlite","figures":[]}`, "PostgreSQL"},
		{`{"database":"postgres","figures":[{"name":"something else","cpu":1}]}`, "no figure"},
		{`{`, "unexpected"},
	} {
		err := os.WriteFile(file, []byte(row.text), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		c, err := costsFrom(file)
		switch {
		case row.fault != "" && (err == nil || !strings.Contains(err.Error(), row.fault)):
			t.Errorf("%s: %v", row.text, err)
		case row.fault == "" && (err != nil || c.quiet.node != 0.006 || c.token.node != 0.00018 || c.list != measured.list || c.quiet.commits != measured.quiet.commits):
			t.Errorf("%+v, %v", c, err)
		}
	}
}
