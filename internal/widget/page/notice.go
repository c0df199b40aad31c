package page

import "github.com/a-h/templ"

// problem returns the key of the text for a failed authorization.
func (v Notice) problem() string {
	for _, family := range []string{"notice.", "error."} {
		if Texts.Has(family + v.Problem) {
			return family + v.Problem
		}
	}
	return "notice.bank_error"
}

// where returns the target tab of the bank's page.
func (v Notice) where() templ.Attributes {
	if !v.NewTab {
		return nil
	}
	return templ.Attributes{"target": "_blank", "rel": "noopener"}
}
