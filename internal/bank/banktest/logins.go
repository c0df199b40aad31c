package banktest

import (
	"context"
	"errors"
	"testing"

	"github.com/oxlin/oxlin/internal/bank"
)

// logins checks that a customer whose device is known is let in a second and a third time,
// without being asked, by another process each time; that no login sends the password twice;
// and that nothing is sent that could not be recorded.
func (s Subject) logins(t *testing.T) {
	known := s.listAccounts(t, s.Call)
	access := s.Call.Access
	enter := func(access bank.Access, record func() error) (bank.Access, error) {
		// The access comes out of the database, as after a restart.
		stored, err := bank.DecodeAccess(access.Encode())
		if err != nil {
			t.Fatal(err)
		}
		result, err := LogIn(t.Context(), s.New(), Login{
			Credentials: s.Logins, Access: stored, Record: func(context.Context, bank.Secrets) error { return record() },
		})
		if result.Question != nil {
			t.Fatal("the bank asks a customer whom it knows, and who is not there")
		}
		return result.Access, err
	}
	for n := range 3 {
		sent := 0
		next, err := enter(access, func() error {
			sent++
			return nil
		})
		if err != nil {
			t.Fatalf("login %d: %v", n+2, err)
		}
		if sent > 1 {
			t.Errorf("login %d sends the password %d times", n+2, sent)
		}
		got := s.listAccounts(t, bank.Call{Access: next})
		if len(got) != len(known) {
			t.Errorf("login %d opens %d accounts, and the first one %d", n+2, len(got), len(known))
		}
		access = next
	}
	lost := errors.New("the record is not stored")
	asked := false
	_, err := enter(access, func() error {
		asked = true
		return lost
	})
	if asked && !errors.Is(err, lost) || !asked && err != nil {
		t.Errorf("a password that is not recorded: %v", err)
	}
	_, err = enter(s.Lost.Access, func() error { return lost })
	if !errors.Is(err, lost) {
		t.Errorf("a login without a session records no password: %v", err)
	}
}
