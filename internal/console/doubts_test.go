package console_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// doubted stores an account of the seeded connection.
func (w *world) doubted(t *testing.T, s *seeded, name string, doubt oxlin.Doubt) oxlin.Account {
	t.Helper()
	account := oxlin.Account{
		UserID: s.user.ID, ConnectionID: s.connection.ID, Name: name, Type: oxlin.AccountCheckings, Status: oxlin.AccountActive,
		Currency: "EUR", IBAN: "FR7630006000011234567890189", OwnerName: "Marie Curie", CreatedAt: w.Clock.Now(), LastChannelDefinition: "8701",
		Coverage: oxlin.Coverage{Doubt: doubt},
	}
	if !doubt.Since.IsZero() {
		account.Coverage.Gap = oxlin.GapSuspect
	}
	w.Write(func(tx *store.Tx) (err error) {
		account.ID, err = tx.InsertAccount(t.Context(), account)
		return err
	})
	return account
}

// stored is the account as it is stored.
func (w *world) stored(t *testing.T, account oxlin.Account) oxlin.Account {
	t.Helper()
	account, err := w.DB.Read().Account(t.Context(), account.ID)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

const (
	doubtfulRows     = "Accounts with missing transactions"
	doubtfulAccounts = "Connections with missing accounts"
)

func TestNothingIsInDoubt(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	w.login(t)
	w.doubted(t, w.seed(t), "Compte", oxlin.Doubt{})
	p := w.get(t, "/console/doubts")
	for _, heading := range []string{doubtfulRows, doubtfulAccounts} {
		if got := words(p.section(heading).Find("p")); got != "None." {
			t.Errorf("%s: %q", heading, got)
		}
	}
}

func TestAnOperatorAcceptsASuspectReading(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		since := w.Clock.Now().Add(-time.Hour)
		w.doubted(t, s, "Compte clair", oxlin.Doubt{})
		newest := w.doubted(t, s, "Compte "+hostile, oxlin.Doubt{Since: since, Lacks: 4, Of: 12})
		older := w.doubted(t, s, "Livret", oxlin.Doubt{Since: since, Lacks: 30, Of: 90, Older: true})
		p := w.get(t, "/console/doubts")
		want := [][]string{
			{"Compte " + hostile + " " + newest.ID.String(), s.connection.ID.String(), "4 of 12", "2026-11-18 08:30:00", "They are gone"},
			{"Livret " + older.ID.String(), s.connection.ID.String(), "30 of 90", "2026-11-18 08:30:00", "They are gone"},
		}
		if got := rows(p.section(doubtfulRows)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the page has %q", got)
		}
		accept := "/console/accounts/" + newest.ID.String() + "/accept"
		for range 2 { // a double click counts once
			answer := w.submit(t, p, accept)
			if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/console/doubts?accepted" {
				t.Fatalf("got %d %s", answer.StatusCode, answer.text)
			}
		}
		if got := w.stored(t, newest).Coverage; !got.Doubt.Accepted || got.Doubt.Lacks != 4 {
			t.Errorf("stored %+v", got)
		}
		if w.stored(t, older).Coverage.Doubt.Accepted {
			t.Error("the other account is accepted as well")
		}
		p = w.get(t, "/console/doubts?accepted")
		if got := rows(p.section(doubtfulRows)); got[0][4] != "accepted" || got[1][4] != "They are gone" || p.words("[role=status]") == "" {
			t.Errorf("the page has %q", got)
		}
		if log := w.Log.String(); !strings.Contains(log, "absence accepted in the console") || !strings.Contains(log, "account="+newest.ID.String()) {
			t.Error("the log does not tell what was accepted")
		}
	})
}

// An account that may be under another id now is told as such, with what to do.
func TestAnAccountThatMayHaveAnotherID(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	w.login(t)
	s := w.seed(t)
	since := w.Clock.Now().Add(-time.Hour)
	one := w.doubted(t, s, "Compte", oxlin.Doubt{Since: since, Unlisted: true})
	const advice = "under another id of the bank"
	if p := w.get(t, "/console/doubts"); strings.Contains(words(p.section(doubtfulAccounts)), advice) {
		t.Error("nothing is replaced")
	}
	two := w.doubted(t, s, "Livret", oxlin.Doubt{Since: since, Unlisted: true, Replaced: true})
	p := w.get(t, "/console/doubts")
	if got := rows(p.section(doubtfulAccounts))[0][2]; got != "Compte "+one.ID.String()+" Livret "+two.ID.String()+" replaced" {
		t.Errorf("the page has %q", got)
	}
	if !strings.Contains(words(p.section(doubtfulAccounts)), advice) {
		t.Error("the page does not tell what to do")
	}
}

