package postman

import (
	"strings"

	"github.com/oxlin/oxlin/internal/portal/openapi"
)

// asked are the variables that the reader fills in, named as in the quickstart
// document.
var asked = []field{
	{Key: "client_id", Description: "Your application."},
	{Key: "client_secret", Description: "Its secret."},
	{Key: "user_email", Description: "The user to create, and to log in; if it is empty, a new one for each run."},
	{Key: "user_password", Description: "The user's password."},
}

// hidden are the variables whose values Postman hides. Only an environment can mark
// them.
var hidden = []string{"client_secret", "user_password"}

// kept are the variables that requests set for later requests. Some begin with a value
// that is valid in every sandbox: the test bank and its PSD2 interface.
var kept = []field{
	{Key: "client_access_token", Description: "The token of your application."},
	{Key: "access_token", Description: "The user's token."},
	{Key: "refresh_token"},
	{Key: "user_id", Value: "me"},
	{Key: "made_email", Description: "The user that the collection has made."},
	{Key: "session_id", Description: "The widget session."},
	{Key: "widget_url", Description: "Open it in a browser."},
	{Key: "provider_id", Value: "87", Description: "The bank; 87 is the test bank."},
	{Key: "channel_definition_id", Value: "8701", Description: "The interface of the bank; 8701 is the test bank's PSD2 interface, 8700 its web site."},
	{Key: "bank_url", Description: "The bank's login. Open it in a browser."},
	{Key: "connection_id"},
	{Key: "key_id"},
	{Key: "queue_id"},
	{Key: "account_id"},
	{Key: "transaction_id"},
}

// addresses returns the addresses of the three servers (contract §1). Here all are the
// same server.
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

// stores lists the variables that an operation's response sets, each with the script's
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

// after returns the script of a request. It tests the status and, if the test passes,
// sets variables. If the response has no value, for example because a list is empty,
// the variable keeps its value.
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
	return []event{onTest(lines)}
}

func onTest(lines []string) event {
	return event{Listen: "test", Script: script{Type: "text/javascript", Exec: lines}}
}

// before returns the script that runs before a request: it tests that the ids in the
// request's address have values, because an address without one is another resource.
func before(r *request) []event {
	var lines []string
	for _, variable := range r.URL.Variable {
		if isKept(variable.Key) && variable.Value == use(variable.Key) {
			lines = append(lines, `pm.test("`+variable.Key+` has a value", () => pm.expect(pm.variables.get("`+variable.Key+`")).to.be.a("string").that.is.not.empty);`)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return []event{onRequest(lines)}
}

func onRequest(lines []string) event {
	return event{Listen: "prerequest", Script: script{Type: "text/javascript", Exec: lines}}
}

// isID returns the line that tests that a variable is an id.
func isID(variable string) string {
	return `pm.test("` + variable + ` is an id", () => pm.expect(pm.variables.get("` + variable + `")).to.match(/^[1-9][0-9]*$/));`
}

// newUser makes the e-mail and the password of a new user, unless the reader has filled
// them in. They are set where an environment has them, because it comes first.
var newUser = []string{
	`const values = pm.environment.has("user_email") ? pm.environment : pm.collectionVariables;`,
	`if (!values.get("user_email") || values.get("user_email") === pm.collectionVariables.get("made_email")) {`,
	`  const made = "reader-" + Date.now() + "-" + Math.floor(Math.random() * 1e9);`,
	`  values.set("user_email", made + "@example.test");`,
	`  values.set("user_password", "password-of-" + made);`,
	`  pm.collectionVariables.set("made_email", made + "@example.test");`,
	`  for (const id of ["connection_id", "account_id", "transaction_id"]) pm.collectionVariables.set(id, ""); // those of another user`,
	`}`,
}
