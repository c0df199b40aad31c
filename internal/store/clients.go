package store

import (
	"context"
	"fmt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

func client(row query.Client) oxlin.Client {
	return oxlin.Client{
		ID: row.ID, Name: row.Name, Secrets: row.Secrets.V, RedirectURIs: row.RedirectUris.V,
		AnyRedirectURI: row.AnyRedirectUri, Licensed: row.Licensed, Settings: row.Settings.V, Theme: row.Theme.V,
		Authentication: row.Authentication.V,
		Sandbox:        row.Sandbox, Disabled: row.Disabled, Deleting: row.Deleting, ConfirmReturn: row.ConfirmReturn, WidgetFiles: row.WidgetFiles, CreatedAt: row.CreatedAt.Time,
	}
}

// Client returns a client. One of the sandbox is found only there: see Options.Sandbox.
func (r Reader) Client(ctx context.Context, id oxlin.ClientID) (oxlin.Client, error) {
	row, err := r.q.FindClient(ctx, id)
	if err == nil && row.Sandbox && !r.sandbox {
		return oxlin.Client{}, oxlin.NotFound("client")
	}
	return found(row, err, "client", client)
}

// Clients lists all clients by id.
func (r Reader) Clients(ctx context.Context) ([]oxlin.Client, error) {
	rows, err := r.q.ListClients(ctx)
	return each(rows, err, "client", client)
}

// SaveClient inserts or updates a client. Its creation and the mark of the sandbox stay as they
// were inserted.
func (tx *Tx) SaveClient(ctx context.Context, c oxlin.Client) error {
	err := tx.q.SaveClient(ctx, query.SaveClientParams{
		ID: c.ID, Name: c.Name, Secrets: query.AsJSON(c.Secrets), RedirectUris: query.AsJSON(c.RedirectURIs),
		AnyRedirectUri: c.AnyRedirectURI, Licensed: c.Licensed, Settings: query.AsJSON(c.Settings), Theme: query.AsJSON(c.Theme),
		Authentication: query.AsJSON(c.Authentication),
		Sandbox:        c.Sandbox, Disabled: c.Disabled, ConfirmReturn: c.ConfirmReturn, WidgetFiles: c.WidgetFiles, CreatedAt: query.At(c.CreatedAt),
	})
	if err == nil {
		err = changeGrants(ctx, tx.executor, grantChange{client: c.ID})
	}
	if err != nil {
		return fmt.Errorf("save client: %w", err)
	}
	return nil
}

// ClientTx deletes clients.
type ClientTx struct{ executor }

// Clients returns the writer that deletes clients in this transaction.
func (tx *Tx) Clients() ClientTx { return ClientTx{tx.executor} }

// BeginDeletion disables a client for ever and removes its secrets and settings.
func (tx ClientTx) BeginDeletion(ctx context.Context, id oxlin.ClientID) error {
	n, err := tx.q.MarkClientDeleting(ctx, id)
	if err != nil {
		return fmt.Errorf("begin to delete a client: %w", err)
	}
	if n == 0 {
		return oxlin.NotFound("client")
	}
	return changeGrants(ctx, tx.executor, grantChange{client: id})
}

// DropOwnTokens removes some of the tokens of a client itself, and returns how many.
func (tx ClientTx) DropOwnTokens(ctx context.Context, id oxlin.ClientID, most int) (int64, error) {
	n, err := tx.q.DropTokensOfClient(ctx, query.DropTokensOfClientParams{ClientID: id, Most: int64(most)})
	if err != nil {
		return 0, fmt.Errorf("drop a client's tokens: %w", err)
	}
	if n == 0 {
		return 0, nil
	}
	return n, changeGrants(ctx, tx.executor, grantChange{client: id})
}

// EndDeletion removes the row of a client without users and tokens whose deletion has begun.
func (tx ClientTx) EndDeletion(ctx context.Context, id oxlin.ClientID) error {
	err := tx.q.DeleteClient(ctx, id)
	if err == nil {
		err = changeGrants(ctx, tx.executor, grantChange{client: id})
	}
	if err != nil {
		return fmt.Errorf("delete client: %w", err)
	}
	return nil
}
