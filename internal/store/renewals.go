package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// Renewal is the renewal of a channel's access that a node has claimed.
type Renewal struct {
	Node      string
	ClaimedAt time.Time
}

// Renewal returns the renewal of a channel's access that is under way.
func (r Reader) Renewal(ctx context.Context, id oxlin.ChannelID) (Renewal, error) {
	row, err := r.q.FindRenewal(ctx, id)
	return found(row, err, "renewal", func(row query.Renewal) Renewal { return Renewal{row.Node, row.ClaimedAt.Time} })
}

// RenewalTx writes the claims of renewals.
type RenewalTx struct{ executor }

// RenewalsOf returns the writer of those rows in a transaction.
func RenewalsOf(tx *Tx) RenewalTx { return RenewalTx{tx.executor} }

// Claim claims the renewal of a channel's access for a node. It replaces an earlier claim.
func (tx RenewalTx) Claim(ctx context.Context, id oxlin.ChannelID, by Renewal) error {
	err := tx.q.ClaimRenewal(ctx, query.ClaimRenewalParams{ChannelID: id, Node: by.Node, ClaimedAt: query.At(by.ClaimedAt)})
	if err != nil {
		return fmt.Errorf("claim renewal: %w", err)
	}
	return nil
}

// End ends a node's renewal of a channel's access. A new access ends each renewal by itself.
func (tx RenewalTx) End(ctx context.Context, id oxlin.ChannelID, node string) error {
	err := tx.q.EndRenewalOfNode(ctx, query.EndRenewalOfNodeParams{ChannelID: id, Node: node})
	if err != nil {
		return fmt.Errorf("end renewal: %w", err)
	}
	return nil
}
