package testbank

import (
	"net/http"
	"strings"
	"time"
)

// unattendedQuota is the number of unattended accesses a day, unless the consent has fewer.
const unattendedQuota = 4

// admit counts one unattended access to one resource of one account, per customer and
// client, and reports whether it is within the day's quota. Days are days in Paris. The
// caller holds b.mu.
func (b *Bank) admit(held consent, account, endpoint string) bool {
	today := b.today()
	if b.state.UsageDay != today {
		b.state.UsageDay, b.state.Usage = today, map[string]int{}
	}
	key := digest(40, strings.Join([]string{held.Client, held.Customer, account, endpoint}, "\x00"))
	if b.state.Usage[key] >= orDefault(held.Frequency, unattendedQuota) {
		return false
	}
	b.state.Usage[key]++
	b.changed()
	return true
}

// untilTomorrow returns how long the quota stays exhausted. The caller holds b.mu.
func (b *Bank) untilTomorrow() time.Duration {
	now := b.now()
	return (DayOf(now) + 1).Midnight().Sub(now)
}

// tooMany returns the answer to an access above the quota. The caller holds b.mu.
func (b *Bank) tooMany() *failure {
	return &failure{status: http.StatusTooManyRequests, message: "Limite des appels par jour dépassée", retry: b.untilTomorrow()}
}
