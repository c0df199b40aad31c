package torture

import (
	"fmt"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
)

// Name names a failure for a table of tests.
func (f Failure) Name() string {
	return fmt.Sprintf("%s, %s ids: %s", strings.Join(f.Disturbances, "; "), strings.ToLower(string(f.History.Bank.Class)), f.Kind)
}

// Source writes a failure as a case of TestTorture in reconcile.
func (f Failure) Source() string {
	var out strings.Builder
	fmt.Fprintf(&out, "\t\t// Seed %d.\n", f.Seed)
	var notes []string
	play(f.History, func(line string) { notes = append(notes, line) })
	for _, line := range notes {
		fmt.Fprintf(&out, "\t\t// %s.\n", line)
	}
	fmt.Fprintf(&out, "\t\t{%q, bank.%s, []answer{\n", f.Name(), constantOf(f.History.Bank.Class))
	j := &judge{h: f.History, ledger: ledger{recognise: reconcile.Transactions}}
	for at := range f.History.Readings {
		a := f.History.answer(at, j.ledger.asks())
		j.ledger.read(f.History, a, 0)
		fmt.Fprintf(&out, "\t\t\t{today: %d, from: %d", a.day, a.from)
		if !a.complete {
			out.WriteString(", partial: true")
		}
		if len(a.lacking) >= 3 && 4*len(a.lacking) > len(a.due) {
			out.WriteString(", suspect: true")
		}
		if a.channel != 0 {
			out.WriteString(", channel: embedded")
		}
		out.WriteString(", rows: []posting{")
		if len(a.rows) > 0 {
			out.WriteByte('\n')
			for i, t := range a.rows {
				fmt.Fprintf(&out, "\t\t\t\t{movement: %d, row: %s},\n", a.tokens[i], rowSource(t))
			}
			out.WriteString("\t\t\t")
		}
		out.WriteString("}},\n")
	}
	out.WriteString("\t\t}},\n")
	return out.String()
}

func constantOf(class bank.IDClass) string {
	return map[bank.IDClass]string{
		bank.IDStable: "IDStable", bank.IDPerConsent: "IDPerConsent", bank.IDPositional: "IDPositional",
		bank.IDConstant: "IDConstant", bank.IDNone: "IDNone",
	}[class]
}

// rowSource writes a row as reconcile's tests do, with days of March and amounts in cents.
func rowSource(t bank.Transaction) string {
	var parts []string
	put := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	put(t.BankID != "", "id: %q", t.BankID)
	put(t.Status == oxlin.StatusPending, "pending: true")
	put(true, "amount: %d", t.Amount/1000)
	put(!t.BookingDate.IsZero(), "booked: %d", day(t.BookingDate))
	put(!t.TransactionDate.IsZero(), "on: %d", day(t.TransactionDate))
	put(!t.ValueDate.IsZero(), "value: %d", day(t.ValueDate))
	put(true, "label: %q", strings.Join(t.Remittance, " "))
	put(t.Counterparty != "", "counterpart: %q", t.Counterparty)
	if t.BalanceAfter != nil {
		put(true, "balance: %d", *t.BalanceAfter)
	}
	put(t.EndToEndID != "", "endToEnd: %q", t.EndToEndID)
	put(t.MerchantCategory != "", "mcc: %q", t.MerchantCategory)
	text := "row{" + strings.Join(parts, ", ") + "}"
	if t.Status == oxlin.StatusOther {
		text += ", other: true"
	}
	if t.Currency != "EUR" {
		text += fmt.Sprintf(", currency: %q", t.Currency)
	}
	return text
}
