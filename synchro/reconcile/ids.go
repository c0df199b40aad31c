package reconcile

import (
	"regexp"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
)

// placeholders are what banks write where they have no id or reference.
var placeholders = map[string]bool{
	"": true, "NOTPROVIDED": true, "NOTAVAILABLE": true, "NOTAPPLICABLE": true,
	"NONREF": true, "NOREF": true, "NA": true, "NONE": true, "NULL": true, "NIL": true,
	"UNDEFINED": true, "UNKNOWN": true, "NONRENSEIGNE": true, "NONCOMMUNIQUE": true,
}

func placeholder(id string) bool {
	letters := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '1' && r <= '9', r > '~':
			return r
		}
		return -1 // spaces, punctuation, zeros
	}, strings.TrimSpace(fold(id)))
	return placeholders[letters]
}

// positional is a day and a counter within it: "2026-03-01.2", "20260301-0002".
var positional = regexp.MustCompile(`^(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})[-_./#: ]?\d{1,4}$`)

func countsWithin(id string, t bank.Transaction) bool {
	parts := positional.FindStringSubmatch(id)
	if parts == nil {
		return false
	}
	day := parts[1] + "-" + parts[2] + "-" + parts[3]
	for _, d := range []oxlin.Date{t.BookingDate, t.TransactionDate, t.ValueDate, t.ExpectedBookingDate} {
		if d.String() == day {
			return true
		}
	}
	return false
}

// samePosting says that two rows of one answer under one id are one posting,
// shown twice: on two pages, or with another hour of booking.
func samePosting(a, b *row) bool {
	if a.amount != b.amount || a.currency != b.currency || a.words != b.words || a.counterparty != b.counterparty {
		return false
	}
	if a.days == b.days && a.day == b.day {
		return true
	}
	return shareDay(a, b) && between(a.day-b.day, -1, 1)
}

// announced says that of two rows of one answer under one id the second is what
// became of the first.
func announced(before, after *row) bool {
	step, _ := before.likeness(after)
	return before.amount == after.amount && before.currency == after.currency && settles(before, after) && step >= alike
}

// trust decides which ids of a batch are ids, gives them to the rows, and marks
// a row that is only another row again. What it returns are the rows left.
func trust(known, rows []*row, fetched Fetched) []*row {
	if fetched.IDs == bank.IDConstant || fetched.IDs == bank.IDNone {
		return rows
	}
	byID := make(map[string][]*row, len(rows))
	for _, r := range rows {
		id := strings.TrimSpace(fetched.Transactions[r.at].BankID)
		if !placeholder(id) {
			byID[id] = append(byID[id], r)
		}
	}
	again := make(map[*row]bool)
	for id, holders := range byID {
		best, one := onePosting(holders)
		if !one {
			continue // the same id on different rows is none
		}
		for _, r := range holders {
			again[r] = r != best
		}
		if fetched.IDs != bank.IDPositional && !countsWithin(id, fetched.Transactions[best.at]) {
			best.ids = []string{id}
		}
	}
	left := rows[:0:0]
	for _, r := range rows {
		if !again[r] {
			left = append(left, r)
		}
	}
	if shifted(known, left) {
		for _, r := range left {
			r.ids = nil
		}
	}
	return left
}

// onePosting says whether rows are all the same posting, and which of them to
// take: a settled one if there is one, else the first.
func onePosting(rows []*row) (best *row, one bool) {
	var before, after *row
	for _, r := range rows {
		first := &after
		if r.open {
			first = &before
		}
		if *first == nil {
			*first = r
		}
		if !samePosting(*first, r) {
			return nil, false
		}
	}
	switch {
	case after == nil:
		return before, true
	case before == nil:
		return after, true
	}
	return after, announced(before, after)
}

// owners finds the known row of each id; an id that two of them have is none.
func owners(known []*row) map[string]*row {
	owner := make(map[string]*row, len(known))
	for _, k := range known {
		for _, id := range k.ids {
			other, taken := owner[id]
			if taken && other != k {
				owner[id] = nil
				continue
			}
			owner[id] = k
		}
	}
	return owner
}

// shifted says that ids have moved from row to row, though the bank is believed
// to give stable ones: a known row's id is on a different row, while the known
// row itself is in the batch, unchanged, under another id.
func shifted(known, rows []*row) bool {
	owner := owners(known)
	elsewhere := make(map[content]bool)
	var contradicted []*row
	for _, r := range rows {
		if len(r.ids) == 0 {
			continue
		}
		k := owner[r.ids[0]]
		if k != nil && k.amount == r.amount && k.currency == r.currency {
			step, _ := k.likeness(r)
			if k.words == r.words || step >= alike {
				continue // the id is confirmed
			}
		}
		elsewhere[essence(r)] = true
		if k != nil {
			contradicted = append(contradicted, k)
		}
	}
	for _, k := range contradicted {
		if elsewhere[essence(k)] {
			return true
		}
	}
	return false
}

func essence(r *row) content {
	return content{amount: r.amount, currency: r.currency, open: r.open, day: r.day, words: r.words}
}
