package store

import (
	"context"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// HeldAccess is an access to a bank that came back in another browser than the one that left.
// It is attached to nothing until its question is answered.
type HeldAccess struct {
	// QuestionHash is the hash of the secret in the address of the question.
	QuestionHash []byte
	// StateHash names the authorization, which may be deleted meanwhile.
	StateHash    []byte
	ProviderID   oxlin.ProviderID
	DefinitionID oxlin.ChannelDefinitionID
	// Access is sealed; empty once the question is answered.
	Access   []byte
	Answered bool
	// ExpiresAt is the end of the time to answer; after the answer, the end of the row.
	ExpiresAt time.Time
}

func heldAccess(row query.HeldAccess) HeldAccess {
	return HeldAccess{
		QuestionHash: row.QuestionHash, StateHash: row.StateHash, ProviderID: row.ProviderID, DefinitionID: row.DefinitionID,
		Access: row.Access, Answered: row.Answered, ExpiresAt: row.ExpiresAt.Time,
	}
}

// HeldAccesses reads held accesses.
type HeldAccesses struct{ r Reader }

// HeldAccessesOf returns the held accesses that a reader sees.
func HeldAccessesOf(r Reader) HeldAccesses { return HeldAccesses{r} }

// ByQuestion returns a held access by the hash of its question.
func (h HeldAccesses) ByQuestion(ctx context.Context, questionHash []byte) (HeldAccess, error) {
	row, err := h.r.q.FindHeldAccess(ctx, questionHash)
	return found(row, err, "held access", heldAccess)
}

// ByState returns the held access of an authorization.
func (h HeldAccesses) ByState(ctx context.Context, stateHash []byte) (HeldAccess, error) {
	row, err := h.r.q.HeldAccessOfState(ctx, stateHash)
	return found(row, err, "held access", heldAccess)
}

// OfFlow lists the accesses of a widget flow whose question is not answered.
func (h HeldAccesses) OfFlow(ctx context.Context, id oxlin.FlowID) ([]HeldAccess, error) {
	rows, err := h.r.q.ListHeldAccessesOfFlow(ctx, id)
	return each(rows, err, "held accesses", heldAccess)
}

// Ended lists at most most of those whose time is over or whose authorization is deleted,
// oldest first.
func (h HeldAccesses) Ended(ctx context.Context, now time.Time, most int) ([]HeldAccess, error) {
	rows, err := h.r.q.ListEndedHeldAccesses(ctx, query.ListEndedHeldAccessesParams{Now: query.At(now), Most: int64(most)})
	return each(rows, err, "held accesses", heldAccess)
}

// HeldTx writes held accesses.
type HeldTx struct{ executor }

// HeldIn returns the writer of those rows in a transaction.
func HeldIn(tx *Tx) HeldTx { return HeldTx{tx.executor} }

// Insert stores a new held access.
func (tx HeldTx) Insert(ctx context.Context, h HeldAccess) error {
	err := tx.q.InsertHeldAccess(ctx, query.InsertHeldAccessParams{
		QuestionHash: h.QuestionHash, StateHash: h.StateHash, ProviderID: h.ProviderID, DefinitionID: h.DefinitionID,
		Access: h.Access, ExpiresAt: query.At(h.ExpiresAt),
	})
	if err != nil {
		return fmt.Errorf("insert held access: %w", err)
	}
	return nil
}

// Answer empties a held access and keeps its row until an instant. It returns false if the
// question is answered already.
func (tx HeldTx) Answer(ctx context.Context, questionHash []byte, until time.Time) (bool, error) {
	n, err := tx.q.AnswerHeldAccess(ctx, query.AnswerHeldAccessParams{
		QuestionHash: questionHash, Access: []byte{}, ExpiresAt: query.At(until),
	})
	if err != nil {
		return false, fmt.Errorf("answer held access: %w", err)
	}
	return n == 1, nil
}

// Drop removes a held access. It returns false if another transaction has removed it.
func (tx HeldTx) Drop(ctx context.Context, questionHash []byte) (bool, error) {
	n, err := tx.q.DropHeldAccess(ctx, questionHash)
	if err != nil {
		return false, fmt.Errorf("drop held access: %w", err)
	}
	return n == 1, nil
}
