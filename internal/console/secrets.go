package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
)

// secretRow is a secret of a client, as the console shows it.
type secretRow struct {
	Fingerprint string
	MadeAt      time.Time
	// UsedOn is the day of the last use, "" for a secret that was not used since days are recorded.
	UsedOn string
	// End tells when the secret ends, or has ended.
	End string
	// Bad is set if it has ended or ends soon.
	Bad bool
}

// secretRows returns the secrets of a client, the newest first. uses has the days of their last uses by
// fingerprint.
func secretRows(c oxlin.Client, uses map[string]time.Time, now time.Time) []secretRow {
	rows := make([]secretRow, len(c.Secrets))
	for i, secret := range c.Secrets {
		row := secretRow{Fingerprint: secret.Fingerprint(), MadeAt: secret.MadeAt, End: secretEnd(secret, now), Bad: secret.Ended(now) || secret.EndsSoon(now)}
		if day, used := uses[row.Fingerprint]; used {
			row.UsedOn = day.UTC().Format(time.DateOnly)
		}
		rows[i] = row
	}
	return rows
}

// secretEnd tells the end of a secret.
func secretEnd(secret oxlin.ClientSecret, now time.Time) string {
	switch {
	case secret.EndsAt.IsZero():
		return "no end"
	case secret.Ended(now):
		return "ended " + instant(secret.EndsAt)
	case secret.EndsSoon(now):
		return fmt.Sprintf("ends %s, in %s", instant(secret.EndsAt), days(secret.EndsAt.Sub(now)))
	}
	return "ends " + instant(secret.EndsAt)
}

// days tells a time in whole days, rounded down.
func days(d time.Duration) string {
	switch n := int(d / (24 * time.Hour)); n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return strconv.Itoa(n) + " days"
	}
}

// secretWarning tells the first end of a secret of a client in the next days; "" without one.
func secretWarning(c oxlin.Client, now time.Time) string {
	var first oxlin.ClientSecret
	for _, secret := range c.SecretsEndingSoon(now) {
		if first.EndsAt.IsZero() || secret.EndsAt.Before(first.EndsAt) {
			first = secret
		}
	}
	if first.EndsAt.IsZero() {
		return ""
	}
	return fmt.Sprintf("a secret ends in %s", days(first.EndsAt.Sub(now)))
}

// secretDays reads the life of a new secret in days from a form; an empty field is no end.
func secretDays(r *http.Request) (int, error) {
	text := strings.TrimSpace(r.PostFormValue("secret_days"))
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		n = -1 // refused as every other number out of bounds
	}
	return n, directory.CheckSecretDays(n)
}
