package portal

import (
	"github.com/oxlin/oxlin/internal/portal/page"
)

// userScopes are the scopes that the eight steps need, and that most applications ask
// for.
const userScopes = "openid profile profile_edit accounts_manage connections_manage connections_sync transactions_read"

// values are the inputs and results of the steps.
var values = []page.Value{
	{Name: "client_id", Description: "your application", Given: true},
	{Name: "client_secret", Description: "its secret", Given: true},
	{Name: "user_email", Description: "the user’s unique key", Given: true},
	{Name: "user_password", Description: "your choice", Given: true},
	{Name: "client_token", Description: "from step 1"},
	{Name: "user_id", Description: "from step 2"},
	{Name: "user_token", Description: "from step 3"},
	{Name: "refresh_token", Description: "from step 3"},
	{Name: "session_id", Description: "from step 4"},
	{Name: "add_connection", Description: "the widget’s address, from step 4"},
	{Name: "connection_id", Description: "from step 5"},
	{Name: "account_id", Description: "from step 7"},
	{Name: "transaction_id", Description: "from step 7"},
}

// quickstart returns the eight steps of the contract's quickstart.
func (p *Portal) quickstart() page.View {
	platform := p.options.PublicURL
	asUser := []string{"authorization: Bearer {user_token}"}
	read := func(id, resource string, keeps ...page.Keep) page.Request {
		return page.Request{
			ID: id, Title: "/v2.1" + resource, Method: "GET", Address: platform + "/v2.1" + resource, Headers: asUser, Keeps: keeps,
		}
	}
	steps := []page.Step{{
		ID: "client-authentication", Title: "Client authentication",
		Text: prose(`Your application authenticates with the OAuth2 grant for clients: HTTP Basic authentication with its id and
secret. The token allows it only to create users, because the request asks for one scope.`),
		Requests: []page.Request{{
			ID: "get-client-token", Title: "/token", Method: "POST", Address: platform + "/token",
			Headers: []string{"authorization: Basic {client_id}:{client_secret}"},
			Fields:  []string{"grant_type=client_credentials", "scope=users_create"},
			Keeps:   []page.Keep{{Name: "client_token", From: "body.access_token"}},
		}},
		After: prose(`The page shows the header in clear text and sends it in base64. A token is valid for an hour.`),
	}, {
		ID: "create-user", Title: "Create your user",
		Text: prose(`A user is one customer of yours, who will own connections, accounts and transactions. The e-mail must have a valid form,
but no mail is ever sent: it is only a unique key. Keep the password: your application logs the user in with it.`),
		Requests: []page.Request{{
			ID: "create-the-user", Title: "/v2.1/users", Method: "POST", Address: platform + "/v2.1/users",
			Headers: []string{"authorization: Bearer {client_token}"},
			Fields:  []string{"email={user_email}", "password={user_password}"},
			Keeps:   []page.Keep{{Name: "user_id", From: "location"}},
		}},
		After: prose(`A second user with the same e-mail is refused: [409 email_taken](/docs/errors#email_taken).`),
	}, {
		ID: "user-authentication", Title: "User authentication",
		Text: prose(`Now your application asks for a token that acts for this user, by the password grant. Ask for the scopes that
you need: the list below is enough for everything on this page. [All scopes](#scopes) are at its end.`),
		Requests: []page.Request{{
			ID: "get-user-token", Title: "/token", Method: "POST", Address: platform + "/token",
			Fields: []string{
				"grant_type=password", "username={user_email}", "password={user_password}",
				"client_id={client_id}", "client_secret={client_secret}", "scope=" + userScopes, "provider=connect",
			},
			Keeps: []page.Keep{{Name: "user_token", From: "body.access_token"}, {Name: "refresh_token", From: "body.refresh_token"}},
		}},
		After: prose(`Older documents ask for ` + "`openid profile accounts_read`" + ` only. This token reads accounts, but the widget needs more scopes and
ends with ` + "`insufficient_scope`" + `.`),
	}, {
		ID: "initiate-widget", Title: "Initiate the widget",
		Text: prose(`The widget is a set of pages of the platform, for everything that only the user can do. A session identifies the user
for whom it acts. The response has the session's id and, under ` + "`_links`" + `, the address of each of its pages.`),
		Requests: []page.Request{{
			ID: "make-session", Title: "/widget_session", Method: "POST", Address: platform + "/widget_session",
			Fields: []string{"client_id={client_id}", "client_secret={client_secret}", "access_token={user_token}"},
			Keeps:  []page.Keep{{Name: "session_id", From: "body.session_id"}, {Name: "add_connection", From: "body._links.add_connection"}},
		}},
		After: prose(`With ` + "`refresh_token={refresh_token}`" + ` the session outlives the access token.`),
	}, {
		ID: "select-bank", Title: "Select a bank", Widget: true,
		Text: prose(`Now you are the user. Open the widget and choose a bank. The widget creates a connection, and shows the questions of the bank.` +
			p.whichBank()),
		After: prose(`An application gives the widget a ` + "`redirect_url`" + `, to which the user comes back with ` + "`connection_id`" + `,
` + "`status`" + ` and ` + "`result`" + `. In a frame, the page around it receives them as a message. This page waits for that message,
then reads the connection until its status is ` + "`SUCCESS`" + `. A [queue](/docs/events) is the alternative to reading it repeatedly.
[The widget's guide](/docs/widget) has all details.`),
	}, {
		ID: "retrieve-connection", Title: "Retrieve the connection",
		Text: prose(`A connection is a user at a bank. It has the result of the last synchronisation of each channel.
The [statuses](/docs/statuses) determine who has to act.`),
		Requests: []page.Request{
			read("list-connections", "/connections", page.Keep{Name: "connection_id", From: "body.0.id"}),
			read("read-connection", "/connections/{connection_id}"),
		},
	}, {
		ID: "get-accounts-and-transactions", Title: "Get accounts and transactions",
		Text: prose(`Reading never calls the bank: it returns the results of the last synchronisation, and there is one every day. The members of an
account depend on its type. The lists can be filtered and paged; [the reference](/reference#getTransactions) has the parameters.`),
		Requests: []page.Request{
			read("list-accounts", "/accounts?connection_id={connection_id}", page.Keep{Name: "account_id", From: "body.0.id"}),
			read("read-account", "/accounts/{account_id}"),
			read("list-transactions", "/transactions?account_id={account_id}&limit=10", page.Keep{Name: "transaction_id", From: "body.0.id"}),
			read("read-transaction", "/transactions/{transaction_id}"),
		},
		After: prose(`Without ` + "`connection_id`" + ` the list has the accounts of all connections, and without ` + "`account_id`" + ` the transactions of all accounts.`),
	}, {
		ID: "how-to-continue", Title: "How to continue",
		Text: prose(`You have authenticated yourself, created a user, connected a bank through the widget, and read the accounts and transactions.

- [The concepts](/docs/concepts): the terms of the domain, and how they relate.
- [Events](/docs/events): receive changes instead of polling for them.
- [Errors](/docs/errors) and [statuses](/docs/statuses): what can go wrong, what to tell the user, and what to do.
- [The test bank](/docs/test-bank): logins for every failure, and files with accounts of your own.
- [The reference](/reference): every operation.
- [A Postman collection](/downloads/oxlin.postman_collection.json) of these calls and all others, with
  [an environment](/downloads/oxlin.postman_environment.json) for ` + "`client_id`, `client_secret`, `user_email` and `user_password`" + `.
  Its first folder runs all of this page by itself in a sandbox, with a user of its own.

Deleting the user deletes all of their data, and revokes the access at the bank:`),
		Requests: []page.Request{{
			ID: "delete-user", Title: "/v2.1/users/me", Method: "DELETE", Address: platform + "/v2.1/users/me", Headers: asUser,
		}},
	}}
	return page.Quickstart{Steps: steps, Clients: p.options.Clients, Values: values, Scopes: p.document.Scopes()}
}

// whichBank tells the reader which bank to choose in the sandbox.
func (p *Portal) whichBank() string {
	if len(p.options.Clients) == 0 {
		return ""
	}
	return `

Choose the **Linxo Test Bank**, which behaves like a real bank. It offers two channels:

- *Connect my current accounts*: its PSD2 interface. The bank's own login opens in another tab; login ` + "`dev`, password `dev`" + `.
- *I do not have a current account*: its web site, with all accounts. You enter login and password in the widget. The bank then sends a code, ` + "`123456`" + `.`
}
