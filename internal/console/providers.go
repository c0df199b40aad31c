package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

const (
	// healthPeriod is the time over which synchronisations are counted.
	healthPeriod = 7 * 24 * time.Hour
	healthMost   = 20_000
)

// health counts the outcomes of a provider's synchronisations.
type health struct {
	// Provider has only an id if it is no longer in the catalogue.
	Provider oxlin.Provider
	// Good counts successes, Bad technical failures, and User failures that only the
	// user can repair. The latter do not depend on the bank.
	Good, Bad, User int
	// Median is the median duration of successful readings; zero without any.
	Median    time.Duration
	LastError string
	LastAt    time.Time
}

// rate returns the share of successes in per cent, or -1 if there are neither successes
// nor technical failures.
func (h health) rate() int {
	if h.Good+h.Bad == 0 {
		return -1
	}
	return 100 * h.Good / (h.Good + h.Bad)
}

func (c *Console) providers(w http.ResponseWriter, r *http.Request) error {
	ended, err := c.options.DB.Read().RecentlyEnded(r.Context(), c.options.Now().Add(-healthPeriod), healthMost)
	if err != nil {
		return err
	}
	page := healthPage{Providers: c.summarise(ended), Since: "in the last seven days", NotOffered: c.options.Service.Providers.NotOffered()}
	if len(ended) == healthMost {
		page.Since = "since " + instant(ended[healthMost-1].EndedAt) + ", the newest " + strconv.Itoa(healthMost)
	}
	c.render(w, r, http.StatusOK, "Bank health", providerHealth(page))
	return nil
}

// healthPage lists the providers with synchronisations in the period.
type healthPage struct {
	Providers []health
	// Since describes the period.
	Since string
	// NotOffered are the providers of the catalogue that end users do not find.
	NotOffered []oxlin.Provider
}

// lacksOf says why end users do not find a provider.
func lacksOf(p oxlin.Provider) string {
	if len(p.Lacks) == 0 {
		return "no interface is known"
	}
	return strings.Join(p.Lacks, "; ")
}

// summarise counts ended synchronisations by provider, those with the most failures
// first.
func (c *Console) summarise(ended []store.Ended) []health {
	byProvider := make(map[oxlin.ProviderID]*health)
	times := make(map[oxlin.ProviderID][]time.Duration)
	for _, e := range ended {
		h := byProvider[e.ProviderID]
		if h == nil {
			provider, _ := c.options.Service.Providers.Get(e.ProviderID)
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
		case e.Outcome == "": // replaced by a newer synchronisation
		case e.Outcome.NeedsUser():
			h.User++
		default:
			h.Bad++
			if h.LastAt.IsZero() { // the newest comes first
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
