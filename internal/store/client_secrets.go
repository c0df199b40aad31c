package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// SecretUse is the last use of a client's secret.
type SecretUse struct {
	// Hash is that of the secret.
	Hash []byte
	// Day is the midnight, in UTC, at which the day of the use begins.
	Day time.Time
}

// SecretUses lists the last uses of a client's secrets. Secrets that were not used are absent.
func SecretUses(ctx context.Context, r Reader, id oxlin.ClientID) ([]SecretUse, error) {
	rows, err := r.q.ListSecretUses(ctx, id)
	return each(rows, err, "use of a secret", func(row query.ClientSecretUse) SecretUse {
		return SecretUse{row.Hash, row.UsedOn.UTC()}
	})
}

// RecordUse stores the day of a secret's use, unless a later one is stored. It changes nothing that
// access tokens allow.
func (tx ClientTx) RecordUse(ctx context.Context, id oxlin.ClientID, use SecretUse) error {
	err := tx.q.RecordSecretUse(ctx, query.RecordSecretUseParams{ClientID: id, Hash: use.Hash, UsedOn: query.At(use.Day)})
	if err != nil {
		return fmt.Errorf("record the use of a secret: %w", err)
	}
	return nil
}

// ForgetUse removes what is stored about the uses of a secret that the client has no more.
func (tx ClientTx) ForgetUse(ctx context.Context, id oxlin.ClientID, hash []byte) error {
	err := tx.q.ForgetSecretUse(ctx, query.ForgetSecretUseParams{ClientID: id, Hash: hash})
	if err != nil {
		return fmt.Errorf("forget the uses of a secret: %w", err)
	}
	return nil
}
