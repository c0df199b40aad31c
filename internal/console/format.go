package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
)

// instant formats a time as the console shows it, in UTC.
func instant(t time.Time) string { return t.UTC().Format(time.DateTime) }

func percent(n int) string { return strconv.Itoa(n) + " %" }

func duration(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }

func isWrong(field string, wrong *oxlin.Error) bool { return wrong != nil && wrong.Field == field }

func agreement(c oxlin.Client) string {
	if c.Licensed {
		return "its own"
	}
	return "ours"
}

func consentScope(c oxlin.Consent) string {
	if c.AllAccounts {
		return "all, present and future"
	}
	ids := make([]string, len(c.Accounts))
	for i, id := range c.Accounts {
		ids[i] = id.String()
	}
	return strings.Join(ids, ", ")
}

func presence(s *oxlin.Synchronisation) string {
	if s.PSU != nil {
		return "user present"
	}
	return "user absent"
}

func outcome(s *oxlin.Synchronisation) string {
	switch {
	case s.Outcome != "":
		return string(s.Outcome)
	case s.EndedAt.IsZero():
		return string(s.State)
	}
	return "replaced"
}

// result describes how long a synchronisation took, and how many transactions it added.
func result(s *oxlin.Synchronisation) string {
	if s.EndedAt.IsZero() {
		return ""
	}
	text := duration(s.EndedAt.Sub(s.StartedAt))
	if s.Kind == oxlin.SyncAll && s.Outcome == oxlin.ChannelSuccess {
		text += fmt.Sprintf(", %d new transactions", s.NewTransactions)
	}
	return text
}
