package console_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
)

func TestNobodyUsesABank(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		// Synchronisations that ended more than a week ago, still run or were replaced
		// are not counted.
		w.sync(t, s.channel, past{oxlin.SyncAll, oxlin.ChannelFailed, "old", 7*24*time.Hour + time.Minute, time.Second, 0, nil})
		w.sync(t, s.channel, past{oxlin.SyncAll, "", "", time.Hour, time.Second, 0, nil})
		w.sync(t, s.channel, past{oxlin.SyncAll, "", "", time.Minute, 0, 0, nil})
		p := w.get(t, "/console")
		if words(p.html.Find("section").First()) != "No synchronisation has ended in the last seven days." || p.html.Find("section").First().Find("table").Length() != 0 {
			t.Errorf("got %s", p.words("main"))
		}
	})
}

func TestHowTheBanksDo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.seed(t)
		demo, gone := w.connect(t, s, "182"), w.connect(t, s, "99999")
		good := func(took time.Duration) past {
			return past{oxlin.SyncAll, oxlin.ChannelSuccess, "", time.Hour, took, 3, nil}
		}
		failed := func(problem string, ago time.Duration) past {
			return past{oxlin.SyncAll, oxlin.ChannelFailed, problem, ago, time.Minute, 0, nil}
		}
		for _, was := range []past{
			failed("the oldest", 6*24*time.Hour), failed("the newest "+hostile, 2*time.Hour), failed("between", 3*time.Hour),
			good(time.Second), good(9 * time.Second), good(2 * time.Second),
			// A listing of accounts counts, but not for the median.
			{oxlin.SyncListAccounts, oxlin.ChannelSuccess, "", time.Hour, time.Millisecond, 0, nil},
		} {
			w.sync(t, s.channel, was)
		}
		// A failure that only the user can repair is not the bank's failure, nor its
		// last error.
		for _, status := range []oxlin.ChannelStatus{
			oxlin.ChannelAuthFailed, oxlin.ChannelTooManyAttempts, oxlin.ChannelPasswordChangeRequired, oxlin.ChannelTokenExpired, oxlin.ChannelChallengeRequired,
			oxlin.ChannelChallengeTimedOut, oxlin.ChannelChallengeFailed, oxlin.ChannelChallengeCancelled, oxlin.ChannelUserActionRequired,
		} {
			w.sync(t, demo, past{oxlin.SyncAll, status, "credentials rejected", time.Hour, time.Second, 0, nil})
		}
		w.sync(t, gone, good(1234*time.Millisecond))
		want := [][]string{
			{"Linxo Test Bank 87", "57 %", "4", "3", "0", "2s", "the newest " + hostile + " 2026-11-18 07:31:00"},
			{"Demo Bank 182", "–", "0", "0", "9", "–", "–"},
			{"not in the catalogue 99999", "100 %", "1", "0", "0", "1.23s", "–"},
		}
		if got := rows(w.get(t, "/console").html.Find("table").First()); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %q", got)
		}
	})
}

// An operator sees what the banks lack that end users do not find.
func TestBanksThatAreNotOffered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		want := [][]string{{"Unreached 190", `the setting "own_name" is missing`}}
		if got := rows(w.get(t, "/console").html.Find("details table")); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %q", got)
		}
		for _, provider := range w.Service.Providers.List() {
			if provider.ID == "190" {
				t.Error("it is offered")
			}
		}
		if _, known := w.Service.Providers.Get("190"); !known {
			t.Error("it does not answer by its id")
		}
	})
}
