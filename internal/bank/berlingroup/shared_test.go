package berlingroup_test

import (
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestARenewalThatIsNotKeptLeavesTheStoredConsent renews a connection, and nobody agrees to the return. What goes back
// to the bank is the consent of the renewal, in no case that of the stored access, which the bank may have extended.
func TestARenewalThatIsNotKeptLeavesTheStoredConsent(t *testing.T) {
	for _, test := range []struct {
		name     string
		extends  bool
		answered bool
		want     string
	}{
		{"the same consent, and the user says no", true, true, ""},
		{"the same consent, and nobody answers", true, false, ""},
		{"another consent, and the user says no", false, true, "C2"},
		{"another consent, and nobody answers", false, false, "C2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				behind := &renewing{extends: test.extends}
				w := behind.platform(t, db)
				caller := w.LicensedCaller()
				id := behind.give(t, w, caller, 0).ConnectionID
				w.Settle()
				caller.Client.ConfirmReturn = true
				w.SaveClients(caller.Client)
				renewal := behind.give(t, w, caller, id)
				if renewal.Status != "held" {
					t.Fatalf("the renewal ends with %+v", renewal)
				}
				var err error
				if test.answered {
					_, err = w.Service.Authorizations.Answer(t.Context(), renewal.Question, false, caller.PSU, nil)
				} else {
					w.Clock.Advance(time.Hour)
					err = w.Service.Authorizations.EndUnanswered(t.Context(), nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				w.Revoke()
				if got := strings.Join(behind.deleted, " "); got != test.want {
					t.Errorf("deleted are %q, want %q", got, test.want)
				}
				err = w.Service.Connections.Delete(t.Context(), caller, id)
				if err != nil {
					t.Fatal(err)
				}
				behind.deleted = nil
				w.Settle()
				w.Revoke()
				if got := strings.Join(behind.deleted, " "); got != "C1" {
					t.Errorf("with the connection are deleted %q, want C1", got)
				}
			})
		})
	}
}

// A renewal that is given up deletes the consent that it has made, and none that the bank has extended.
func TestARenewalThatIsGivenUpLeavesTheStoredConsent(t *testing.T) {
	for extends, want := range map[bool]string{true: "", false: "C2"} {
		behind := &renewing{extends: extends, made: 1}
		c := connector(t, "", behind)
		step, err := c.Continue(t.Context(), bank.Input{Event: bank.Begun, Journey: bank.Journey{
			RedirectURI: "https://oxlin.example/back", RedirectState: "a-state", Access: bank.Access{State: oxlin.NewSecret(`{"consent_id":"C1"}`)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		err = c.Discard(t.Context(), step.(bank.Address).State)
		if got := strings.Join(behind.deleted, " "); err != nil || got != want {
			t.Errorf("extends %t: deleted are %q, want %q, %v", extends, got, want, err)
		}
	}
}
