package reconcile

import (
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// Known is one transaction as we hold it, with what recognising it needs.
type Known struct {
	ID oxlin.TransactionID
	// BankIDs is every id that the bank ever gave it, as Result.BankIDs told.
	BankIDs []string
	Status  oxlin.TransactionStatus
	// Amount is signed: a debit is negative.
	Amount   oxlin.Amount
	Currency string
	// The days as now held; zero where no answer ever gave one.
	BookingDate     oxlin.Date
	TransactionDate oxlin.Date
	ValueDate       oxlin.Date
	// Date is the day that users see, bank.Transaction.Date of the row.
	Date oxlin.Date
	// Words are the bank's words as Words made them when they were stored.
	Words        string
	Counterparty string
	EndToEndID   string
	MandateID    string
	CheckNumber  string
	BalanceAfter *oxlin.Amount
	// Channel fed it last: ids of another channel are not comparable.
	Channel oxlin.ChannelDefinitionID
	// MissingSince is the first day on which a complete answer lacked it; zero
	// while it is present.
	MissingSince oxlin.Date
}

// Hold is what we know of a row that the bank gives for the first time. The
// bankID is the row's entry in Result.BankIDs.
func Hold(t bank.Transaction, bankID string, channel oxlin.ChannelDefinitionID) Known {
	return Known{Channel: channel}.with(t, bankID, channel)
}

// with is what is known once a row was recognised. What the answer leaves out
// does not erase what an earlier one told, because a web site gives fewer days
// than an interface does. What is booked stays booked: the money has moved.
func (k Known) with(t bank.Transaction, bankID string, channel oxlin.ChannelDefinitionID) Known {
	if bankID != "" && !slices.Contains(k.BankIDs, bankID) {
		k.BankIDs = append(slices.Clone(k.BankIDs), bankID)
	}
	if k.Status == "" || open(k.Status) || !open(t.Status) {
		k.Status = t.Status
	}
	k.Amount = t.Amount
	k.Currency = t.Currency
	k.BookingDate = told(t.BookingDate, k.BookingDate)
	k.TransactionDate = told(t.TransactionDate, k.TransactionDate)
	k.ValueDate = told(t.ValueDate, k.ValueDate)
	t.BookingDate, t.TransactionDate, t.ValueDate = k.BookingDate, k.TransactionDate, k.ValueDate
	k.Date = t.Date()
	k.Words = Words(t)
	k.Counterparty = told(strings.TrimSpace(t.Counterparty), k.Counterparty)
	k.EndToEndID = told(t.EndToEndID, k.EndToEndID)
	k.MandateID = told(t.MandateID, k.MandateID)
	k.CheckNumber = told(t.CheckNumber, k.CheckNumber)
	k.BalanceAfter = told(t.BalanceAfter, k.BalanceAfter)
	k.Channel = channel
	k.MissingSince = oxlin.Date{}
	return k
}

func told[T comparable](now, before T) T {
	var nothing T
	if now == nothing {
		return before
	}
	return now
}

// open says that the bank has not settled a row: it may still change or vanish.
func open(s oxlin.TransactionStatus) bool {
	switch s {
	case oxlin.StatusPending, oxlin.StatusOther, oxlin.StatusExpired:
		return true
	}
	return false
}

// Change says what differs between what we held and what the bank gives now.
type Change uint16

// The differences; several may come together.
const (
	ChangedStatus Change = 1 << iota
	ChangedAmount
	ChangedDates
	ChangedWords
	ChangedCounterparty
	// ChangedReferences: end-to-end id, mandate, check number or balance after.
	ChangedReferences
	// ChangedBankID: the row has an id that it did not have yet.
	ChangedBankID
	// ChangedChannel: another channel feeds it now.
	ChangedChannel
	// ChangedPresence: it was missing and is there again.
	ChangedPresence
)

// Visible says whether a client sees the difference (contract §4.8,
// last_update_date); the others concern only the next recognition.
func (c Change) Visible() bool {
	return c&(ChangedStatus|ChangedAmount|ChangedDates|ChangedWords|ChangedCounterparty|ChangedReferences) != 0
}

func difference(before, after Known) Change {
	var c Change
	mark := func(differs bool, change Change) {
		if differs {
			c |= change
		}
	}
	mark(before.Status != after.Status, ChangedStatus)
	mark(before.Amount != after.Amount || before.Currency != after.Currency, ChangedAmount)
	mark(before.BookingDate != after.BookingDate || before.TransactionDate != after.TransactionDate ||
		before.ValueDate != after.ValueDate || before.Date != after.Date, ChangedDates)
	mark(before.Words != after.Words, ChangedWords)
	mark(before.Counterparty != after.Counterparty, ChangedCounterparty)
	mark(before.EndToEndID != after.EndToEndID || before.MandateID != after.MandateID ||
		before.CheckNumber != after.CheckNumber || !sameAmount(before.BalanceAfter, after.BalanceAfter), ChangedReferences)
	mark(len(before.BankIDs) != len(after.BankIDs), ChangedBankID)
	mark(before.Channel != after.Channel, ChangedChannel)
	mark(before.MissingSince != after.MissingSince, ChangedPresence)
	return c
}

func sameAmount(a, b *oxlin.Amount) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
