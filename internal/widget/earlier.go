package widget

import (
	"cmp"
	"context"
	"slices"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// earlierConnection is a connection that the user already has to the bank of a flow that
// adds one. The pages before the login offer to renew it.
type earlierConnection struct {
	oxlin.Connection
	accounts []oxlin.Account
}

// earlier returns the user's connections to a bank, also under another brand or by another
// interface: then the IBAN of one of their accounts names the bank. It leaves out those that have never
// given data and are not about to: a first login that failed or awaits the consent.
func (w *Widget) earlier(ctx context.Context, user oxlin.UserID, provider oxlin.Provider) ([]earlierConnection, error) {
	reader := w.options.DB.Read()
	connections, err := reader.Connections(ctx, user)
	if err != nil {
		return nil, err
	}
	connections = slices.DeleteFunc(connections, func(c oxlin.Connection) bool { return !slices.ContainsFunc(c.Channels, connected) })
	if len(connections) == 0 {
		return nil, nil
	}
	accounts, err := reader.AccountsOfUser(ctx, user)
	if err != nil {
		return nil, err
	}
	var list []earlierConnection
	for _, connection := range connections {
		one := earlierConnection{Connection: connection}
		for _, account := range accounts {
			if account.ConnectionID == connection.ID && account.Synchronised() {
				one.accounts = append(one.accounts, account)
			}
		}
		if connection.ProviderID == provider.ID || slices.ContainsFunc(one.accounts, func(a oxlin.Account) bool { return provider.Holds(a.IBAN) }) {
			list = append(list, one)
		}
	}
	return list, nil
}

// connected reports whether a channel has given data, or is being read.
func connected(c oxlin.Channel) bool {
	return !c.LastSuccessAt.IsZero() || c.Status == oxlin.ChannelRunning
}

// earlierViews returns the view of a flow's earlier connections.
func earlierViews(s snapshot) []page.Earlier {
	var list []page.Earlier
	for _, one := range s.earlier {
		view := page.Earlier{ID: one.ID, Name: one.Name}
		for _, account := range one.accounts {
			view.Accounts = append(view.Accounts, masked(cmp.Or(account.IBAN, account.Number, account.MaskedNumber)))
		}
		for _, channel := range one.Channels {
			if connected(channel) {
				view.States = append(view.States, page.ChannelChoice{Used: true, Status: channel.Status, Until: channel.ConsentUntil})
			}
		}
		list = append(list, view)
	}
	return list
}

// renewEarlier continues the flow with a connection that the user already has, as if the
// client had opened edit_credentials.
func (x *exchange) renewEarlier(s snapshot) (bool, error) {
	f := x.flow
	id, _ := oxlin.ParseID[oxlin.ConnectionID](x.request.PostForm.Get("connection_id"))
	i := slices.IndexFunc(s.earlier, func(c earlierConnection) bool { return c.ID == id })
	if i < 0 {
		return false, nil
	}
	f.OpenedAs, f.Entry = f.Entry, editCredentials
	f.ConnectionID, f.RequestedConnection = id, id
	f.Provider, f.Definition, f.FinishedChannels, f.AccessProblem = s.earlier[i].ProviderID, "", nil, ""
	err := x.widget.settle(x.ctx, x.session, f)
	if err != nil {
		return false, err
	}
	return false, x.widget.options.DB.Write(x.ctx, anew(f, func(tx *store.Tx) error {
		err := tx.DropAuthorizationsOfFlow(x.ctx, f.ID)
		if err != nil {
			return err
		}
		return f.store(x.ctx, tx.Widget().BindFlow)
	}))
}