func TestAnOperatorAcceptsASuspectList(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		since := w.Clock.Now().Add(-time.Hour)
		one := w.doubted(t, s, "Compte", oxlin.Doubt{Since: since, Unlisted: true})
		two := w.doubted(t, s, "Livret", oxlin.Doubt{Since: since.Add(-time.Hour), Unlisted: true})
		rest := w.doubted(t, s, "Carte", oxlin.Doubt{})
		p := w.get(t, "/console/doubts")
		want := [][]string{{s.connection.ID.String(), "8701", "Compte " + one.ID.String() + " Livret " + two.ID.String(), "2026-11-18 07:30:00", "They are gone"}}
		if got := rows(p.section(doubtfulAccounts)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the page has %q", got)
		}
		accept := "/console/connections/" + s.connection.ID.String() + "/accept"
		for range 2 {
			answer := w.submit(t, p, accept)
			if answer.StatusCode != http.StatusSeeOther {
				t.Fatalf("got %d %s", answer.StatusCode, answer.text)
			}
		}
		if !w.stored(t, one).Coverage.Doubt.Accepted || !w.stored(t, two).Coverage.Doubt.Accepted || w.stored(t, rest).Coverage.Doubt.Accepted {
			t.Error("the absence of both accounts alone is to be accepted")
		}
		if got := rows(w.get(t, "/console/doubts").section(doubtfulAccounts)); got[0][4] != "accepted" {
			t.Errorf("the page has %q", got)
		}
	})
}

// A form accepts what its page has shown, and only from the operator's own pages.
func TestAnAbsenceThatNobodySawIsNotAccepted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		since := w.Clock.Now()
		reading := w.doubted(t, s, "Compte", oxlin.Doubt{Since: since, Lacks: 4, Of: 12})
		listed := w.doubted(t, s, "Livret", oxlin.Doubt{Since: since, Unlisted: true})
		p := w.get(t, "/console/doubts")
		update := func(account oxlin.Account, doubt oxlin.Doubt) {
			account.Coverage.Doubt = doubt
			w.Write(func(tx *store.Tx) error { return tx.UpdateAccount(t.Context(), account) })
		}
		forms := map[string]oxlin.Account{
			"/console/accounts/" + reading.ID.String() + "/accept":         reading,
			"/console/connections/" + s.connection.ID.String() + "/accept": listed,
		}
		refused := func(why string, want int, send func(action string) page) {
			t.Helper()
			for action, account := range forms {
				if got := send(action); got.StatusCode != want || got.words("[role=alert]") == "" && want == http.StatusConflict {
					t.Errorf("%s: %s answers %d", why, action, got.StatusCode)
				}
				if w.stored(t, account).Coverage.Doubt.Accepted {
					t.Errorf("%s: %s accepts", why, action)
				}
			}
		}
		refused("another site", http.StatusForbidden, func(action string) page {
			return w.send(t, http.MethodPost, action, "mark=x", "Sec-Fetch-Site", "cross-site")
		})
		refused("no mark", http.StatusConflict, func(action string) page { return w.post(t, action, "channel", "8701") })
		refused("the other's mark", http.StatusConflict, func(action string) page {
			other := p.html.Find(`form[method=post][action$="/accept"]:not([action="`+action+`"]) [name=mark]`).First().AttrOr("value", "")
			return w.post(t, action, "channel", "8701", "mark", other)
		})
		refused("a GET", http.StatusNotFound, func(action string) page { return w.get(t, action) })
		update(reading, oxlin.Doubt{Since: since, Lacks: 9, Of: 12})
		update(listed, oxlin.Doubt{Since: since.Add(time.Hour), Unlisted: true})
		refused("more is missing now", http.StatusConflict, func(action string) page { return w.submit(t, p, action) })
		update(reading, oxlin.Doubt{})
		update(listed, oxlin.Doubt{})
		refused("all is shown again", http.StatusConflict, func(action string) page { return w.submit(t, p, action) })
		w.cookie = nil
		refused("logged out", http.StatusSeeOther, func(action string) page { return w.submit(t, p, action) })
		for _, missing := range []string{"/console/accounts/77/accept", "/console/connections/77/accept"} {
			w.login(t)
			if got := w.post(t, missing, "mark", "x"); got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusConflict {
				t.Errorf("%s answers %d", missing, got.StatusCode)
			}
		}
	})
}
