package connect

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
)

// Users are the use cases about users.
type Users struct{ *core }

// Delete removes the caller's user with all their data and revokes the access at
// their banks.
func (u *Users) Delete(ctx context.Context, caller oxlin.Caller) error {
	err := caller.Require(oxlin.ScopeProfileEdit)
	if err != nil {
		return err
	}
	return u.db.WriteFor(ctx, caller.UserID, func(tx *store.Tx) error {
		connections, err := tx.Connections(ctx, caller.UserID)
		if err != nil {
			return err
		}
		for _, connection := range connections {
			for _, channel := range connection.Channels {
				err := u.engine.RevokeAccess(ctx, tx, connection, channel)
				if err != nil {
					return err
				}
			}
		}
		return tx.DeleteUser(ctx, caller.UserID)
	})
}
