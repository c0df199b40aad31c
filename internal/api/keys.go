package api

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api/oas"
)

// CreateKey creates a key for encrypting the user's credentials (contract §3.5). The
// generated code has checked the type.
func (a *API) CreateKey(ctx context.Context, _ *oas.NewKey) (*oas.CreatedHeaders, error) {
	id, err := a.options.Service.Keys.Create(ctx, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	return &oas.CreatedHeaders{Location: "/keys/" + id.String()}, nil
}

// GetKey shows the public half of a key.
func (a *API) GetKey(ctx context.Context, params oas.GetKeyParams) (*oas.Key, error) {
	id, ok := oxlin.ParseID[oxlin.KeyID](params.KeyID)
	if !ok {
		return nil, oxlin.NotFound("key")
	}
	found, err := a.options.Service.Keys.Get(ctx, callerOf(ctx), id)
	if err != nil {
		return nil, err
	}
	shown := key(found)
	return &shown, nil
}
