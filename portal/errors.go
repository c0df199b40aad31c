package portal

import (
	"cmp"
	"html"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/portal/page"
)

const errorsPath = guidesPath + "/errors"

// errors is the table of the catalogue, and of what the token endpoint says beside it.
func (p *Portal) errors() page.Table {
	return page.Table{
		Title: "Errors",
		Lead: prose(`Every error has the same shape. ` + "`error` and `error_description`" + ` are for programs: compare them. ` + "`message`" + ` is for the
developer and may change; ` + "`field`" + ` names the parameter at fault; ` + "`request_id`" + ` is how our log knows the request. What a user should read is
in this table too, as the widget says it.

` + "```json" + `
{
  "error": "insufficient_scope",
  "error_description": "insufficient_scope",
  "message": "The token does not carry the scope transactions_read.",
  "request_id": "3KQ7XK5W2B2J6VYDQ3M4HBOZLU"
}
` + "```" + `
`),
		Parts: []page.Part{{
			ID: "catalogue", Title: "The catalogue",
			Text:    prose("Used by the API, the widget and the events alike."),
			Columns: []string{"Code", "For the developer", "For the user", "What to do"},
			Rows:    p.catalogue(),
		}, {
			ID: "token-endpoint", Title: "The token endpoint",
			Text:    prose("`POST /token` answers with the codes of OAuth2 (RFC 6749), and nothing but `error` and `error_description`."),
			Columns: []string{"Code", "For the developer", "What to do"},
			Rows: []page.Row{
				tokenError("invalid_client", 401, "The client is unknown, or its secret is wrong.", "Check `client_id` and `client_secret`."),
				tokenError("invalid_grant", 400, "The user is unknown, the password wrong, or the code or refresh token unknown, used or expired.",
					"Log the user in again. If they were deleted, create them again."),
				tokenError("invalid_scope", 400, "A scope does not exist or is not open to this client.", "Ask only for [scopes that exist](/quickstart#scopes)."),
				tokenError("unsupported_grant_type", 400, "There is no such grant.",
					"Use `client_credentials`, `password`, `refresh_token` or `authorization_code`."),
				tokenError("invalid_request", 400, "A parameter is missing or given twice.", "Correct the request."),
			},
		}},
	}
}

// catalogue has a row for every code, in the order of their statuses.
func (p *Portal) catalogue() []page.Row {
	codes := slices.SortedFunc(maps.Keys(oxlin.Catalogue), func(a, b oxlin.Code) int {
		return cmp.Or(cmp.Compare(oxlin.Catalogue[a].Status, oxlin.Catalogue[b].Status), cmp.Compare(a, b))
	})
	var rows []page.Row
	for _, code := range codes {
		entry := oxlin.Catalogue[code]
		said := ""
		for _, language := range []string{"en", "fr"} {
			said += `<p lang="` + language + `">` + html.EscapeString(p.options.Sentence(language, string(code))) + "</p>"
		}
		rows = append(rows, page.Row{
			ID: string(code), Name: string(code), Badge: httpStatus(entry.Status),
			Cells: []string{prose(entry.Message), said, prose(entry.Remedy)},
		})
	}
	return rows
}

func tokenError(code string, status int, means, do string) page.Row {
	return page.Row{ID: "token-" + code, Name: code, Badge: httpStatus(status), Cells: []string{prose(means), prose(do)}}
}

func httpStatus(status int) string { return strconv.Itoa(status) + " " + http.StatusText(status) }
