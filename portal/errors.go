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

// remedies say what to do about each code of the catalogue.
var remedies = map[oxlin.Code]string{
	oxlin.CodeInvalidRequest:       "Correct the request: `field` names the parameter or the member of the body, `message` says what is wrong with it. Sending it again unchanged does not help.",
	oxlin.CodeInvalidToken:         "Get a new access token: with the refresh token, or by the user's e-mail and password. Tokens live for an hour.",
	oxlin.CodeInvalidClient:        "Check `client_id` and `client_secret`. After a rotation the former secret stays valid until the next one.",
	oxlin.CodeInvalidScope:         "Ask only for [scopes that exist](/quickstart#scopes); `users_create` is for tokens of the client, `openid` for those of users.",
	oxlin.CodeInsufficientScope:    "Get a token with the scope that `message` names. The reference says for every operation which scopes let it pass.",
	oxlin.CodeTermsRequired:        "Send the user to the widget: [terms](/reference#terms), or any flow that adds a connection. Clients with their own PSD2 agreement never get this.",
	oxlin.CodeAgreementRequired:    "Use the widget for this, or `authorize_url` with `widget_params`.",
	oxlin.CodeNotFound:             "Check the id, and whose it is: what belongs to another user does not exist for this token. It may have been deleted.",
	oxlin.CodeMethodNotAllowed:     "Use a method that the header `Allow` lists.",
	oxlin.CodeEmailTaken:           "Take the user that exists, with the password that you gave them then; or another e-mail. Deleting a user frees theirs.",
	oxlin.CodeConflict:             "Read the resource again and decide anew. For an answer to a challenge: nothing waits for it any more.",
	oxlin.CodePayloadTooLarge:      "Send less: a body has at most one MiB.",
	oxlin.CodeQuotaExhausted:       "Wait for `Retry-After` seconds, or synchronise while the user is present and send their `PSU-IP-Address`. The daily synchronisation goes on by itself.",
	oxlin.CodeTooManyRequests:      "Wait for `Retry-After` seconds, then go on more slowly.",
	oxlin.CodeProviderUnavailable:  "Try again after `Retry-After` seconds, or later. Synchronisations that were under way try again by themselves.",
	oxlin.CodeBankRefused:          "Begin again with a new `authorize_url`. The user may have said no, or have come back too late.",
	oxlin.CodeBankError:            "Try again later. If it stays, tell us the `request_id`: the bank's interface may have changed.",
	oxlin.CodeUserActionRequired:   "Bring the user: what they have to do is the [status of the channel](/docs/statuses#channel).",
	oxlin.CodeAuthorizationExpired: "Begin again with a new `authorize_url`: the way to the bank can be walked once, within an hour.",
	oxlin.CodeSessionExpired:       "Make a new [widget session](/reference#createWidgetSession). With a `refresh_token` it lives for up to a day.",
	oxlin.CodeHTTPSRequired:        "Use `https://`. What was sent in clear was seen by others on the way: change the secrets that were in it.",
	oxlin.CodeInternal:             "Try again once. If it stays, tell us the `request_id`: our log has the cause under it.",
}

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
			Cells: []string{prose(entry.Message), said, prose(remedies[code])},
		})
	}
	return rows
}

func tokenError(code string, status int, means, do string) page.Row {
	return page.Row{ID: "token-" + code, Name: code, Badge: httpStatus(status), Cells: []string{prose(means), prose(do)}}
}

func httpStatus(status int) string { return strconv.Itoa(status) + " " + http.StatusText(status) }
