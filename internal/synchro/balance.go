package synchro

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// balancePage is the number of the staged page that holds an account's balances: it
// precedes the transactions.
const balancePage = -1

// stagedBalances are balances that wait for the transactions, as sealed JSON.
type stagedBalances struct {
	bank.Balances
	// AskedAt is when they were requested; zero if an earlier version has staged them.
	AskedAt time.Time `json:"asked_at,omitzero"`
}

// readBalance asks for an account's balances before its transactions, and stages them:
// balance and rows are stored together. An unreadable, absent or refused balance costs
// the balance alone.
func (r *run) readBalance(ctx context.Context, account oxlin.Account, ref bank.AccountRef) error {
	told, err := r.askOrTold(ctx, account, ref)
	if err != nil {
		_, alone := r.ofOneAccount(err)
		if !alone {
			return err
		}
		told.Balances = bank.Balances{}
	}
	if told.Shown == nil {
		r.log.WarnContext(ctx, "a balance could not be read", "sync", r.sync.ID, "account", account.ID,
			"unreadable", len(told.Unreadable), "error", err)
	}
	r.sync.Progress.Balanced, r.sync.Attempts = true, 0
	if r.sync.Progress.Page == 0 {
		r.sync.Progress = r.sync.Progress.AtStart()
	}
	return answers{r}.keep(ctx, account.ID, balancePage, told, recordSize)
}

// askOrTold returns the balances that the list has told, if the bank has them there alone or has no others,
// and else asks for them.
func (r *run) askOrTold(ctx context.Context, account oxlin.Account, ref bank.AccountRef) (stagedBalances, error) {
	told, found, err := toldInList(ctx, r, ref)
	if err != nil || found && r.connector.Profile().BalancesInList {
		return told, err
	}
	return r.askForBalance(ctx, account, ref, told, found)
}

// askForBalance calls the bank until it has said its last word, each time as one step. The
// cursor of a run that an earlier version has begun with the transactions is theirs. listed are the
// balances that the list has told, where the bank has no others.
func (r *run) askForBalance(
	ctx context.Context, account oxlin.Account, ref bank.AccountRef, listed stagedBalances, inList bool,
) (asked stagedBalances, err error) {
	theirs := r.sync.Progress.Page > 0
	cursor, err := position{r}.cursor()
	if err != nil {
		return asked, err
	}
	if theirs {
		cursor = ""
	}
	for {
		err = r.handOverIfLate(ctx)
		if err != nil {
			return asked, err
		}
		asked.AskedAt = r.now()
		resource := ""
		if cursor == "" {
			resource = readsBalance
		}
		asked.Balances, err = askAbout(ctx, r, readsBalance, account.ID, resource, func(ctx context.Context, call bank.Call) (bank.Balances, error) {
			return r.connector.Balances(ctx, call, ref, cursor)
		})
		if err == nil && asked.InList && inList {
			return listed, nil
		}
		if err != nil || asked.Next == "" {
			return asked, err
		}
		cursor, r.sync.Attempts = asked.Next, 0
		if theirs {
			continue
		}
		err = position{r}.moveTo(cursor, oxlin.PageAddressed)
		if err != nil {
			return asked, err
		}
		err = r.save(ctx)
		if err != nil {
			return asked, err
		}
	}
}
