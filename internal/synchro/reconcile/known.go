package reconcile

import (
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// Known is a stored transaction, with the values that recognising it needs.
type Known struct {
	ID oxlin.TransactionID
	// BankIDs are all ids that the bank ever gave it, from Result.BankIDs.
	BankIDs []string
	// ChannelsOfIDs are the channels that gave each of them: ids of two channels are not
	// comparable. Ids without an entry are those of Channel.
	ChannelsOfIDs [][]oxlin.ChannelDefinitionID
	Status        oxlin.TransactionStatus
	// Amount is signed: a debit is negative.
	Amount   oxlin.Amount
	Currency string
	// The stored days; zero if no answer ever gave one.
	BookingDate     oxlin.Date
	TransactionDate oxlin.Date
	ValueDate       oxlin.Date
	// Date is the day that users see, bank.Transaction.Date of the row.
	Date oxlin.Date
	// Words are the bank's words, in the form of the function Words.
	Words        string
	Counterparty string
	EndToEndID   string
	MandateID    string
	CheckNumber  string
	BalanceAfter *oxlin.Amount
	// Channel read it last.
	Channel oxlin.ChannelDefinitionID
	// MissingSince is the first day on which a complete answer lacked it; zero if the
	// last one showed it.
	MissingSince oxlin.Date
	// AbsentOn are the days of the complete answers that lacked it since then.
	AbsentOn []oxlin.Date
}

// Hold converts a row that the bank gives for the first time. The bankID is the row's
// entry in Result.BankIDs.
func Hold(t bank.Transaction, bankID string, channel oxlin.ChannelDefinitionID) Known {
	return Known{Channel: channel}.with(t, bankID, channel)
}

// with updates a known row from a fetched one. Values that the answer leaves out stay,
// because a web site gives fewer days than an interface does. A booked row stays
// booked: the money has moved.
func (k Known) with(t bank.Transaction, bankID string, channel oxlin.ChannelDefinitionID) Known {
	k = k.named(bankID, channel)
	if k.Status == oxlin.StatusCancelled && k.MissingSince.IsZero() {
		k.Status = "" // its record said nothing until now
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
	k.MissingSince, k.AbsentOn = oxlin.Date{}, nil
	if k.Status == oxlin.StatusCancelled && open(t.Status) {
		k.Status = oxlin.StatusBooked // only rows that were booked are cancelled by absence
	}
	return k
}

// named adds an id that a channel gives the row, and notes which channel gave the others.
func (k Known) named(bankID string, channel oxlin.ChannelDefinitionID) Known {
	if bankID == "" && (channel == k.Channel || len(k.BankIDs) == 0) {
		return k
	}
	channels := make([][]oxlin.ChannelDefinitionID, len(k.BankIDs), len(k.BankIDs)+1)
	for i := range k.BankIDs {
		channels[i] = slices.Clone(k.channelsOf(i))
	}
	k.ChannelsOfIDs = channels
	at := slices.Index(k.BankIDs, bankID)
	switch {
	case bankID == "":
	case at < 0:
		k.BankIDs = append(slices.Clone(k.BankIDs), bankID)
		k.ChannelsOfIDs = append(k.ChannelsOfIDs, []oxlin.ChannelDefinitionID{channel})
	case !slices.Contains(k.ChannelsOfIDs[at], channel):
		k.ChannelsOfIDs[at] = append(k.ChannelsOfIDs[at], channel)
	}
	return k
}

// channelsOf returns the channels that gave the row's id at an index.
func (k Known) channelsOf(at int) []oxlin.ChannelDefinitionID {
	if at < len(k.ChannelsOfIDs) {
		return k.ChannelsOfIDs[at]
	}
	return []oxlin.ChannelDefinitionID{k.Channel}
}

// idsFrom returns the row's ids that a channel gave.
func (k Known) idsFrom(channel oxlin.ChannelDefinitionID) []string {
	var ids []string
	for i, id := range k.BankIDs {
		if slices.Contains(k.channelsOf(i), channel) {
			ids = append(ids, id)
		}
	}
	return ids
}

func told[T comparable](now, before T) T {
	var nothing T
	if now == nothing {
		return before
	}
	return now
}

// open reports whether the bank has not booked a row: it may change or disappear.
func open(s oxlin.TransactionStatus) bool {
	switch s {
	case oxlin.StatusPending, oxlin.StatusExpired:
		return true
	}
	return false
}

// Change lists the differences between a known row and the bank's present answer.
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
	// ChangedBankID: the row has a new id.
	ChangedBankID
	// ChangedChannel: another channel reads it now.
	ChangedChannel
	// ChangedPresence: it was missing and is shown again.
	ChangedPresence
)

// Visible reports whether a client sees the change (contract §4.8, last_update_date).
// Other changes matter only for recognising the row again.
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

// Derive returns a stored row with the values that its record has today: t is the record as
// the connector reads it now. Values that the record lacks stay if they are merged from an
// earlier one (see Merged), except days that no bank means. What absence has decided stays,
// and so does the id.
func Derive(k Known, t bank.Transaction, merged bool) Known {
	before, bankID := k, ""
	if len(k.BankIDs) > 0 {
		// A text that proved not to be an id does not become one.
		bankID = t.BankID
	}
	if !merged {
		k = Known{ID: k.ID, BankIDs: k.BankIDs, ChannelsOfIDs: k.ChannelsOfIDs, Channel: k.Channel}
	}
	k.BookingDate, k.TransactionDate, k.ValueDate = meant(k.BookingDate), meant(k.TransactionDate), meant(k.ValueDate)
	k = k.with(t, bankID, before.Channel)
	k.MissingSince, k.AbsentOn = before.MissingSince, before.AbsentOn
	if before.Status == oxlin.StatusExpired || before.Status == oxlin.StatusCancelled && !before.MissingSince.IsZero() {
		k.Status = before.Status
	}
	return k
}

// Merged reports whether a row has values that its record t lacks.
func Merged(k Known, t bank.Transaction) bool {
	alone := Hold(t, "", k.Channel)
	if k.Status == oxlin.StatusExpired || k.Status == oxlin.StatusCancelled {
		alone.Status = k.Status
	}
	return difference(alone, k)&(ChangedStatus|ChangedDates|ChangedCounterparty|ChangedReferences) != 0
}

// meant returns a day, or none for one that programs write in place of none.
func meant(day oxlin.Date) oxlin.Date {
	if day.Before(oxlin.NewDate(1900, 1, 1)) || oxlin.NewDate(2200, 12, 31).Before(day) {
		return oxlin.Date{}
	}
	return day
}
