package reconcile

import "slices"

// Rule names the way in which a row was recognised, or the reason for which its state
// changed. Rules are stored and shown: a name never changes its meaning (docs/identity.md
// lists them).
type Rule string

// The rules, in the order in which they are tried.
const (
	// RuleNew: no known row fits.
	RuleNew Rule = "new"

	// The bank's id, with the same amount or with an explained one.
	RuleID          Rule = "id"
	RuleIDSettled   Rule = "id_settled"
	RuleIDCurrency  Rule = "id_currency"
	RuleIDSign      Rule = "id_sign"
	RuleIDAmount    Rule = "id_amount"
	RuleIDCorrected Rule = "id_corrected"

	// The same content, with fewer and fewer values.
	RuleSameBalance      Rule = "same_balance"
	RuleSameCounterparty Rule = "same_counterparty"
	RuleSameDays         Rule = "same_days"
	RuleSameDay          Rule = "same_day"
	// RuleAllMoved: the same content, but for days of which the bank has moved all by one.
	RuleAllMoved Rule = "all_moved"

	// One difference.
	RuleOperationDay        Rule = "operation_day"
	RuleBookingDay          Rule = "booking_day"
	RuleValueDay            Rule = "value_day"
	RuleSettledReference    Rule = "settled_reference"
	RuleSettledOperationDay Rule = "settled_operation_day"
	RuleBookedMoved         Rule = "booked_moved"
	RuleSettledLater        Rule = "settled_later"
	RuleSettled             Rule = "settled"
	RuleRelabelled          Rule = "relabelled"
	RuleSettledRelabelled   Rule = "settled_relabelled"
	RuleMoved               Rule = "moved"
	RuleMovedInto           Rule = "moved_into_window"
	RuleMovedRelabelled     Rule = "moved_relabelled"
	RuleDated               Rule = "dated"
	RuleUndated             Rule = "relabelled_undated"
	RuleRewritten           Rule = "rewritten"
	RuleSign                Rule = "sign"
	RuleSettledSign         Rule = "settled_sign"
	RuleAmount              Rule = "amount"
	RuleSettledAmount       Rule = "settled_amount"
	RuleSettledCurrency     Rule = "settled_currency"
	RuleSettledDeferred     Rule = "settled_deferred"
	RuleCorrected           Rule = "corrected"

	// An expired row that the bank shows again.
	RuleRevived             Rule = "revived"
	RuleRevivedOperationDay Rule = "revived_operation_day"
	RuleRevivedSettled      Rule = "revived_settled"
	RuleRevivedRelabelled   Rule = "revived_relabelled"
	RuleRevivedDated        Rule = "revived_dated"
	RuleRevivedAmount       Rule = "revived_amount"
	RuleRevivedCurrency     Rule = "revived_currency"
	RuleRevivedSign         Rule = "revived_sign"

	// Changes without a row of the bank.
	RuleExpired   Rule = "expired"
	RuleMissing   Rule = "missing"
	RuleCancelled Rule = "cancelled"
	RuleRederived Rule = "rederived"
)

// Rules lists all rules.
func Rules() []Rule {
	rules := []Rule{RuleNew, RuleID, RuleIDSettled, RuleIDCurrency, RuleIDSign, RuleIDAmount, RuleIDCorrected}
	for _, p := range slices.Concat(passes, revivals) {
		rules = append(rules, p.rule)
		if p.rule == RuleSameDay {
			rules = append(rules, RuleAllMoved)
		}
	}
	return append(rules, RuleExpired, RuleMissing, RuleCancelled, RuleRederived)
}
