package synchro

import (
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
	"github.com/oxlin/oxlin/internal/synchro/wording"
)

// changesOf returns the changes that a reading makes to each known transaction, with the
// rule that explains it. A transaction that the reading only confirms is left out. BankIDs are
// the ids of each transaction before the reading.
func changesOf(result reconcile.Result, bankIDs map[oxlin.TransactionID][]string, sync oxlin.SyncID, now time.Time) map[oxlin.TransactionID][]oxlin.TransactionChange {
	changes := make(map[oxlin.TransactionID][]oxlin.TransactionChange)
	add := func(id oxlin.TransactionID, rule reconcile.Rule, formerID string) {
		changes[id] = append(changes[id], oxlin.TransactionChange{Transaction: id, Sync: sync, At: now, Rule: string(rule), FormerBankID: formerID})
	}
	for _, match := range result.Found {
		if match.Change == 0 {
			continue
		}
		former := ""
		if ids := bankIDs[match.ID]; match.Change&reconcile.ChangedBankID != 0 && len(ids) > 0 {
			former = ids[len(ids)-1]
		}
		add(match.ID, match.Rule, former)
	}
	for rule, ids := range map[reconcile.Rule][]oxlin.TransactionID{
		reconcile.RuleExpired: result.Expired, reconcile.RuleMissing: result.Missing, reconcile.RuleCancelled: result.Cancelled,
	} {
		for _, id := range ids {
			add(id, rule, "")
		}
	}
	return changes
}

// derivationOf tells how the values of a row come from the bank's record.
func derivationOf(t bank.Transaction, reading wording.Reading) oxlin.Derivation {
	derivation := oxlin.Derivation{LabelRule: string(reading.LabelRule), TypeRule: string(reading.TypeRule)}
	for _, part := range t.Unread {
		derivation.Unread = append(derivation.Unread, string(part))
	}
	return derivation
}
