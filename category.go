package oxlin

// Category sorts transactions for budgets (contract §3.10). Labels are French.
type Category struct {
	ID     string
	Label  string
	Type   string // EXPENSE or INCOME
	Parent string // the parent's id; empty for a parent
}
