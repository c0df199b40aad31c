package console_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/operator"
)

func TestWhatOperatorsDoIsAudited(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	s := w.seed(t)
	w.post(t, "/console/login", "name", "jo", "password", "wrong")
	w.loginAs(t, "jo", w.add(t, "jo", operator.Admin))
	w.get(t, "/console/clients/budget")
	w.get(t, s.userPath)
	w.get(t, s.connectionPath)
	w.submit(t, w.get(t, "/console"), "/console/logout")
	err := w.Audit.Flush(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines, err := w.Audit.Find(t.Context(), audit.Filter{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, line := range lines {
		if !strings.HasPrefix(string(line.Action), "operator.") {
			continue
		}
		if line.Actor != audit.Platform && (line.Source != "127.0.0.1" || line.RequestID == "") {
			t.Errorf("%s comes from %q in the request %q", line.Action, line.Source, line.RequestID)
		}
		found[fmt.Sprint(line.Action, " ", line.Outcome, " ", line.Actor, " ", line.Client, " ", line.User, " ", line.Connection, " ", line.Details["page"], line.Details["code"])] = true
	}
	jo := "operator:2"
	for _, want := range []string{
		"operator.changed done platform  0 0 ", // the accounts of this test
		"operator.signed_in refused stranger  0 0 wrong_password",
		"operator.signed_in done " + jo + "  0 0 ",
		"operator.saw done " + jo + " budget 0 0 client",
		"operator.saw done " + jo + " budget " + s.user.ID.String() + " 0 user",
		"operator.saw done " + jo + " budget " + s.user.ID.String() + " " + s.connection.ID.String() + " connection",
		"operator.signed_out done " + jo + "  0 0 ",
	} {
		if !found[want] {
			t.Errorf("the log lacks %q: %v", want, found)
		}
		delete(found, want)
	}
	if len(found) > 0 {
		t.Errorf("the log has more: %v", found)
	}
}
