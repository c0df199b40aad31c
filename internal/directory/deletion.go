package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
)

// Delete deletes a client. From now on it and its users are refused at every door, and
// it receives no more webhooks; Users.Sweep removes its users and tokens. A client with users is only
// deleted if withUsers is set: the error is CodeConflict otherwise, and CodeNotFound for a
// client that is unknown or deleted.
func (s *Clients) Delete(ctx context.Context, id oxlin.ClientID, withUsers bool) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		c, err := existing(ctx, tx.Read(), id)
		if err != nil {
			return err
		}
		users, err := tx.Read().CountUsers(ctx, id)
		if err != nil {
			return err
		}
		switch {
		case c.Sandbox:
			return oxlin.Errorf(oxlin.CodeConflict, "This client belongs to the sandbox, which creates it at each start.")
		case users > 0 && !withUsers:
			return oxlin.Errorf(oxlin.CodeConflict, "The client has %d users, whose connections end with it: confirm this, or disable the client.", users)
		}
		err = tx.Clients().BeginDeletion(ctx, id)
		if err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Action: audit.ClientDeleted, Client: id})
	})
}

const (
	// deletionTime and deletedUsers bound the users that one sweep removes: other sweeps wait.
	deletionTime = 20 * time.Second
	deletedUsers = 2000
	// deletedAtOnce bounds the rows that one transaction removes, and users that are read.
	deletedAtOnce = 200
)

// Sweep removes what deletions have hidden and a stop has left, and what deleted clients have: user
// by user, as Delete does, so that accesses are handed back to the banks, then their tokens, and at
// last their rows. Whatever is left by a failure, a stop, or the bounds of one sweep, the next one
// removes.
func (u *Users) Sweep(ctx context.Context) error {
	failed := u.db.Erase(ctx)
	clients, err := u.db.Read().Clients(ctx)
	if err != nil {
		return errors.Join(failed, fmt.Errorf("delete clients: %w", err))
	}
	sweep := deletion{Users: u, until: u.now().Add(deletionTime), left: u.deletedUsers}
	for _, c := range clients {
		if !c.Deleting {
			continue
		}
		err := sweep.client(ctx, c.ID)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("delete client %s: %w", c.ID, err))
		}
	}
	return failed
}

// deletion is one sweep over deleted clients.
type deletion struct {
	*Users
	until time.Time
	left  int
}

// client removes a client, or a part of what it has.
func (d *deletion) client(ctx context.Context, id oxlin.ClientID) error {
	for {
		users, err := d.db.Read().UsersOfClient(ctx, id, deletedAtOnce)
		if err != nil {
			return err
		}
		if len(users) == 0 {
			break
		}
		for _, user := range users {
			if d.left == 0 || d.now().After(d.until) {
				return nil
			}
			d.left--
			err := d.Delete(ctx, oxlin.Caller{UserID: user.ID})
			if err != nil {
				return err
			}
		}
	}
	for {
		var dropped int64
		err := d.db.Write(ctx, func(tx *store.Tx) error {
			var err error
			dropped, err = tx.Clients().DropOwnTokens(ctx, id, deletedAtOnce)
			if err != nil || dropped == deletedAtOnce {
				return err
			}
			return tx.Clients().EndDeletion(ctx, id)
		})
		if err != nil || dropped < deletedAtOnce {
			return err
		}
	}
}
