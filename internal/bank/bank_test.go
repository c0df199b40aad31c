package bank_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

func TestAccessIsNeverSeen(t *testing.T) {
	access := bank.Access{
		Token: oxlin.NewSecret("s3cret-token"), RefreshToken: oxlin.NewSecret("s3cret-refresh"),
		TokenFrom: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), TokenUntil: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
		ConsentUntil: time.Date(2027, 2, 19, 10, 0, 0, 0, time.UTC), Refreshed: true,
	}
	marshalled, err := json.Marshal(access)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(access), fmt.Sprintf("%+v %#v", access, access), string(marshalled), fmt.Sprint(access.Encode())} {
		if strings.Contains(text, "s3cret") {
			t.Errorf("the access shows its secret: %s", text)
		}
	}
	back, err := bank.DecodeAccess(access.Encode())
	if err != nil || back != access {
		t.Errorf("the access came back as %+v: %v", back, err)
	}
	_, err = bank.DecodeAccess(oxlin.NewSecret("s3cret {"))
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a text that is no access: %v", err)
	}
}

// A token is used before it is renewed, however short its life is.
func TestATokenIsRenewedShortlyBeforeItsEnd(t *testing.T) {
	given := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		// life is zero if the bank announces none.
		life time.Duration
		// unnoted is set if nobody noted when the token was given, as before this was noted.
		unnoted bool
		// due is the age from which it is renewed; negative for never.
		due time.Duration
	}{
		{"a day", 24 * time.Hour, false, 24*time.Hour - time.Minute},
		{"an hour", time.Hour, false, 59 * time.Minute},
		{"six minutes", 6 * time.Minute, false, 5 * time.Minute},
		{"five minutes", 5 * time.Minute, false, 4*time.Minute + 10*time.Second},
		{"a minute", time.Minute, false, 50 * time.Second},
		{"half a minute", 30 * time.Second, false, 25 * time.Second},
		{"six seconds", 6 * time.Second, false, 5 * time.Second},
		{"a second", time.Second, false, time.Second - time.Second/6},
		{"no announcement", 0, false, -1},
		{"an hour of a token from before", time.Hour, true, 59 * time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			access := bank.Access{TokenFrom: given}
			if test.life > 0 {
				access.TokenUntil = given.Add(test.life)
			}
			if test.unnoted {
				access.TokenFrom = time.Time{}
			}
			for _, age := range []time.Duration{0, time.Millisecond, test.due - time.Millisecond, test.due, test.life, 1000 * time.Hour} {
				want := test.due >= 0 && age >= test.due
				if got := access.Due(given.Add(age)); got != want {
					t.Errorf("after %v it is due: %t, want %t", age, got, want)
				}
			}
		})
	}
}

func TestAFailureLeavesTheChannelInAStatus(t *testing.T) {
	tests := []struct {
		kind      bank.FailureKind
		status    oxlin.ChannelStatus
		transient bool
	}{
		{bank.AccessLost, oxlin.ChannelTokenExpired, false},
		{bank.CredentialsRejected, oxlin.ChannelAuthFailed, false},
		{bank.Locked, oxlin.ChannelTooManyAttempts, false},
		{bank.PasswordExpired, oxlin.ChannelPasswordChangeRequired, false},
		{bank.ActionAtBank, oxlin.ChannelUserActionRequired, false},
		{bank.ChallengeNeeded, oxlin.ChannelChallengeRequired, false},
		{bank.ChallengeRejected, oxlin.ChannelChallengeFailed, false},
		{bank.ChallengeTimedOut, oxlin.ChannelChallengeTimedOut, false},
		{bank.ChallengeCancelled, oxlin.ChannelChallengeCancelled, false},
		{bank.RateLimited, oxlin.ChannelFailed, true},
		{bank.Unavailable, oxlin.ChannelFailed, true},
		{bank.Nonsense, oxlin.ChannelFailed, false},
		{bank.Refused, oxlin.ChannelFailed, false},
	}
	for _, test := range tests {
		failure := &bank.Failure{Kind: test.kind}
		if failure.ChannelStatus() != test.status || failure.Transient() != test.transient {
			t.Errorf("%s: %s, transient %t", test.kind, failure.ChannelStatus(), failure.Transient())
		}
	}
	wrapped := fmt.Errorf("asking: %w", &bank.Failure{Kind: bank.Locked})
	if bank.AsFailure(wrapped).Kind != bank.Locked || bank.AsFailure(fmt.Errorf("broken pipe")).Kind != bank.Unavailable {
		t.Error("a failure is not found in its chain")
	}
}

// TestAccountsOfAnOlderVersion covers a list that was stored before accounts had addresses: the
// bank's id was both.
func TestAccountsOfAnOlderVersion(t *testing.T) {
	for text, want := range map[string][2]string{
		`{"bank_id":"r-1","type":"CHECKINGS"}`:               {"r-1", "r-1"},
		`{"address":"","bank_id":"r-1","type":"CHECKINGS"}`:  {"", "r-1"},
		`{"address":"a","bank_id":"","type":"CHECKINGS"}`:    {"a", ""},
		`{"address":"a","bank_id":"r-1","type":"CHECKINGS"}`: {"a", "r-1"},
	} {
		var page bank.AccountsPage
		err := json.Unmarshal([]byte(`{"accounts":[`+text+`]}`), &page)
		if err != nil {
			t.Fatal(err)
		}
		if got := page.Accounts[0]; got.Address != want[0] || got.BankID != want[1] || got.Type != oxlin.AccountCheckings {
			t.Errorf("%s is read as %+v", text, got)
		}
	}
}
