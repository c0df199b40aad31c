package page

// Text returns how far the work is, in a language of Texts.
func (p Progress) Text(language string) string {
	switch p.Step {
	case "accounts", "transactions":
	default:
		p.Step = "login"
	}
	return Texts.Get(language, "progress."+p.Step, map[string]any{"Done": p.Done, "Total": p.Total, "Transactions": p.Transactions})
}
