package connect_test

import (
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

func TestCredentialsThatCannotBeRightAreNamed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		good := w.typed("dev", "dev")
		change := func(f func(c *connect.CredentialValues)) connect.CredentialValues {
			c := connect.CredentialValues{KeyID: good.KeyID, Values: map[oxlin.CredentialID]string{"300": good.Values["300"], "301": good.Values["301"]}}
			f(&c)
			return c
		}
		tests := []struct {
			name        string
			credentials connect.CredentialValues
			field       string
		}{
			{"missing", change(func(c *connect.CredentialValues) { delete(c.Values, "301") }), "credentials.301"},
			{"empty", change(func(c *connect.CredentialValues) { c.Values["300"] = "" }), "credentials.300"},
			{"unknown", change(func(c *connect.CredentialValues) { c.Values["999"] = "x" }), "credentials.999"},
			{"in clear", change(func(c *connect.CredentialValues) { c.Values["301"] = "dev" }), "credentials.301"},
			{"no key", change(func(c *connect.CredentialValues) { c.KeyID = 0 }), "key_id"},
			{"another key", change(func(c *connect.CredentialValues) { c.KeyID = 4711 }), "key_id"},
		}
		for _, test := range tests {
			_, err := w.Service.Credentials.Connect(t.Context(), w.caller, connect.NewConnection{ProviderID: "87", Credentials: test.credentials})
			if got := oxlin.AsError(err); got.Code != oxlin.CodeInvalidRequest || got.Field != test.field {
				t.Errorf("%s: %v, want the field %s", test.name, err, test.field)
			}
		}
		w.Clock.Advance(31 * 24 * time.Hour)
		_, err := w.Service.Credentials.Connect(t.Context(), w.caller, connect.NewConnection{ProviderID: "87", Credentials: good})
		if got := oxlin.AsError(err); got.Field != "key_id" {
			t.Errorf("a key that has expired: %v", err)
		}
	})
}

func TestAnswersThatCannotBeRightCostNoAttempt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		id := w.login("dev", "dev")
		w.answer(id, platformtest.SendSMS)
		calls := w.Calls.Len()
		for field, answers := range map[string]map[oxlin.CredentialID]string{
			"credentials.306": {"307": "true"},
			"credentials.307": {"306": "123456"},
			"credentials.305": {"305": "seen", "306": "123456", "307": "true"},
			"credentials.304": {"304": "true", "306": "123456", "307": "true"},
		} {
			err := w.Service.Credentials.Answer(t.Context(), w.caller, id, "8700", connect.UserInput{Answers: answers})
			if got := oxlin.AsError(err); got.Code != oxlin.CodeInvalidRequest || got.Field != field {
				t.Errorf("%v: %v, want the field %s", answers, err, field)
			}
		}
		err := w.Service.Credentials.Answer(t.Context(), w.caller, id, "8700", connect.UserInput{Answers: map[oxlin.CredentialID]string{"306": "12", "307": "true"}})
		if got := oxlin.AsError(err); got.Field != "credentials.306" {
			t.Errorf("a code that is too short: %v", err)
		}
		// The answer to the question before, sent again because its answer was lost.
		err = w.Service.Credentials.Answer(t.Context(), w.caller, id, "8700", connect.UserInput{Answers: platformtest.SendSMS})
		if got := oxlin.AsError(err); got.Code != oxlin.CodeConflict {
			t.Errorf("an answer that was taken already: %v", err)
		}
		if w.Calls.Len() != calls {
			t.Error("the bank was asked")
		}
		w.answer(id, platformtest.RightCode)
		err = w.Service.Credentials.Answer(t.Context(), w.caller, id, "8700", connect.UserInput{Answers: platformtest.RightCode})
		if got := oxlin.AsError(err); got.Code != oxlin.CodeConflict {
			t.Errorf("an answer when nothing is asked: %v", err)
		}
	})
}

func TestKeysAreNotMadeWithoutEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Write(func(tx *store.Tx) error {
			for range 20 {
				_, err := tx.InsertKey(t.Context(), store.SealedKey{Key: oxlin.Key{UserID: w.caller.UserID, CreatedAt: w.Clock.Now(), ExpiresAt: w.Clock.Now().Add(time.Hour)}, Private: []byte{1}})
				if err != nil {
					return err
				}
			}
			return nil
		})
		_, err := w.Service.Keys.Create(t.Context(), w.caller)
		if got := oxlin.AsError(err); got.Code != oxlin.CodeTooManyRequests || got.RetryAfter == 0 {
			t.Errorf("the next key: %v", err)
		}
		w.Clock.Advance(2 * time.Hour)
		_, err = w.Service.Keys.Create(t.Context(), w.caller)
		if err != nil {
			t.Errorf("two hours later: %v", err)
		}
	})
}

func TestNewCredentialsReplaceAllOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		credentials := w.typed("dev+sms", "dev")
		credentials.Values["302"] = w.BankURL + "/stettestbank/test-bank.txt"
		id, err := w.Service.Credentials.Connect(t.Context(), w.caller, connect.NewConnection{ProviderID: "87", Credentials: credentials})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(w.embedded(id).Credentials); got != 3 {
			t.Errorf("%d credentials are kept of 3", got)
		}
		err = w.Service.Credentials.Replace(t.Context(), w.caller, id, "8700", w.typed("dev", "dev"))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(w.embedded(id).Credentials); got != 2 {
			t.Errorf("%d credentials are kept of 2", got)
		}
	})
}
