package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
)

// recorded returns the entries of an action.
func (w *world) recorded(t *testing.T, f audit.Filter) []audit.Line {
	t.Helper()
	err := w.Audit.Flush(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines, err := w.Audit.Find(t.Context(), f, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestAnAcceptedAbsenceIsRecorded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		account := w.doubted(t, w.seed(t), "Compte", oxlin.Doubt{Since: w.Clock.Now(), Lacks: 5, Of: 9})
		form := w.get(t, "/console/doubts").html.Find(`form[action="/console/accounts/` + account.ID.String() + `/accept"]`)
		mark := form.Find("input[name=mark]").AttrOr("value", "")
		w.send(t, http.MethodPost, "/console/accounts/"+account.ID.String()+"/accept", url.Values{"mark": {mark}, "reason": {"The bank says so."}}.Encode())
		lines := w.recorded(t, audit.Filter{Action: audit.AbsenceAccepted})
		if len(lines) != 1 || lines[0].Account != account.ID || lines[0].User != account.UserID || lines[0].Actor != audit.Operator(1) || lines[0].Reason != "The bank says so." {
			t.Errorf("the acceptance is recorded as %+v", lines)
		}
	})
}

func TestTheAuditLogIsShownPageByPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		const all = 130
		w.Write(func(tx *store.Tx) error {
			for i := range all {
				err := w.Audit.Record(t.Context(), tx, audit.Entry{
					Action: audit.BankAccess, User: s.user.ID, Connection: s.connection.ID, RequestID: fmt.Sprint("r", i), Source: "203.0.113.9",
					At: w.Clock.Now().Add(time.Duration(i) * time.Second),
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		first := w.get(t, "/console/audit?action=bank.access&user="+s.user.ID.String())
		shown := rows(first.html.Find("table"))
		if len(shown) != 100 || !strings.Contains(shown[0][4], "r129") || !strings.Contains(shown[0][5], "from 203.0.113.9") {
			t.Fatalf("the first page has %d rows; the first is %v", len(shown), shown[0])
		}
		older, ok := first.html.Find(`a:contains("Older entries")`).Attr("href")
		if !ok {
			t.Fatal("there are no older entries")
		}
		second := rows(w.get(t, older).html.Find("table"))
		if len(second) != 30 || !strings.Contains(second[29][4], "r0") {
			t.Errorf("the second page has %d rows", len(second))
		}
		for filter, want := range map[string]int{
			"request=r7": 1, "connection=" + s.connection.ID.String() + "&action=bank.access&since=2026-11-18T09:30:10Z&until=2026-11-18T09:30:20Z": 10,
			"client=nobody": 0, "user=999999": 0,
		} {
			if got := len(rows(w.get(t, "/console/audit?"+filter).html.Find("table"))); got != want {
				t.Errorf("%s: %d rows, want %d", filter, got, want)
			}
		}
		w.get(t, "/console/audit?reason=A+complaint&connection="+s.connection.ID.String())
		looks := w.recorded(t, audit.Filter{Action: audit.OperatorSaw, NewestFirst: true})
		if len(looks) == 0 || looks[0].Reason != "A complaint" || looks[0].Connection != s.connection.ID || looks[0].Details["page"] != "audit" {
			t.Errorf("the look is recorded as %+v", looks)
		}
		for _, wrong := range []string{"user=x", "consent=-1", "since=yesterday", "action=bank.robbed", "before=0x1"} {
			p := w.send(t, http.MethodGet, "/console/audit?"+wrong, "")
			field, _, _ := strings.Cut(wrong, "=")
			if p.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(p.words("[role=alert]"), field) {
				t.Errorf("%s: HTTP %d %s", wrong, p.StatusCode, p.words("[role=alert]"))
			}
		}
	})
}
