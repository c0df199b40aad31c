package store

import (
	"context"
	"fmt"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

func client(row query.Client) oxlin.Client {
	return oxlin.Client{
		ID: row.ID, Name: row.Name, SecretHashes: row.SecretHashes.V, RedirectURIs: row.RedirectUris.V,
		AnyRedirectURI: row.AnyRedirectUri, Licensed: row.Licensed, Settings: row.Settings.V, Theme: row.Theme.V,
		Sandbox: row.Sandbox, Disabled: row.Disabled, CreatedAt: row.CreatedAt.Time,
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
		ID: c.ID, Name: c.Name, SecretHashes: query.AsJSON(c.SecretHashes), RedirectUris: query.AsJSON(c.RedirectURIs),
		AnyRedirectUri: c.AnyRedirectURI, Licensed: c.Licensed, Settings: query.AsJSON(c.Settings), Theme: query.AsJSON(c.Theme),
		Sandbox: c.Sandbox, Disabled: c.Disabled, CreatedAt: query.At(c.CreatedAt),
	})
	if err != nil {
		return fmt.Errorf("save client: %w", err)
	}
	return nil
}
