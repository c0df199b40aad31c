package console

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
)

func (c *Console) user(w http.ResponseWriter, r *http.Request) error {
	id, _ := oxlin.ParseID[oxlin.UserID](r.PathValue("id"))
	user, err := c.DB.Read().User(r.Context(), id)
	if err != nil {
		return err
	}
	connections, err := c.DB.Read().Connections(r.Context(), id)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, userDetails(user, connections))
	return nil
}

const (
	// syncsShown and eventsShown bound a timeline.
	syncsShown  = 50
	eventsShown = 100
	// chartDays is how far a chart goes back.
	chartDays = 365
)

// moment is one entry of a connection's timeline.
type moment struct {
	At      time.Time
	Channel oxlin.ChannelDefinitionID
	// What is an event's type, or a synchronisation's kind.
	What string
	// Sync is the synchronisation that began then; nil for an event.
	Sync *oxlin.Synchronisation
}

// connectionPage is a connection with all that happened to it.
type connectionPage struct {
	Connection oxlin.Connection
	Consents   []oxlin.Consent
	Timeline   []moment
	Charts     []chart
}

func (c *Console) connection(w http.ResponseWriter, r *http.Request) error {
	ctx, reader := r.Context(), c.DB.Read()
	id, _ := oxlin.ParseID[oxlin.ConnectionID](r.PathValue("id"))
	connection, err := reader.Connection(ctx, id)
	if err != nil {
		return err
	}
	page := connectionPage{Connection: c.Service.Complete(connection)}
	page.Consents, err = reader.Consents(ctx, id)
	if err != nil {
		return err
	}
	for _, channel := range connection.Channels {
		syncs, err := reader.Synchronisations(ctx, channel.ID, syncsShown)
		if err != nil {
			return err
		}
		for _, sync := range syncs {
			page.Timeline = append(page.Timeline, moment{sync.StartedAt, channel.DefinitionID, string(sync.Kind), &sync})
		}
	}
	events, err := reader.EventsOfConnection(ctx, connection, eventsShown)
	if err != nil {
		return err
	}
	for _, event := range events {
		page.Timeline = append(page.Timeline, moment{event.At, event.ChannelDefinition, string(event.Type), nil})
	}
	slices.SortStableFunc(page.Timeline, func(a, b moment) int { return b.At.Compare(a.At) })
	accounts, err := reader.AccountsOfConnection(ctx, id)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		drawn, err := c.chart(r, account)
		if err != nil {
			return err
		}
		page.Charts = append(page.Charts, drawn)
	}
	c.render(w, r, http.StatusOK, connectionDetails(page))
	return nil
}

// chart is the balance of an account at the end of each day.
type chart struct {
	Account oxlin.Account
	// Points are the days on which the balance changed, the oldest first.
	Points []point
}

type point struct {
	Date    oxlin.Date
	Balance oxlin.Amount
}

// chart follows an account's balance back from today by what was booked since.
func (c *Console) chart(r *http.Request, account oxlin.Account) (chart, error) {
	drawn := chart{Account: account}
	if account.BalanceAt.IsZero() {
		return drawn, nil
	}
	today := oxlin.DateIn(account.BalanceAt, oxlin.Paris)
	bookings, err := c.DB.Read().Bookings(r.Context(), account.ID, today.AddDays(-chartDays))
	if err != nil {
		return drawn, err
	}
	balance := account.Balance
	drawn.Points = []point{{today, balance}}
	for _, booking := range bookings {
		if booking.Date.Before(drawn.Points[len(drawn.Points)-1].Date) {
			drawn.Points = append(drawn.Points, point{booking.Date, balance})
		}
		balance -= booking.Amount
	}
	slices.Reverse(drawn.Points)
	return drawn, nil
}

// bounds are the least and the greatest balance of a chart.
func (c chart) bounds() (least, greatest oxlin.Amount) {
	by := func(a, b point) int { return cmp.Compare(a.Balance, b.Balance) }
	return slices.MinFunc(c.Points, by).Balance, slices.MaxFunc(c.Points, by).Balance
}
