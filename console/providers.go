package console

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
)

const (
	// healthPeriod is the time over which a provider's health is told.
	healthPeriod = 7 * 24 * time.Hour
	healthMost   = 20_000
)

// health is how a provider did.
type health struct {
	Provider oxlin.Provider
	// Good and Bad count the synchronisations that the bank let succeed, and those
	// that failed for technical reasons. What only the user can heal says nothing
	// about the bank: it is in User.
	Good, Bad, User int
	// Median is how long a reading took that succeeded; zero where there was none.
	Median    time.Duration
	LastError string
	LastAt    time.Time
}

func (h health) used() bool { return h.Good+h.Bad+h.User > 0 }

// rate is the share of good ones, in per cent; -1 where there is none to count.
func (h health) rate() int {
	if h.Good+h.Bad == 0 {
		return -1
	}
	return 100 * h.Good / (h.Good + h.Bad)
}

func (c *Console) providers(w http.ResponseWriter, r *http.Request) error {
	ended, err := c.DB.Read().RecentlyEnded(r.Context(), c.Now().Add(-healthPeriod), healthMost)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, providerHealth(c.healths(ended)))
	return nil
}

// healths sums up what has ended, the providers with the most trouble first, and
// those that nobody used last.
func (c *Console) healths(ended []store.Ended) []health {
	byProvider := make(map[oxlin.ProviderID]*health)
	var list []*health
	for _, provider := range c.Service.Catalogue.Providers() {
		h := &health{Provider: provider}
		byProvider[provider.ID] = h
		list = append(list, h)
	}
	times := make(map[oxlin.ProviderID][]time.Duration)
	for _, e := range ended {
		h, known := byProvider[e.ProviderID]
		if !known {
			continue
		}
		switch {
		case e.Outcome == oxlin.ChannelSuccess:
			h.Good++
			if e.Kind == oxlin.SyncAll {
				times[e.ProviderID] = append(times[e.ProviderID], e.EndedAt.Sub(e.StartedAt))
			}
		case e.Outcome == "": // given up for another one
		case e.Outcome.NeedsUser():
			h.User++
		default:
			h.Bad++
			if h.LastAt.IsZero() { // the newest come first
				h.LastError, h.LastAt = e.Problem, e.EndedAt
			}
		}
	}
	for id, all := range times {
		slices.Sort(all)
		byProvider[id].Median = all[len(all)/2]
	}
	slices.SortStableFunc(list, func(a, b *health) int {
		return cmp.Or(cmp.Compare(b.Bad, a.Bad), cmp.Compare(b.Good+b.User, a.Good+a.User))
	})
	sorted := make([]health, len(list))
	for i, h := range list {
		sorted[i] = *h
	}
	return sorted
}
