package postman

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/oxlin/oxlin/internal/portal/openapi"
)

// Collection generates a collection in Postman's format 2.1 from an OpenAPI document.
// Its first folder has the steps of the quickstart, to be run in order.
func Collection(text []byte) ([]byte, error) {
	document, err := openapi.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("postman: %w", err)
	}
	all := writer{document}
	steps, err := all.quickstart()
	if err != nil {
		return nil, fmt.Errorf("postman: %w", err)
	}
	var c collection
	c.Info.Name, c.Info.Version, c.Info.Schema = document.Info.Title, document.Info.Version, schema
	c.Info.Description = introduction
	c.Auth = bearer("access_token")
	c.Items = []item{steps, all.tokens()}
	for _, tag := range document.Tags {
		folder := item{Name: tag.Name, Description: tag.Description}
		for _, operation := range document.Operations(tag.Name) {
			folder.Items = append(folder.Items, all.requests(operation)...)
		}
		c.Items = append(c.Items, folder)
	}
	c.Variables = slices.Concat(asked, addresses(document), kept)
	return write(c)
}

const introduction = `Fill in the variables ` + "`client_id` and `client_secret`" + `, here or in an environment, and run the
requests of the first folder one after the other. Each stores the ids and tokens for the next ones in
variables of the collection. Each run makes a user of its own, unless ` + "`user_email` and `user_password`" + ` are
filled in. The other folders have all operations.`

//go:embed walk.js
var walk string

// Environment generates an environment for the collection: the variables that the
// reader fills in, and the addresses of the document's server. known has values that
// are known already. A secret may be among them only if it is public, as in a sandbox.
func Environment(text []byte, known map[string]string) ([]byte, error) {
	document, err := openapi.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("postman: %w", err)
	}
	type value struct {
		Key     string `json:"key"`
		Value   string `json:"value"`
		Type    string `json:"type"`
		Enabled bool   `json:"enabled"`
	}
	environment := struct {
		Name   string  `json:"name"`
		Values []value `json:"values"`
		Scope  string  `json:"_postman_variable_scope"`
	}{Name: document.Info.Title, Scope: "environment"}
	for _, variable := range slices.Concat(asked, addresses(document)) {
		one := value{variable.Key, variable.Value, "default", true}
		if slices.Contains(hidden, variable.Key) {
			one.Type = "secret"
		}
		if given := known[variable.Key]; given != "" {
			one.Value = given
		}
		environment.Values = append(environment.Values, one)
	}
	return write(environment)
}

type writer struct{ document *openapi.Document }

// quickstart returns the steps of the quickstart. The user's own step goes through the
// widget by a script, with the test bank.
func (w writer) quickstart() (item, error) {
	tokens := w.tokens().Items
	folder := item{Name: "quickstart", Description: "Run the requests in this order. The fifth goes through the widget as a user of a sandbox does, with the *Linxo Test Bank*. " +
		"To see the pages, or for another bank, open the widget in a browser instead: the link is in `widget_url` and on the tab Visualize. " +
		"The bank's login is `dev`, and its password `dev`."}
	for _, step := range []struct{ name, operation string }{
		{"1. Authenticate the client", ""},
		{"2. Create the user", "createUser"},
		{"3. Authenticate the user", ""},
		{"4. Create a widget session", "createWidgetSession"},
		{widgetStep, ""},
		{"6. List the connections", "getConnectionsUsingGET"},
		{"6. Read the connection", "getConnectionByIdUsingGET"},
		{"7. List the accounts", "getAccounts"},
		{"7. List the transactions", "getTransactions"},
	} {
		if step.name == widgetStep {
			folder.Items = append(folder.Items, throughWidget())
			continue
		}
		if step.operation == "" {
			tokens[0].Name = step.name
			folder.Items = append(folder.Items, tokens[0])
			tokens = tokens[1:]
			continue
		}
		found := w.find(step.operation)
		if found == nil {
			return item{}, fmt.Errorf("the document has no operation %s", step.operation)
		}
		one := w.requests(found)[0]
		one.Name = step.name
		test := &one.Events[0].Script
		for _, stored := range stores[step.operation] {
			if strings.HasSuffix(stored.Key, "_id") && stored.Key != "session_id" {
				test.Exec = append(test.Exec, isID(stored.Key))
			}
		}
		if step.operation == "getConnectionByIdUsingGET" {
			test.Exec = append(test.Exec, untilRead...)
		}
		folder.Items = append(folder.Items, one)
	}
	return folder, nil
}

