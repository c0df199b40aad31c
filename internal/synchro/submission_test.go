package synchro_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/jobs/jobstest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

var (
	sendAgain     = map[oxlin.CredentialID]string{"login_again": "true"}
	dontSendAgain = map[oxlin.CredentialID]string{"login_again": "false"}
)

// asksAgain reports whether the last event asks the user to send the password once more.
func (w *world) asksAgain() bool {
	w.T.Helper()
	events, err := w.DB.Read().Events(w.T.Context(), w.caller.UserID, 0, 1000)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, challenge := range events[len(events)-1].Payload.Challenge {
		if challenge.ID == "login_again" {
			return true
		}
	}
	return false
}

// passwords counts how often the site gets the login form, and answers it instead of the bank while
// instead is set.
type passwords struct {
	sent    int
	instead func() *http.Response
}

func (w *world) watchPasswords() *passwords {
	p := &passwords{}
	w.Calls.Hook(func(r *http.Request) *http.Response {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/site/connexion") {
			return nil
		}
		p.sent++
		if p.instead == nil {
			return nil
		}
		return p.instead()
	})
	return p
}

func sitePage(status int, text string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/html"}}, Body: io.NopCloser(strings.NewReader(text))}
}

// lostAnswers are the ways in which the outcome of a login is not known.
var lostAnswers = map[string]func() *http.Response{
	"an outage":       func() *http.Response { return sitePage(503, "back soon") },
	"a refusal":       func() *http.Response { return sitePage(403, "no") },
	"too many calls":  func() *http.Response { return sitePage(429, "later") },
	"an unknown page": func() *http.Response { return sitePage(200, "<p>Bonjour") },
	"half a page":     func() *http.Response { return sitePage(200, "<html><p>Bon") },
	"the first page":  func() *http.Response { return sitePage(200, `<form id="connexion"></form>`) },
	"an announcement": func() *http.Response { return sitePage(200, `<p id="indisponible"></p>`) },
}

// nights lets days pass, with the synchronisations of each.
func (w *world) nights(n int) {
	w.T.Helper()
	for range n * 8 {
		w.Clock.Advance(3 * time.Hour)
		err := w.Engine.Sweep(w.T.Context())
		if err != nil {
			w.T.Fatal(err)
		}
		w.work()
	}
}

func TestAPasswordIsNotTypedTwiceByItself(t *testing.T) {
	for name, answer := range lostAnswers {
		t.Run(name+"/the user is there", func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				bank := w.watchPasswords()
				bank.instead = answer
				id := w.login("dev", "dev")
				bank.instead = nil
				if !w.asksAgain() {
					w.synchronize(id) // the outcome told nothing to wait for: the user tries again
				}
				if bank.sent != 1 || !w.asksAgain() {
					t.Fatalf("sent %d times; the events are %v", bank.sent, w.eventTypes())
				}
				w.answer(id, dontSendAgain)
				if got := w.embedded(id).Status; got != oxlin.ChannelChallengeCancelled || bank.sent != 1 {
					t.Fatalf("the user does not agree: %s, sent %d times", got, bank.sent)
				}
				w.synchronize(id)
				w.answer(id, sendAgain)
				w.answer(id, sendSMS)
				w.answer(id, rightCode)
				if got := w.embedded(id).Status; got != oxlin.ChannelSuccess || bank.sent != 2 {
					t.Errorf("the user agrees: %s, sent %d times", got, bank.sent)
				}
			})
		})
		t.Run(name+"/at night", func(t *testing.T) {
			db, _ := storetest.SQLite(t)
			w := newWorld(t, db)
			bank := w.watchPasswords()
			id := w.login("dev", "dev")
			w.answer(id, sendSMS)
			w.answer(id, rightCode)
			present := w.caller.PSU
			w.caller.PSU = nil
			bank.instead = answer
			w.synchronize(id)
			bank.instead = nil
			w.nights(5)
			if got := w.embedded(id).Status; got != oxlin.ChannelChallengeRequired || bank.sent != 2 {
				t.Fatalf("after five nights: %s, sent %d times", got, bank.sent)
			}
			w.caller.PSU = present
			w.synchronize(id)
			w.answer(id, sendAgain)
			if got := w.embedded(id).Status; got != oxlin.ChannelSuccess || bank.sent != 3 {
				t.Errorf("the user agrees: %s, sent %d times", got, bank.sent)
			}
			w.nights(3)
			if got := w.embedded(id).Status; got != oxlin.ChannelSuccess || bank.sent < 5 {
				t.Errorf("three nights later: %s, sent %d times", got, bank.sent)
			}
		})
	}
}

