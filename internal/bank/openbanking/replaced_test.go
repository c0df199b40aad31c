package openbanking_test

import (
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// A renewal that has made another consent leaves the first one at the bank. It is deleted with our own token, and
// the user's tokens stay.
func TestAReplacedConsentIsDeletedAlone(t *testing.T) {
	asked := &counter{t: t}
	connector := scripted(t, `"oauth":{"revoke_url":"https://bank.example/revoke/token"}`, asked)
	held := func(consent string) bank.Access {
		return bank.Access{Token: oxlin.NewSecret("at"), RefreshToken: oxlin.NewSecret("rt"), State: oxlin.NewSecret(`{"consent":"` + consent + `"}`)}
	}
	for _, renewed := range []bank.Access{held("c-1"), {}} {
		_, ok := connector.Replaced(held("c-1"), renewed)
		if ok {
			t.Errorf("%+v has left a consent", renewed)
		}
	}
	left, ok := connector.Replaced(held("c-1"), held("c-2"))
	if !ok {
		t.Fatal("another consent has left none")
	}
	err := connector.Revoke(t.Context(), left)
	told := asked.asked.String()
	if err != nil || !strings.Contains(told, "DELETE /aisp/account-access-consents/c-1\n") || strings.Contains(told, "/revoke/") {
		t.Errorf("the bank is asked for\n%s%v", told, err)
	}
}

// Two accesses are of one consent only if both name it.
func TestAccessesOfOneConsent(t *testing.T) {
	connector := scripted(t, "", &counter{t: t})
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{`{"consent":"c-1"}`, `{"consent":"c-1"}`, true},
		{`{"consent":"c-1"}`, `{"consent":"c-2"}`, false},
		{`{"consent":""}`, `{"consent":""}`, false},
		{`{"consent":"c-1"}`, ``, false},
		{``, ``, false},
		{`{"consent":"c-1"}`, `nonsense`, false},
	} {
		a, b := bank.Access{State: oxlin.NewSecret(test.a)}, bank.Access{State: oxlin.NewSecret(test.b)}
		if connector.SharesConsent(a, b) != test.want || connector.SharesConsent(b, a) != test.want {
			t.Errorf("%q and %q share a consent: want %t", test.a, test.b, test.want)
		}
	}
}