// untilRead sends a request again until the connection has been read.
var untilRead = []string{
	`if (pm.response.code === 200 && pm.response.json().status === "RUNNING") {`,
	`  postman.setNextRequest(pm.info.requestName);`,
	`  setTimeout(() => {}, 500);`,
	`}`,
}

const widgetStep = "5. Connect the test bank in the widget"

// throughWidget is the request that opens the widget, with the script of its user.
func throughWidget() item {
	query := []field{{Key: "session_id", Value: use("session_id")}, {Key: "provider_id", Value: "87"}}
	lines := append([]string{`pm.test("HTTP 200", () => pm.response.to.have.status(200));`}, strings.Split(strings.TrimSpace(walk), "\n")...)
	return item{Name: widgetStep, Events: []event{onTest(lines)}, Request: &request{
		Method: "GET", Auth: &auth{Type: "noauth"}, Header: []field{},
		Description: "The user accepts the terms, chooses the bank, logs in there, and consents. The script does all of it in the test bank.",
		URL: address{
			Raw:  use("embed_url") + "/widget/add_connection?session_id=" + use("session_id") + "&provider_id=87",
			Host: []string{use("embed_url")}, Path: []string{"widget", "add_connection"}, Query: query,
		},
	}}
}

func (w writer) find(id string) *openapi.Operation {
	for _, tag := range w.document.Tags {
		for _, operation := range w.document.Operations(tag.Name) {
			if operation.ID == id {
				return operation
			}
		}
	}
	return nil
}

// tokens returns the requests of three grants (contract §2.1).
func (w writer) tokens() item {
	var scopes []string
	for _, scope := range w.document.Scopes() {
		if scope.Name != "users_create" {
			scopes = append(scopes, scope.Name)
		}
	}
	return item{Name: "tokens", Description: "Access tokens are valid for an hour.", Items: []item{
		token("For the client itself", "It creates users.", "client_access_token", "",
			field{Key: "grant_type", Value: "client_credentials"}, field{Key: "scope", Value: "users_create"}),
		token("For a user", "With the e-mail and the password that the user was created with.", "access_token", "refresh_token",
			field{Key: "grant_type", Value: "password"}, field{Key: "username", Value: use("user_email")},
			field{Key: "password", Value: use("user_password")}, field{Key: "scope", Value: strings.Join(scopes, " ")},
			field{Key: "provider", Value: "connect"}),
		token("For a user, with a refresh token", "The refresh token works once; the response has a new one.", "access_token", "refresh_token",
			field{Key: "grant_type", Value: "refresh_token"}, field{Key: "refresh_token", Value: use("refresh_token")}),
	}}
}

func token(name, description, access, refresh string, form ...field) item {
	stored := []field{{Key: access, Value: "pm.response.json().access_token"}}
	if refresh != "" {
		stored = append(stored, field{Key: refresh, Value: "pm.response.json().refresh_token"})
	}
	return item{Name: name, Events: after("200", stored), Request: &request{
		Method: "POST", Description: description, Header: []field{},
		Auth: &auth{Type: "basic", Basic: []field{
			{Key: "username", Value: use("client_id"), Type: "string"}, {Key: "password", Value: use("client_secret"), Type: "string"},
		}},
		Body: &body{Mode: "urlencoded", URLEncoded: form},
		URL:  address{Raw: use("auth_url") + "/token", Host: []string{use("auth_url")}, Path: []string{"token"}},
	}}
}
