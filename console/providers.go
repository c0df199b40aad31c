package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
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
	// Provider has an id only where it is not in the catalogue any more.
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
	page := healthPage{Providers: c.healths(ended), Since: "of the last seven days"}
	if len(ended) == healthMost {
		page.Since = "since " + instant(ended[healthMost-1].EndedAt) + ", the newest " + strconv.Itoa(healthMost)
	}
	c.render(w, r, http.StatusOK, "How the banks do", providerHealth(page))
	return nil
}

// healthPage is how the providers did that somebody used.
type healthPage struct {
	Providers []health
	// Since says which synchronisations were counted.
	Since string
}

// healths sums up what has ended, the providers with the most trouble first.
func (c *Console) healths(ended []store.Ended) []health {
	byProvider := make(map[oxlin.ProviderID]*health)
	times := make(map[oxlin.ProviderID][]time.Duration)
	for _, e := range ended {
		h := byProvider[e.ProviderID]
		if h == nil {
			provider, _ := c.Service.Providers.Get(e.ProviderID)
			provider.ID = e.ProviderID
			h = &health{Provider: provider}
			byProvider[e.ProviderID] = h
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
	var list []health
	for id, h := range byProvider {
		if all := times[id]; len(all) > 0 {
			slices.Sort(all)
			h.Median = all[len(all)/2]
		}
		if h.Good+h.Bad+h.User > 0 {
			list = append(list, *h)
		}
	}
	slices.SortFunc(list, func(a, b health) int {
		return cmp.Or(b.Bad-a.Bad, b.Good+b.User-a.Good-a.User, cmp.Compare(a.Provider.ID, b.Provider.ID))
	})
	return list
}
