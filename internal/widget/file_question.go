package widget

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// fileFacets are the choices that a page offers about a table, the usual one first.
var fileFacets = map[connect.Facet][]string{
	"order": {"DMY", "MDY", "YMD"}, "decimal": {",", "."}, "sign": {"written", "reversed"},
}

// askMapping asks how a table is read: what the file leaves open, and what was guessed about it.
func askMapping(view *page.File, how *connect.MappingQuestion) {
	view.Asks, view.Sample, view.Mapping = "mapping", how.Sample, keptMapping(&how.Mapping)
	known := map[connect.Facet]string{"order": how.Mapping.Order, "decimal": how.Mapping.Decimal, "sign": how.Mapping.Sign}
	for _, facet := range []connect.Facet{"order", "decimal", "sign"} {
		if known[facet] != "" || slices.Contains(how.Unsure, facet) {
			view.Questions = append(view.Questions, page.FileQuestion{
				Name: string(facet), Kind: string(facet), Options: options(fileFacets[facet], known[facet]),
			})
		}
	}
	for i, role := range how.Mapping.Columns {
		question := page.FileQuestion{Name: columnName(i), Kind: "column", Column: i + 1, Options: options(connect.Roles, role)}
		if i < len(how.Mapping.Header) {
			question.Title = how.Mapping.Header[i]
		}
		view.Questions = append(view.Questions, question)
	}
}

func columnName(i int) string { return "column-" + strconv.Itoa(i) }

func options[T ~string](values []T, chosen T) []page.FileOption {
	var all []page.FileOption
	for _, value := range values {
		all = append(all, page.FileOption{Value: string(value), Chosen: value == chosen})
	}
	return all
}

// accountQuestion asks to which account a file belongs.
func accountQuestion(open *connect.AccountQuestion) page.FileQuestion {
	question := page.FileQuestion{Name: "account", Kind: "account", Options: []page.FileOption{{Value: "", Chosen: true}}}
	for _, a := range open.Accounts {
		text := connect.AccountName(a)
		if number := masked(cmp.Or(a.IBAN, a.Number, a.MaskedNumber)); number != "" {
			text += " (" + number + ")"
		}
		question.Options = append(question.Options, page.FileOption{Value: a.ID.String(), Text: text})
	}
	question.Options = append(question.Options, page.FileOption{Value: "new"})
	return question
}
