package wording

// Rule names the origin of a label, a type or a category. Rules are stored and shown: a
// name never changes its meaning (docs/identity.md lists them).
type Rule string

// The rules of types, in their order.
const (
	TypeCode  Rule = "code"
	TypeWords Rule = "words"
	TypeCard  Rule = "card"
	TypeSign  Rule = "sign"
)

// The rules of labels.
const (
	LabelCounterparty Rule = "counterparty"
	LabelTag          Rule = "tag"
	LabelWords        Rule = "words"
	LabelLine         Rule = "line"
	LabelType         Rule = "type"
)

// The rules of categories, in their order.
const (
	CategoryMerchant Rule = "merchant_code"
	CategoryCode     Rule = "code"
	CategoryBrand    Rule = "brand"
	CategoryNone     Rule = "none"
)
