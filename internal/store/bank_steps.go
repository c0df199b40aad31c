package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// BankStep holds the data that a connector's way in keeps between two steps.
type BankStep struct {
	// StateHash names the authorization, which may be deleted meanwhile.
	StateHash    []byte
	ProviderID   oxlin.ProviderID
	DefinitionID oxlin.ChannelDefinitionID
	// Journey, State and Shown are sealed. State and Shown may be empty.
	Journey, State, Shown []byte
	// DueAt is when the connector is to be asked again; zero if an input of the user comes
	// next.
	DueAt time.Time
}

func bankStep(row query.BankStep) BankStep {
	return BankStep{
		StateHash: row.StateHash, ProviderID: row.ProviderID, DefinitionID: row.DefinitionID,
		Journey: row.Journey, State: row.State, Shown: row.Shown, DueAt: row.DueAt.Time,
	}
}

// BankSteps reads and, in a transaction, writes these rows.
type BankSteps struct{ executor }

// BankStepsOf returns the rows that a reader sees.
func BankStepsOf(r Reader) BankSteps { return BankSteps(r) }

// BankStepsIn returns the rows for a transaction.
func BankStepsIn(tx *Tx) BankSteps { return BankSteps{tx.executor} }

// Find returns the row of an authorization.
func (b BankSteps) Find(ctx context.Context, stateHash []byte) (BankStep, error) {
	row, err := b.q.FindBankStep(ctx, stateHash)
	return found(row, err, "step at the bank", bankStep)
}

// Due lists at most most authorizations whose connector is to be asked again.
func (b BankSteps) Due(ctx context.Context, now time.Time, most int) ([][]byte, error) {
	hashes, err := b.q.ListDueBankSteps(ctx, query.ListDueBankStepsParams{Now: query.At(now), Most: int64(most)})
	if err != nil {
		return nil, fmt.Errorf("list due steps at banks: %w", err)
	}
	return hashes, nil
}

// Ended lists at most most rows whose authorization is over or deleted.
func (b BankSteps) Ended(ctx context.Context, now time.Time, most int) ([]BankStep, error) {
	rows, err := b.q.ListEndedBankSteps(ctx, query.ListEndedBankStepsParams{Now: query.At(now), Most: int64(most)})
	return each(rows, err, "steps at banks", bankStep)
}

// Save writes a row, in the place of the one of the same authorization.
func (b BankSteps) Save(ctx context.Context, s BankStep) error {
	n, err := b.q.UpdateBankStep(ctx, query.UpdateBankStepParams{
		StateHash: s.StateHash, Journey: some(s.Journey), State: some(s.State), Shown: some(s.Shown), DueAt: query.At(s.DueAt),
	})
	if err == nil && n == 0 {
		err = b.q.InsertBankStep(ctx, query.InsertBankStepParams{
			StateHash: s.StateHash, ProviderID: s.ProviderID, DefinitionID: s.DefinitionID,
			Journey: some(s.Journey), State: some(s.State), Shown: some(s.Shown), DueAt: query.At(s.DueAt),
		})
	}
	if err != nil {
		return fmt.Errorf("save step at a bank: %w", err)
	}
	return nil
}

// some returns bytes that are not null in the database.
func some(sealed []byte) []byte {
	if sealed == nil {
		return []byte{}
	}
	return sealed
}

// Drop removes the row of an authorization. It returns false without one.
func (b BankSteps) Drop(ctx context.Context, stateHash []byte) (bool, error) {
	n, err := b.q.DropBankStep(ctx, stateHash)
	if err != nil {
		return false, fmt.Errorf("drop step at a bank: %w", err)
	}
	return n == 1, nil
}

// Release ends the claim of an authorization, which goes on until another time.
func (b BankSteps) Release(ctx context.Context, claimed Authorization, until time.Time) error {
	err := b.q.ReleaseAuthorization(ctx, query.ReleaseAuthorizationParams{
		StateHash: claimed.StateHash, ClaimedBy: claimed.ClaimedBy, ExpiresAt: query.At(until),
	})
	if err != nil {
		return fmt.Errorf("release authorisation: %w", err)
	}
	return nil
}
