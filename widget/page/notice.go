package page

import "github.com/a-h/templ"

// problem is the key of what went wrong on the way to the bank.
func (v Notice) problem() string {
	for _, family := range []string{"notice.", "error."} {
		if Texts.Has(family + v.Problem) {
			return family + v.Problem
		}
	}
	return "notice.bank_error"
}

// where is the tab in which the bank opens.
func (v Notice) where() templ.Attributes {
	if !v.NewTab {
		return nil
	}
	return templ.Attributes{"target": "_blank", "rel": "noopener"}
}
