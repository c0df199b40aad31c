package postman

import (
	"strings"

	"github.com/oxlin/oxlin/portal/openapi"
)

// asked are the variables that the reader fills in, by the names of the quickstart's
// document.
var asked = []field{
	{Key: "client_id", Description: "Your application."},
	{Key: "client_secret", Description: "Its secret."},
	{Key: "user_email", Description: "The user to create, and to log in."},
	{Key: "user_password", Description: "The user's password."},
}

// covered are those of them that Postman does not show. Only an environment can say so.
var covered = []string{"client_secret", "user_password"}

// kept are the variables that the requests fill in, one for the other. Some begin with
// what is in every sandbox: the test bank, and its PSD2 interface.
var kept = []field{
	{Key: "client_access_token", Description: "Acts for your application."},
	{Key: "access_token", Description: "Acts for the user."},
	{Key: "refresh_token"},
	{Key: "user_id", Value: "me"},
	{Key: "session_id", Description: "Of the widget."},
	{Key: "widget_url", Description: "Open it in a browser."},
	{Key: "provider_id", Value: "87", Description: "The bank; 87 is the test bank."},
	{Key: "channel_definition_id", Value: "8701", Description: "The way into the bank; 8701 is the test bank's PSD2 interface, 8700 its web site."},
	{Key: "bank_url", Description: "The bank's login. Open it in a browser."},
	{Key: "connection_id"},
	{Key: "key_id"},
	{Key: "queue_id"},
	{Key: "account_id"},
	{Key: "transaction_id"},
}

// addresses are where the three servers are (contract §1): here, one server.
func addresses(document *openapi.Document) []field {
	api := ""
	if len(document.Servers) > 0 {
		api = strings.TrimSuffix(document.Servers[0].URL, "/")
	}
	server := strings.TrimSuffix(api, "/v2.1")
	return []field{
		{Key: "auth_url", Value: server, Description: "The authorization server."},
		{Key: "api_url", Value: api, Description: "The API."},
		{Key: "embed_url", Value: server, Description: "The widget."},
	}
}

// stores are the variables that an operation's answer fills, each with the script's
// expression for its value.
var stores = map[string][]field{
	"createUser":             {{Key: "user_id", Value: created}},
	"createAuthorizeUrl":     {{Key: "bank_url", Value: location}},
	"createKey":              {{Key: "key_id", Value: created}},
	"createConnection":       {{Key: "connection_id", Value: created}},
	"getConnectionsUsingGET": {{Key: "connection_id", Value: "pm.response.json()[0]?.id"}},
	"subscribe":              {{Key: "queue_id", Value: created}},
	"createAccount":          {{Key: "account_id", Value: created}},
	"getAccounts":            {{Key: "account_id", Value: "pm.response.json()[0]?.id"}},
	"getTransactions":        {{Key: "transaction_id", Value: "pm.response.json()[0]?.id"}},
	"createWidgetSession": {
		{Key: "session_id", Value: "pm.response.json().session_id"},
		{Key: "widget_url", Value: "pm.response.json()._links.add_connection"},
	},
}

const (
	location = `pm.response.headers.get("Location")`
	created  = location + `.split("/").pop()`
)

// after is the script of a request: it tests the status and, if that is right, fills
// variables. One for which the answer has no value, as an empty list, stays as it was.
func after(status string, stored []field) []event {
	lines := []string{`pm.test("HTTP ` + status + `", () => pm.response.to.have.status(` + status + `));`}
	if len(stored) > 0 {
		lines = append(lines, "if (pm.response.code === "+status+") {")
		for _, one := range stored {
			lines = append(lines, `  const `+one.Key+` = `+one.Value+`;`,
				`  if (`+one.Key+`) pm.collectionVariables.set("`+one.Key+`", `+one.Key+`);`)
			if strings.HasSuffix(one.Key, "_url") {
				lines = append(lines, `  pm.visualizer.set("<a href='{{url}}'>Open this in a browser</a>", { url: pm.collectionVariables.get("`+one.Key+`") });`)
			}
		}
		lines = append(lines, "}")
	}
	return []event{{Listen: "test", Script: script{Type: "text/javascript", Exec: lines}}}
}
