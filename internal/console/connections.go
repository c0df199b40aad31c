package console

import (
	"net/http"
	"slices"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/connect"
)

func (c *Console) user(w http.ResponseWriter, r *http.Request) error {
	id, _ := oxlin.ParseID[oxlin.UserID](r.PathValue("id"))
	user, err := c.options.DB.Read().User(r.Context(), id)
	if err != nil {
		return err
	}
	connections, err := c.options.DB.Read().Connections(r.Context(), id)
	if err != nil {
		return err
	}
	c.saw(r, "user", audit.Entry{Client: user.ClientID, User: user.ID})
	c.render(w, r, http.StatusOK, "User "+user.ID.String(), userDetails(user, connections))
	return nil
}

const (
	// syncsShown and eventsShown limit a timeline.
	syncsShown  = 50
	eventsShown = 100
)

// entry is one line of a connection's timeline.
type entry struct {
	At      time.Time
	Channel oxlin.ChannelDefinitionID
	// What is the type of an event, or the kind of a synchronisation.
	What string
	// Sync is the synchronisation that began at this time; nil for an event.
	Sync *oxlin.Synchronisation
}

// connectionPage is a connection with its history.
type connectionPage struct {
	Connection oxlin.Connection
	Consents   []oxlin.Consent
	Timeline   []entry
	Charts     []chart
}

func (c *Console) connection(w http.ResponseWriter, r *http.Request) error {
	ctx, reader := r.Context(), c.options.DB.Read()
	id, _ := oxlin.ParseID[oxlin.ConnectionID](r.PathValue("id"))
	connection, err := reader.Connection(ctx, id)
	if err != nil {
		return err
	}
	page := connectionPage{Connection: c.options.Service.Connections.WithAllChannels(connection)}
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
			page.Timeline = append(page.Timeline, entry{sync.StartedAt, channel.DefinitionID, string(sync.Kind), &sync})
		}
	}
	events, err := reader.EventsOfConnection(ctx, connection, eventsShown)
	if err != nil {
		return err
	}
	for _, event := range events {
		page.Timeline = append(page.Timeline, entry{event.At, event.ChannelDefinition, string(event.Type), nil})
	}
	slices.SortStableFunc(page.Timeline, func(a, b entry) int { return b.At.Compare(a.At) })
	accounts, err := reader.AccountsOfConnection(ctx, id)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		account, listed := connection.Listed(account)
		if !listed {
			continue
		}
		drawn, err := c.chart(r, account)
		if err != nil {
			return err
		}
		drawn.Check, err = connect.CheckBalances(ctx, reader, account)
		if err != nil {
			return err
		}
		drawn.Reasons, err = unreadableReasons(ctx, reader, account.ID)
		if err != nil {
			return err
		}
		page.Charts = append(page.Charts, drawn)
	}
	c.saw(r, "connection", audit.Entry{User: connection.UserID, Connection: id})
	c.render(w, r, http.StatusOK, connection.Name+", connection "+id.String(), connectionDetails(page))
	return nil
}
