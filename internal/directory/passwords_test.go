package directory_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
)

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	shop := oxlin.Client{ID: "shop", Name: "Corner Shop", Secrets: []oxlin.ClientSecret{{Hash: []byte{1}}}}
	app := oxlin.Client{ID: "app", Name: "App"}
	for _, row := range []struct {
		fact     string
		rules    directory.PasswordRules
		client   oxlin.Client
		own      bool
		password string
		refusal  string // a part of the message; empty if the password may be set
	}{
		{"a client gives 8 characters", directory.PasswordRules{}, shop, false, "kR7wq2Zx", ""},
		{"a client gives 8 characters of any kind", directory.PasswordRules{}, shop, false, "password", ""},
		{"a client gives 7 characters", directory.PasswordRules{}, shop, false, "kR7wq2Z", "at least 8 characters"},
		{"a platform wants more of clients", directory.PasswordRules{Given: 10}, shop, false, "kR7wq2Zxa", "at least 10 characters"},
		{"a platform wants less of clients", directory.PasswordRules{Given: 4}, shop, false, "kR7w", ""},
		{"a user sets 12 characters", directory.PasswordRules{}, shop, true, "kR7wq2Zx9mTb", ""},
		{"a user sets 11 characters", directory.PasswordRules{}, shop, true, "kR7wq2Zx9mT", "at least 12 characters"},
		{"the length for clients is not one for users", directory.PasswordRules{Given: 4}, shop, true, "kR7wq2Zx9mT", "at least 12 characters"},
		{"the user of a public client has 11 characters", directory.PasswordRules{}, app, false, "kR7wq2Zx9mT", "at least 12 characters"},
		{"the user of a public client has a common password", directory.PasswordRules{}, app, false, "password1234", "attackers try first"},
		{"characters count, not bytes", directory.PasswordRules{}, shop, true, strings.Repeat("é", 11), "at least 12 characters"},
		{"an accent is not a character", directory.PasswordRules{}, shop, true, strings.Repeat("e\u0301x", 5) + "x", "at least 12 characters"},
		{"a surrogate pair is one character", directory.PasswordRules{}, shop, false, "😀😃😄😁😆😅😂", "at least 8 characters"},
		{"eight of them are eight", directory.PasswordRules{}, shop, false, "😀😃😄😁😆😅😂🙂", ""},
		{"spaces count", directory.PasswordRules{}, shop, true, "un mot à moi", ""},
		{"lower case alone", directory.PasswordRules{}, shop, true, "vjxwqkzbtmfp", ""},
		{"64 characters", directory.PasswordRules{}, shop, true, strings.Repeat("9f86d081884c7d65", 4), ""},
		{"128 characters", directory.PasswordRules{}, shop, true, strings.Repeat("é9f86d081884c7d6", 8), ""},
		{"129 characters", directory.PasswordRules{}, shop, true, strings.Repeat("é9f86d081884c7d6", 8) + "x", "at most 128 characters"},
		{"a common password", directory.PasswordRules{}, shop, true, "Password1234", "attackers try first"},
		{"the user's own e-mail", directory.PasswordRules{}, shop, true, "jo.doe@example.test", "attackers try first"},
		{"the platform's name", directory.PasswordRules{}, shop, true, "OxlinOxlin2026", "attackers try first"},
		{"the client's name", directory.PasswordRules{}, shop, true, "CornerShop2026", "attackers try first"},
		{"no password", directory.PasswordRules{}, shop, true, "", "1 to 1024 bytes"},
		{"1025 bytes", directory.PasswordRules{}, shop, true, strings.Repeat("x", 1025), "1 to 1024 bytes"},
	} {
		password := directory.NewPassword{Password: oxlin.NewSecret(row.password), Client: row.client, Email: "jo.doe@example.test", Own: row.own}
		err := row.rules.Check(t.Context(), password)
		shown := oxlin.AsError(err)
		if (err == nil) != (row.refusal == "") || err != nil && (shown.Code != oxlin.CodeInvalidRequest || shown.Field != "password" || !strings.Contains(shown.Message, row.refusal)) {
			t.Errorf("%s: %v", row.fact, err)
		}

		var log bytes.Buffer
		sandbox := row.rules
		sandbox.Warn, sandbox.Log = true, slog.New(slog.NewTextHandler(&log, nil))
		err = sandbox.Check(t.Context(), password)
		unusable := strings.Contains(row.refusal, "bytes")
		if (err != nil) != unusable {
			t.Errorf("%s, in a sandbox: %v", row.fact, err)
		}
		warned := strings.Contains(log.String(), "level=WARN") && strings.Contains(log.String(), row.refusal) && strings.Contains(log.String(), "client="+string(row.client.ID))
		if warned != (row.refusal != "" && !unusable) || row.password != "" && strings.Contains(log.String(), row.password) {
			t.Errorf("%s, in a sandbox: the log has %q", row.fact, log.String())
		}
	}
}
