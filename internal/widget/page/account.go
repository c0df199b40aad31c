package page

import (
	"strings"

	"github.com/oxlin/oxlin"
)

// about returns the details of an account next to its name.
func (d drawing) about(a AccountLine) string {
	var words []string
	if a.Type != "" {
		words = append(words, d.text("account."+string(a.Type)))
	}
	if a.Usage == oxlin.UsageProfessional {
		words = append(words, d.text("account.professional"))
	}
	if a.Number != "" {
		words = append(words, strings.ReplaceAll(a.Number, " ", "\u00a0"))
	}
	return strings.Join(words, " · ")
}
