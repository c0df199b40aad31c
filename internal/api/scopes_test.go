package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
)

// scopesPerOperation is the list of contract §11, "Scopes per operation". The paths'
// ids belong to no resource, so that an authorized request ends with 404 or 400.
var scopesPerOperation = []struct {
	operations string
	anyOf      []oxlin.Scope
}{
	{"GET /providers, GET /providers/0, GET /categories", nil},
	{"POST /users", []oxlin.Scope{oxlin.ScopeUsersCreate}},
	{"GET /users/me", []oxlin.Scope{oxlin.ScopeProfile, oxlin.ScopeProfileEdit}},
	{"PATCH /users/0, PUT /users/0, DELETE /users/0, PUT /users/0/password, DELETE /users/0/sessions", []oxlin.Scope{oxlin.ScopeProfileEdit}},
	{"POST /providers/0/channels/0/authorize_url, POST /providers/0/channel_definitions/0/authorize_url, POST /connections, " +
		"POST /providers/0/import, POST /connections/0/import, PATCH /connections/0, PUT /connections/0, DELETE /connections/0, PUT /connections/0/channels/0, PUT /connections/0/credentials/0, POST /connections/0/channels/0/user_input, " +
		"POST /keys, GET /keys/0, POST /queues/subscribe, GET /queues/0", []oxlin.Scope{oxlin.ScopeConnectionsManage}},
	{"GET /connections, GET /connections/0", []oxlin.Scope{
		oxlin.ScopeConnectionsManage, oxlin.ScopeTransactionsRead, oxlin.ScopeAccountsRead, oxlin.ScopeAccountsManage,
	}},
	{"POST /connections/0/synchronize, POST /connections/synchronize", []oxlin.Scope{oxlin.ScopeConnectionsSync}},
	{"GET /accounts, GET /accounts/0, GET /accounts/0/balance_check", []oxlin.Scope{oxlin.ScopeAccountsRead, oxlin.ScopeAccountsManage, oxlin.ScopeTransactionsRead}},
	{"POST /accounts, PATCH /accounts/0, PUT /accounts/0, DELETE /accounts/0", []oxlin.Scope{oxlin.ScopeAccountsManage}},
	{"PUT /connections/0/consents", []oxlin.Scope{oxlin.ScopeConnectionsManage, oxlin.ScopeAccountsManage}},
	{"GET /transactions, GET /transactions/0, GET /transactions/0/explanation", []oxlin.Scope{oxlin.ScopeTransactionsRead}},
}

func TestScopesPerOperation(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	user, _ := w.user(t, licensed)
	tried := 0
	for _, row := range scopesPerOperation {
		for operation := range strings.SplitSeq(row.operations, ", ") {
			method, path, _ := strings.Cut(operation, " ")
			tried++
			for _, scope := range append(oxlin.UserScopes(), oxlin.ScopeUsersCreate) {
				got := w.send(t, request{method: method, path: "/v2.1" + path, token: w.tokens.give(licensed, user, scope), body: "{}"})
				allowed := row.anyOf == nil || slices.Contains(row.anyOf, scope)
				if !allowed {
					got.wantError(t, 403, oxlin.CodeInsufficientScope, "scope")
					if message := got.object(t)["message"].(string); !strings.Contains(message, string(row.anyOf[0])) {
						t.Errorf("%s: the message does not name the scope: %s", operation, message)
					}
					if !strings.Contains(got.Header.Get("WWW-Authenticate"), "insufficient_scope") {
						t.Errorf("%s: WWW-Authenticate %q", operation, got.Header.Get("WWW-Authenticate"))
					}
				} else if got.StatusCode == 403 || got.StatusCode == 401 {
					t.Errorf("%s with %s: %s", operation, scope, got.body)
				}
			}
		}
	}
	if described := countOperations(t); tried != described {
		t.Errorf("%d operations tried, the document has %d", tried, described)
	}
}

// countOperations counts the operations that take a token.
func countOperations(t *testing.T) int {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range document.Paths.Map() {
		for _, operation := range path.Operations() {
			if len(*operation.Security) > 0 {
				n++
			}
		}
	}
	return n
}
