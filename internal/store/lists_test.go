package store

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unshown are the columns that no list shows: what is sealed, the banks' own records, and
// hashes of secrets.
var unshown = []string{
	"access", "value", "private_key", "answers", "verifier", "raw", "body", "session", "key_check", "totp_key", "enrolling",
	"password_hash", "secrets",
}

// opening are the queries of many rows whose callers open what is sealed, or need to know
// whether it is there.
var opening = map[string]string{
	"ListUnreadable":           "a better parser reads the records again",
	"ListCredentials":          "a login opens them",
	"ListSigningKeys":          "id_tokens are signed with them",
	"ListAuthorizationsOfUser": "a code of the client is exchanged with one of them",
	"ListClients":              "an operator's list tells whether a client has secrets",
	"ListOperators":            "an operator's list tells whether a second factor is set up",
	"ListEndedHeldAccesses":    "the accesses go back to their banks",
	"WidgetFlows":              "a user goes back to the session of one of them",
	"ListHeldAccessesOfFlow":   "the accesses go back to their banks",
}

var (
	listQuery = regexp.MustCompile("(?s)const \\w+ = `-- name: (\\w+) :many\\n(.*?)`")
	selected  = regexp.MustCompile(`(?is)^\s*SELECT\s+(?:DISTINCT\s+)?(.*?)\sFROM\s`)
)

// Lists load only what they show: no query of several rows selects a column that no list
// shows, except the ones whose callers open it.
func TestListsLoadWhatTheyShow(t *testing.T) {
	files, err := filepath.Glob("query/*.sql.go")
	if err != nil {
		t.Fatal(err)
	}
	lists, used := 0, map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range listQuery.FindAllStringSubmatch(string(text), -1) {
			name, columns := list[1], selected.FindStringSubmatch(list[2])
			if columns == nil {
				continue // it returns what it has changed
			}
			lists++
			for column := range strings.SplitSeq(columns[1], ",") {
				fields := strings.Fields(strings.ReplaceAll(column, ".", " "))
				if len(fields) == 0 || !slices.Contains(unshown, fields[len(fields)-1]) {
					continue
				}
				used[name] = true
				if opening[name] == "" {
					t.Errorf("%s: %s loads %s", file, name, fields[len(fields)-1])
				}
			}
		}
	}
	if lists < 30 {
		t.Errorf("only %d lists were found", lists)
	}
	for name := range opening {
		if !used[name] {
			t.Errorf("%s loads nothing that is not shown", name)
		}
	}
}