// TestAPasswordAfterACrash ends the process between the password and its answer, and between the
// user's agreement and the answer.
func TestAPasswordAfterACrash(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		bank := w.watchPasswords()
		die := func() {
			t.Helper()
			job, found := w.Queue.TakeRun(jobstest.Any)
			if !found {
				t.Fatal("there is no job")
			}
			ctx, cancel := context.WithCancel(t.Context())
			bank.instead = func() *http.Response {
				cancel()
				return sitePage(200, "")
			}
			err := w.Engine.Run(ctx, job.ID)
			if err == nil {
				t.Fatal("the process lives")
			}
			bank.instead = nil
			err = w.Engine.Run(t.Context(), job.ID) // as the next process does
			if err != nil {
				t.Fatal(err)
			}
		}
		connection, err := w.Service.Credentials.Connect(t.Context(), w.caller, connect.NewConnection{ProviderID: "87", Credentials: w.typed("dev", "dev")})
		if err != nil {
			t.Fatal(err)
		}
		die()
		if bank.sent != 1 || !w.asksAgain() {
			t.Fatalf("sent %d times; the events are %v", bank.sent, w.eventTypes())
		}
		agree := func() {
			err := w.Service.Credentials.Answer(t.Context(), w.caller, connection, "8700", connect.UserInput{Answers: sendAgain})
			if err != nil {
				t.Fatal(err)
			}
		}
		agree()
		die()
		if bank.sent != 2 || !w.asksAgain() {
			t.Fatalf("after the agreement: sent %d times; the events are %v", bank.sent, w.eventTypes())
		}
		agree()
		w.work()
		w.answer(connection, sendSMS)
		w.answer(connection, rightCode)
		if got := w.embedded(connection).Status; got != oxlin.ChannelSuccess || bank.sent != 3 {
			t.Errorf("%s, sent %d times", got, bank.sent)
		}
	})
}

func TestARefusedPasswordIsNotTypedAgain(t *testing.T) {
	db, _ := storetest.SQLite(t)
	w := newWorld(t, db)
	bank := w.watchPasswords()
	id := w.login("dev", "dev")
	w.answer(id, sendSMS)
	w.answer(id, rightCode)
	present := w.caller.PSU
	w.caller.PSU = nil
	bank.instead = func() *http.Response {
		return sitePage(403, `<form id="connexion"></form><p class="erreur">Connexion impossible</p>`)
	}
	w.synchronize(id)
	bank.instead = nil
	for range 3 {
		if got := w.embedded(id).Status; got != oxlin.ChannelAuthFailed || bank.sent != 2 {
			t.Fatalf("%s, sent %d times", got, bank.sent)
		}
		w.nights(2)
	}
	w.caller.PSU = present
	err := w.Service.Credentials.Replace(t.Context(), w.caller, id, "8700", w.typed("dev", "dev"))
	if err != nil {
		t.Fatal(err)
	}
	w.work()
	if got := w.embedded(id).Status; got != oxlin.ChannelSuccess || bank.sent != 3 {
		t.Errorf("the user types it again: %s, sent %d times", got, bank.sent)
	}
}

// TestASessionThatIsLostOnTheWay: the site ends the session in the middle of a synchronisation.
func TestASessionThatIsLostOnTheWay(t *testing.T) {
	for _, attended := range []bool{true, false} {
		db, _ := storetest.SQLite(t)
		w := newWorld(t, db)
		bank := w.watchPasswords()
		id := w.login("dev", "dev")
		w.answer(id, sendSMS)
		w.answer(id, rightCode)
		if !attended {
			w.caller.PSU = nil
		}
		w.Clock.Advance(24 * time.Hour)
		w.Scenario("dev", "session_timeout-1")
		w.synchronize(id)
		if bank.sent != 2 {
			t.Fatalf("sent %d times", bank.sent)
		}
		if attended {
			w.answer(id, sendAgain)
		} else {
			if got := w.embedded(id); got.Status != oxlin.ChannelFailed || got.NextSyncAt.IsZero() {
				t.Fatalf("nobody is there: %+v", got)
			}
			w.Clock.Advance(w.embedded(id).NextSyncAt.Sub(w.Clock.Now()))
			w.nights(1)
		}
		if got := w.embedded(id).Status; got != oxlin.ChannelSuccess || bank.sent < 3 || bank.sent > 4 {
			t.Errorf("attended %t: %s, sent %d times", attended, got, bank.sent)
		}
	}
}
