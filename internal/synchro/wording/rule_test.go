package wording_test

import (
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/wording"
)

// TestRulesOfAReading names the origin of label, type and category.
func TestRulesOfAReading(t *testing.T) {
	with := func(t bank.Transaction, change func(*bank.Transaction)) bank.Transaction { change(&t); return t }
	loan := bank.Code{Domain: "LDAS", Family: "CSLN", SubFamily: "PPAY"}
	for _, c := range []struct {
		row                   bank.Transaction
		account               oxlin.AccountType
		label, type_, subject wording.Rule
	}{
		{lines(-1, "CB CARREFOUR MARKET 12/03"), "", wording.LabelWords, wording.TypeWords, wording.CategoryBrand},
		{lines(-1, "RETRAIT GUICHET"), "", wording.LabelLine, wording.TypeWords, wording.CategoryNone},
		{lines(-1, "ZZZ"), "", wording.LabelLine, wording.TypeSign, wording.CategoryNone},
		{lines(1, "CB CARREFOUR AVOIR"), "", wording.LabelWords, wording.TypeWords, wording.CategoryNone},
		{lines(-1, "ZZZ"), oxlin.AccountCreditCard, wording.LabelLine, wording.TypeCard, wording.CategoryNone},
		{with(lines(-1, "ZZZ"), func(t *bank.Transaction) { t.MerchantCategory = "5411" }), "", wording.LabelLine, wording.TypeSign, wording.CategoryMerchant},
		{with(lines(-1, "ECH PRET"), func(t *bank.Transaction) { t.Code = loan }), "", wording.LabelLine, wording.TypeCode, wording.CategoryCode},
		{with(lines(-1, "PRLV SEPA 123"), func(t *bank.Transaction) { t.Counterparty = "EDF" }), "", wording.LabelCounterparty, wording.TypeWords, wording.CategoryNone},
		{lines(-1, "VIR SEPA /DE MOI /BEN MARIE CURIE /MOTIF LOYER"), "", wording.LabelTag, wording.TypeWords, wording.CategoryNone},
		{lines(-1), "", wording.LabelType, wording.TypeSign, wording.CategoryNone},
		{with(lines(-1), func(t *bank.Transaction) { t.Counterparty = "EDF" }), "", wording.LabelCounterparty, wording.TypeSign, wording.CategoryNone},
	} {
		got := wording.Read(c.row, c.account)
		if got.LabelRule != c.label || got.TypeRule != c.type_ || got.CategoryRule != c.subject {
			t.Errorf("%q: label %q by %q, type by %q, category by %q; want %q, %q, %q", c.row.Remittance, got.Label,
				got.LabelRule, got.TypeRule, got.CategoryRule, c.label, c.type_, c.subject)
		}
	}
}
