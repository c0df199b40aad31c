package oxlin_test

import (
	"testing"
	"time"

	"github.com/oxlin/oxlin"
)

func TestClientSecretEnds(t *testing.T) {
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	for fact, row := range map[string]struct {
		end         time.Time
		ended, soon bool
	}{
		"no end":             {time.Time{}, false, false},
		"far away":           {now.Add(oxlin.SecretWarning + time.Second), false, false},
		"30 days":            {now.Add(oxlin.SecretWarning), false, true},
		"a second":           {now.Add(time.Second), false, true},
		"the instant itself": {now, true, false},
		"the past":           {now.Add(-time.Hour), true, false},
	} {
		s := oxlin.ClientSecret{Hash: []byte{0xab, 0xcd, 0, 1, 2}, EndsAt: row.end}
		if s.Ended(now) != row.ended || s.EndsSoon(now) != row.soon {
			t.Errorf("%s: ended %v, soon %v", fact, s.Ended(now), s.EndsSoon(now))
		}
		warned := oxlin.Client{Secrets: []oxlin.ClientSecret{{}, s}}
		if got := len(warned.SecretsEndingSoon(now)); (got == 1) != row.soon {
			t.Errorf("%s: %d secrets end soon", fact, got)
		}
		for _, silent := range []oxlin.Client{
			{Secrets: warned.Secrets, Disabled: true},
			{Secrets: warned.Secrets, Deleting: true},
			{Secrets: warned.Secrets, Authentication: oxlin.ClientAuthentication{Method: oxlin.AuthByPrivateKey}},
		} {
			if got := silent.SecretsEndingSoon(now); len(got) != 0 {
				t.Errorf("%s: a client that uses no secret is warned of %v", fact, got)
			}
		}
		if s.Fingerprint() != "abcd0001" {
			t.Errorf("fingerprint %s", s.Fingerprint())
		}
	}
}
