package synchro

import (
	"context"

	"github.com/oxlin/oxlin"
)

// NewAccount is an account that a client keeps by hand.
type NewAccount struct {
	Name     string
	Type     oxlin.AccountType
	Usage    oxlin.Usage
	Currency string
	Balance  oxlin.Amount
	IBAN     string
	Number   string
}

// CreateAccount makes a MANUAL account.
func (s *Service) CreateAccount(ctx context.Context, caller oxlin.Caller, account NewAccount) (oxlin.AccountID, error) {
	panic("being written")
}

// AccountChange is what a client may change of an account; nil leaves it.
type AccountChange struct {
	Name   *string
	Status *oxlin.AccountStatus
	Usage  *oxlin.Usage
}

// ChangeAccount changes an account. CLOSED archives it; ACTIVE takes it back and
// schedules a synchronisation (contract §3.8, §11).
func (s *Service) ChangeAccount(ctx context.Context, caller oxlin.Caller, id oxlin.AccountID, change AccountChange) error {
	panic("being written")
}

// DeleteAccount removes an account and its data for good; later synchronisations
// leave it alone until the user lists the accounts again (contract §8).
func (s *Service) DeleteAccount(ctx context.Context, caller oxlin.Caller, id oxlin.AccountID) error {
	panic("being written")
}
