package reconcile_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/synchro/reconcile"
	"github.com/oxlin/oxlin/internal/synchro/wording"
)

// TestEveryRuleIsDocumented holds the tables of docs/identity.md to the rules: the same
// names, in the same order.
func TestEveryRuleIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/identity.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text2, _ := strings.Cut(string(text), "## The rules\n")
	section, _, _ := strings.Cut(text2, "\n## ")
	tables := map[string][]string{}
	table := ""
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		switch {
		case len(cells) < 3:
		case strings.HasPrefix(cells[1], " `"):
			tables[table] = append(tables[table], strings.Trim(cells[1], " `"))
		case !strings.HasPrefix(cells[1], "-"):
			table = strings.TrimSpace(cells[1])
		}
	}
	if got := tables["rule"]; !slices.Equal(got, texts(reconcile.Rules())) {
		t.Errorf("documented are %q, want %q", got, reconcile.Rules())
	}
	for table, rules := range map[string][]wording.Rule{
		"label_rule":    {wording.LabelCounterparty, wording.LabelTag, wording.LabelWords, wording.LabelLine, wording.LabelType},
		"type_rule":     {wording.TypeCode, wording.TypeWords, wording.TypeCard, wording.TypeSign},
		"category_rule": {wording.CategoryMerchant, wording.CategoryCode, wording.CategoryBrand, wording.CategoryNone},
	} {
		if got := tables[table]; !slices.Equal(got, texts(rules)) {
			t.Errorf("%s: documented are %q, want %q", table, got, rules)
		}
	}
}

func texts[R ~string](rules []R) []string {
	var list []string
	for _, r := range rules {
		list = append(list, string(r))
	}
	return list
}

func TestRulesHaveNamesOfTheirOwn(t *testing.T) {
	seen := make(map[reconcile.Rule]bool)
	for _, rule := range reconcile.Rules() {
		if rule == "" || seen[rule] {
			t.Errorf("%q has no name of its own", rule)
		}
		seen[rule] = true
	}
}

// TestTheRuleOfAMatch reads one row twice, the second time otherwise.
func TestTheRuleOfAMatch(t *testing.T) {
	shop := row{id: "a", label: "CB CAFE DE LA GARE", amount: -12, booked: 5, on: 4}
	announced := row{id: "a", label: "CB CAFE DE LA GARE", amount: -12, on: 4, pending: true}
	with := func(r row, change func(*row)) row { change(&r); return r }
	for _, c := range []struct {
		fact          string
		ids           bank.IDClass
		before, after row
		rule          reconcile.Rule
		expired       bool
	}{
		{"unchanged, by its id", bank.IDStable, shop, shop, reconcile.RuleID, false},
		{"another label under its id", bank.IDStable, shop, with(shop, func(r *row) { r.label = "CAFE GARE PARIS" }), reconcile.RuleID, false},
		{"booked under its id", bank.IDStable, announced, shop, reconcile.RuleID, false},
		{"booked with a tip under its id", bank.IDStable, announced, with(shop, func(r *row) { r.amount = -13 }), reconcile.RuleIDSettled, false},
		{"the sign under its id", bank.IDStable, shop, with(shop, func(r *row) { r.amount = 12 }), reconcile.RuleIDSign, false},
		{"the amount under its id", bank.IDStable, shop, with(shop, func(r *row) { r.amount = -11 }), reconcile.RuleIDAmount, false},
		{"amount and day under its id", bank.IDStable, shop, with(shop, func(r *row) { r.amount, r.booked, r.on = -11, 7, 6 }), reconcile.RuleIDCorrected, false},
		{"the same balance", bank.IDNone, with(shop, func(r *row) { r.balance = 5 }), with(shop, func(r *row) { r.balance = 5 }), reconcile.RuleSameBalance, false},
		{"the same content", bank.IDNone, shop, shop, reconcile.RuleSameCounterparty, false},
		{"without the other party", bank.IDNone, with(shop, func(r *row) { r.counterpart = "CAFE" }), shop, reconcile.RuleSameDays, false},
		{"without the day of operation", bank.IDNone, shop, with(shop, func(r *row) { r.on = 0 }), reconcile.RuleSameDay, false},
		{"booked on another day", bank.IDNone, shop, with(shop, func(r *row) { r.booked = 7 }), reconcile.RuleOperationDay, false},
		{"booked", bank.IDNone, announced, shop, reconcile.RuleSettledOperationDay, false},
		{"booked, by the parties' reference", bank.IDNone, with(announced, func(r *row) { r.endToEnd = "e1" }),
			row{label: "VIR SCI DU LAC", amount: -12, booked: 6, endToEnd: "e1"}, reconcile.RuleSettledReference, false},
		{"booked with another label", bank.IDNone, announced, row{label: "CAFE DE LA GARE PARIS", amount: -12, booked: 6}, reconcile.RuleSettledRelabelled, false},
		{"another label", bank.IDNone, shop, with(shop, func(r *row) { r.label = "CAFE DE LA GARE PARIS" }), reconcile.RuleRelabelled, false},
		{"moved", bank.IDNone, row{label: "X", amount: -12, booked: 5}, row{label: "X", amount: -12, booked: 7}, reconcile.RuleBookedMoved, false},
		{"an entirely different label", bank.IDNone, shop, with(shop, func(r *row) { r.label = "ZZZ" }), reconcile.RuleRewritten, false},
		{"the sign", bank.IDNone, shop, with(shop, func(r *row) { r.amount = 12 }), reconcile.RuleSign, false},
		{"the amount", bank.IDNone, shop, with(shop, func(r *row) { r.amount = -11 }), reconcile.RuleAmount, false},
		{"booked after it expired", bank.IDNone, announced, shop, reconcile.RuleRevivedOperationDay, true},
		{"booked on a day after it expired without one", bank.IDNone, with(announced, func(r *row) { r.on = 0 }), shop, reconcile.RuleRevivedDated, true},
		{"booked after weeks", bank.IDNone, with(announced, func(r *row) { r.on = -20 }), with(shop, func(r *row) { r.booked, r.on = 11, 0 }), reconcile.RuleSettledDeferred, false},
	} {
		t.Run(c.fact, func(t *testing.T) {
			before := reconcile.Hold(c.before.transaction(), c.before.id, redirect)
			before.ID = 1
			if c.expired {
				before.Status = oxlin.StatusExpired
			}
			// A second row keeps the answer from turning all signs around.
			other := row{id: "rent", label: "LOYER", amount: -700, booked: 2}
			rent := reconcile.Hold(other.transaction(), other.id, redirect)
			rent.ID = 2
			f := fetch(c.ids, c.after, other)
			f.ReadFrom, f.ReadUntil = march(-80), march(8)
			result := reconcile.Transactions([]reconcile.Known{before, rent}, f)
			at := slices.IndexFunc(result.Found, func(m reconcile.Match) bool { return m.ID == 1 })
			if at < 0 {
				t.Fatalf("not recognised: %+v", result)
			}
			if got := result.Found[at].Rule; got != c.rule {
				t.Errorf("by %q, want %q", got, c.rule)
			}
		})
	}
}
