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
		TokenUntil: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC), ConsentUntil: time.Date(2027, 2, 19, 10, 0, 0, 0, time.UTC), Refreshed: true,
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
