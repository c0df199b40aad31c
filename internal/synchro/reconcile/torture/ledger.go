package torture

import (
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// ledger has the rows of an account in memory, and those of its neighbour. It calls reconcile as synchro does: with the
// rows from two weeks before the window on, the pending ones, those without a day and those
// of the answer's ids, and writes the result.
type ledger struct {
	rows []stored
	// coveredUntil is the newest booking day; 0 before the first reading.
	coveredUntil int
	// readFrom and readUntil are the days that whole answers cover.
	readFrom, readUntil oxlin.Date
	// distinct reports of each account and channel what the result of its last answer told.
	distinct  map[source]bool
	parser    int
	recognise recogniser
}

// source is an account as a channel shows it.
type source struct{ account, channel int }

// recogniser is reconcile.Transactions, or what a test of the judge puts in its place.
type recogniser func([]reconcile.Known, reconcile.Fetched) reconcile.Result

type stored struct {
	reconcile.Known
	account int
	// record is the bank's record of the row, as the newest parser reads it.
	record bank.Transaction
	// merged is as in synchro.
	merged bool
}

// What synchro does: see overlap, pendingMargin and matchMargin there.
const (
	overlap       = 30
	pendingMargin = 5
	matchMargin   = 15
	late          = 4
	begin         = -1000 // earlier than every row
)

// asks is the first day of the next request.
func (l *ledger) asks() int {
	if l.coveredUntil == 0 {
		return begin
	}
	from := l.coveredUntil - overlap
	for _, k := range l.rows {
		if k.account == 0 && k.Status == oxlin.StatusPending && !k.Date.IsZero() {
			from = min(from, day(k.Date)-pendingMargin)
		}
	}
	return from
}

func day(d oxlin.Date) int { return d.DaysSince(date(0)) }

var channels = [...]oxlin.ChannelDefinitionID{"8701", "8700"}

// read stores an answer about an account, and returns our id of each of its rows (0 for
// none) and the result.
func (l *ledger) read(h *History, a answer, account int) ([]oxlin.TransactionID, reconcile.Result) {
	fetched := reconcile.Fetched{
		Transactions: a.rows, AskedFrom: date(a.asked), CoveredFrom: date(a.from), Complete: a.complete, IDs: h.Bank.Class,
		Channel: channels[a.channel], Today: date(a.day),
	}
	fetched.ReadFrom, fetched.ReadUntil = l.readFrom, l.readUntil
	fetched.DistinctIDs = l.distinct[source{account, a.channel}]
	if l.parser != a.parser {
		l.parser = a.parser
		l.derive()
	}
	since := fetched.CoveredFrom
	for _, t := range a.rows {
		if d := t.Date(); !d.IsZero() && d.Before(since) {
			since = d
		}
	}
	since = since.AddDays(-matchMargin)
	for _, k := range l.rows {
		if oldest := k.Date.AddDays(-pendingMargin); k.account == account && k.Status == oxlin.StatusPending && !k.Date.IsZero() && oldest.Before(since) {
			since = oldest
		}
	}
	known := l.known(account, since, a.rows, h.Bank.Class)
	result := l.recognise(known, fetched)
	if l.distinct == nil {
		l.distinct = make(map[source]bool)
	}
	l.distinct[source{account, a.channel}] = result.DistinctIDs
	ids := make([]oxlin.TransactionID, len(a.rows))
	for _, m := range result.Found {
		at := l.at(m.ID)
		if m.Change != 0 {
			// As in synchro, the record of a row that is only confirmed is not stored again.
			at.Known, at.record, at.merged = m.Held, a.records[m.Row], reconcile.Merged(m.Held, a.rows[m.Row])
		}
		ids[m.Row] = m.ID
	}
	for _, i := range result.New {
		held := reconcile.Hold(a.rows[i], result.BankIDs[i], fetched.Channel)
		held.ID = oxlin.TransactionID(len(l.rows) + 1)
		l.rows = append(l.rows, stored{held, account, a.records[i], false})
		ids[i] = held.ID
	}
	for _, id := range result.Expired {
		l.at(id).Status = oxlin.StatusExpired
	}
	for _, id := range result.Missing {
		at := l.at(id)
		at.MissingSince, at.AbsentOn = fetched.Today, []oxlin.Date{fetched.Today}
	}
	for _, id := range result.Absent {
		at := l.at(id)
		at.AbsentOn = append(slices.Clone(at.AbsentOn), fetched.Today)
	}
	for _, id := range result.Cancelled {
		l.at(id).Status = oxlin.StatusCancelled
	}
	for _, t := range a.rows {
		if t.Status == oxlin.StatusBooked && !t.BookingDate.IsZero() && !fetched.Today.Before(t.BookingDate) {
			l.coveredUntil = max(l.coveredUntil, day(t.BookingDate))
		}
	}
	if account == 0 && a.complete && !result.Suspect {
		if l.readFrom.IsZero() {
			l.readFrom = date(a.from)
		}
		l.readUntil = date(max(l.coveredUntil, a.day-late))
	}
	return ids, result
}

// known are the rows of an account that recognition sees: those from a day on, and older ones with an id
// of the answer that none of these has.
func (l *ledger) known(account int, since oxlin.Date, answer []bank.Transaction, class bank.IDClass) []reconcile.Known {
	var known, older []reconcile.Known
	held := make(map[string]bool)
	for _, k := range l.rows {
		if k.account != account {
			continue
		}
		if k.Date.Before(since) && !k.Date.IsZero() && k.Status != oxlin.StatusPending {
			older = append(older, k.Known)
			continue
		}
		known = append(known, k.Known)
		for _, id := range k.BankIDs {
			held[id] = true
		}
	}
	if class == bank.IDNone || class == bank.IDConstant || class == bank.IDPositional {
		return known
	}
	shown := make(map[string]bool)
	for _, t := range answer {
		shown[strings.TrimSpace(t.BankID)] = true
	}
	for _, k := range older {
		if slices.ContainsFunc(k.BankIDs, func(id string) bool { return shown[id] && !held[id] }) {
			known = append(known, k)
		}
	}
	return known
}

func (l *ledger) at(id oxlin.TransactionID) *stored {
	return &l.rows[slices.IndexFunc(l.rows, func(k stored) bool { return k.ID == id })]
}

// live reports whether sums count the row.
func (l *ledger) live(id oxlin.TransactionID) bool {
	switch l.at(id).Status {
	case oxlin.StatusExpired, oxlin.StatusCancelled:
		return false
	}
	return true
}

// derive reads the stored records again with a new parser, as a new version of the
// platform does before it reads an account.
func (l *ledger) derive() {
	for i := range l.rows {
		k := &l.rows[i]
		k.Known = reconcile.Derive(k.Known, k.record, k.merged)
	}
}
