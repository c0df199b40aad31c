package api

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
	"github.com/oxlin/oxlin/internal/connect"
)

// GetConnectionsUsingGET lists the connections of the caller's user.
func (a *API) GetConnectionsUsingGET(ctx context.Context, params oas.GetConnectionsUsingGETParams) ([]oas.Connection, error) {
	caller := callerOf(ctx)
	list, err := a.options.Service.Connections.List(ctx, caller)
	if err != nil {
		return nil, err
	}
	list = kept(list, func(c oxlin.Connection) bool {
		return anyOf(params.ProviderID, c.ProviderID) && anyOf(params.Status, c.Status()) &&
			params.UserID.Or(c.UserID.String()) == c.UserID.String()
	})
	sortBy(list, params.Sort, func(c oxlin.Connection) sortKeys {
		return sortKeys{id: c.ID.String(), name: c.Name, createdAt: c.CreatedAt}
	})
	return convertAll(pageOf(list, params.Page.Value, params.Limit.Value), a.showConnection), nil
}

func (a *API) showConnection(c oxlin.Connection) oas.Connection {
	return connection(c, a.providerOf(c))
}

// connectionID reads the id of a path; what is no id names no connection.
func connectionID(s string) (oxlin.ConnectionID, error) {
	id, ok := oxlin.ParseID[oxlin.ConnectionID](s)
	if !ok {
		return 0, oxlin.NotFound("connection")
	}
	return id, nil
}

// GetConnectionByIdUsingGET shows a connection.
func (a *API) GetConnectionByIdUsingGET(ctx context.Context, params oas.GetConnectionByIdUsingGETParams) (*oas.Connection, error) {
	id, err := connectionID(params.ConnectionID)
	if err != nil {
		return nil, err
	}
	found, err := a.options.Service.Connections.Get(ctx, callerOf(ctx), id)
	if err != nil {
		return nil, err
	}
	shown := a.showConnection(found)
	return &shown, nil
}

// ChangeConnection changes a connection's name or its daily synchronisation.
func (a *API) ChangeConnection(ctx context.Context, request *oas.ConnectionChange, params oas.ChangeConnectionParams) error {
	id, err := connectionID(params.ConnectionID)
	if err != nil {
		return err
	}
	change := connect.ConnectionChange{AutoSync: firstFlag(request.AutoSync)}
	if name, ok := request.Name.Get(); ok {
		change.Name = &name
	}
	return a.options.Service.Connections.Change(ctx, callerOf(ctx), id, change)
}

// PutConnection does what ChangeConnection does.
func (a *API) PutConnection(ctx context.Context, request *oas.ConnectionChange, params oas.PutConnectionParams) error {
	return a.ChangeConnection(ctx, request, oas.ChangeConnectionParams(params))
}

// DeleteConnection removes a connection with all its data.
func (a *API) DeleteConnection(ctx context.Context, params oas.DeleteConnectionParams) error {
	id, err := connectionID(params.ConnectionID)
	if err != nil {
		return err
	}
	return a.options.Service.Connections.Delete(ctx, callerOf(ctx), id)
}

// syncKind returns the requested kind of synchronisation, SYNC_ALL by default.
func syncKind(request oas.OptSyncRequest) oxlin.SyncKind {
	if request.Value.Type.Value == oas.SyncTypeLISTACCOUNTS {
		return oxlin.SyncListAccounts
	}
	return oxlin.SyncAll
}

// SynchronizeConnection starts a synchronisation.
func (a *API) SynchronizeConnection(ctx context.Context, request oas.OptSyncRequest, params oas.SynchronizeConnectionParams) error {
	id, err := connectionID(params.ConnectionID)
	if err != nil {
		return err
	}
	return a.options.Service.Connections.Synchronize(ctx, callerOf(ctx), id, syncKind(request))
}

// SynchronizeAll starts the synchronisations of all the user's connections.
func (a *API) SynchronizeAll(ctx context.Context, request oas.OptSyncRequest, _ oas.SynchronizeAllParams) ([]string, error) {
	started, err := a.options.Service.Connections.SynchronizeAll(ctx, callerOf(ctx), syncKind(request))
	return convertAll(started, func(id oxlin.ConnectionID) string { return "/connections/" + id.String() }), err
}

// UpdateConsents takes the user's decision about accounts.
func (a *API) UpdateConsents(ctx context.Context, request *oas.Consents, params oas.UpdateConsentsParams) error {
	id, err := connectionID(params.ConnectionID)
	if err != nil {
		return err
	}
	var decisions []oxlin.AccountConsent
	for _, consent := range request.Consents {
		accountID, ok := oxlin.ParseID[oxlin.AccountID](string(consent.AccountID))
		if !ok {
			return oxlin.Invalid("consents.account_id", "There is no account %q.", string(consent.AccountID))
		}
		decisions = append(decisions, oxlin.AccountConsent{AccountID: accountID, Consent: bool(consent.Consent)})
	}
	return a.options.Service.Consents.Decide(ctx, callerOf(ctx), id, connect.Decision{Accounts: decisions, Text: oxlin.ConsentText{Version: oxlin.ConsentTextOfClient}})
}
