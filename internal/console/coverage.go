package console

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// unreadableReasons counts the unreadable rows of an account by the part that cannot be
// read.
func unreadableReasons(ctx context.Context, reader store.Reader, id oxlin.AccountID) (map[string]int, error) {
	records, err := reader.UnreadableRecords(ctx, id)
	if err != nil {
		return nil, err
	}
	reasons := make(map[string]int)
	for _, record := range records {
		reasons[record.Reason]++
	}
	return reasons, nil
}

// covered describes in one sentence what the last reading of an account covers.
func covered(account oxlin.Account, reasons map[string]int) string {
	c := account.Coverage
	if c == (oxlin.Coverage{}) {
		return "Transactions: not read yet."
	}
	text := "Transactions: complete"
	if !c.Complete {
		text = "Transactions: incomplete"
	}
	if !c.From.IsZero() {
		text += " from " + c.From.String()
	}
	for _, gap := range (oxlin.IncompleteAccount{Coverage: c}).Gaps() {
		text += "; " + gapText(gap, c)
	}
	if c.UnreadableRows > 0 || len(reasons) > 0 {
		text += fmt.Sprintf("; %d unreadable rows", c.UnreadableRows)
		var parts []string
		for _, reason := range slices.Sorted(maps.Keys(reasons)) {
			parts = append(parts, fmt.Sprintf("%s: %d", reason, reasons[reason]))
		}
		if len(parts) > 0 {
			text += " (" + strings.Join(parts, ", ") + ")"
		}
	}
	if c.LastCompleteAt.IsZero() {
		return text + "; never complete."
	}
	return text + "; last complete " + instant(c.LastCompleteAt) + "."
}

// gapText explains a gap.
func gapText(gap oxlin.Gap, c oxlin.Coverage) string {
	switch gap {
	case oxlin.GapRefused:
		if c.Newest != oxlin.GapRefused && !c.Wanted.IsZero() {
			return "the days from " + c.Wanted.String() + " on are still asked for"
		}
		return "the bank refused to go on"
	case oxlin.GapBroken:
		return "the bank's pages did not end or could not be followed"
	case oxlin.GapSuspect:
		return "the answer lacks too much to be believed"
	case oxlin.GapUnreadable:
		return "some rows cannot be read"
	}
	return string(gap)
}
