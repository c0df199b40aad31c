package portal

import (
	"cmp"
	"html"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/portal/page"
)

const errorsPath = guidesPath + "/errors"

// tokenEndpointCodes are the error codes of POST /token: those of RFC 6749 §5.2, and
// one for failures of the platform.
var tokenEndpointCodes = []oxlin.Code{
	oxlin.CodeInvalidRequest, oxlin.CodeInvalidClient, oxlin.CodeInvalidGrant, oxlin.CodeUnauthorizedClient,
	oxlin.CodeUnsupportedGrantType, oxlin.CodeInvalidScope, oxlin.CodeServerError,
}

// errors returns the table of all error codes, and of those that the token endpoint
// uses.
func (p *Portal) errors() page.Table {
	columns := []string{"Code", "For the developer", "For the user", "What to do"}
	return page.Table{
		Title: "Errors",
		Lead: prose(`Every error of the API has the same shape. ` + "`error` and `error_description`" + ` are for programs: compare them. ` + "`message`" + ` is for the
developer and may change. ` + "`field`" + ` names the wrong parameter. ` + "`request_id`" + ` identifies the request in the platform's log. The table also has the
text for the user, as the widget shows it.

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
			Text:    prose("All error codes, used by the API, the authorization server, the widget and the events."),
			Columns: columns,
			Rows:    p.rows("", codes()),
		}, {
			ID: "token-endpoint", Title: "The token endpoint",
			Text: prose("`POST /token` answers with these codes of OAuth2 (RFC 6749), and only the members `error` and `error_description`, which " +
				"describes the error in this request. So do `/introspect` and `/revoke`. The sign-in page sends both to your `redirect_uri`, or shows them if " +
				"the client or that address is unknown. [Tokens](" + guidesPath + "/tokens) has the requests."),
			Columns: columns,
			Rows:    p.rows("token-", tokenEndpointCodes),
		}},
	}
}

// codes returns all error codes, ordered by their HTTP statuses.
func codes() []oxlin.Code {
	return slices.SortedFunc(maps.Keys(oxlin.Catalogue), func(a, b oxlin.Code) int {
		return cmp.Or(cmp.Compare(oxlin.Catalogue[a].Status, oxlin.Catalogue[b].Status), cmp.Compare(a, b))
	})
}

// rows returns the table rows of error codes. The prefix begins their anchors.
func (p *Portal) rows(prefix string, codes []oxlin.Code) []page.Row {
	var rows []page.Row
	for _, code := range codes {
		entry := oxlin.Catalogue[code]
		texts := ""
		for _, language := range []string{"en", "fr"} {
			texts += `<p lang="` + language + `">` + html.EscapeString(p.options.Sentence(language, string(code))) + "</p>"
		}
		rows = append(rows, page.Row{
			ID: prefix + string(code), Name: string(code), Badge: httpStatus(entry.Status),
			Cells: []string{prose(entry.Message), texts, prose(entry.Remedy)},
		})
	}
	return rows
}

func httpStatus(status int) string { return strconv.Itoa(status) + " " + http.StatusText(status) }
