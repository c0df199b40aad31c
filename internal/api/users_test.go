package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/store"
)

func TestUsersAreCreatedByTheClient(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	token := w.tokens.give(licensed, 0, oxlin.ScopeUsersCreate)
	for _, row := range []struct {
		fact string
		request
		status int
		code   oxlin.Code
		field  string
	}{
		{fact: "JSON", request: request{body: `{"email":"json@example.test","password":"p"}`}, status: 201},
		{fact: "form fields, as in the quickstart", request: request{
			body: "email=form@example.test&password=p", contentType: "application/x-www-form-urlencoded",
		}, status: 201},
		{fact: "JSON that curl calls a form", request: request{
			body: ` {"email":"curl@example.test","password":"p"}`, contentType: "application/x-www-form-urlencoded", tolerated: true,
		}, status: 201},
		{fact: "the query", request: request{path: "?email=query@example.test&password=p", tolerated: true}, status: 201},
		{fact: "multipart, as PHP sends arrays", request: request{
			body:        "--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nmultipart@example.test\r\n--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\np\r\n--b--\r\n",
			contentType: "multipart/form-data; boundary=b", tolerated: true,
		}, status: 201},
		{fact: "unknown members are ignored", request: request{body: `{"email":"more@example.test","password":"p","locale":"fr"}`}, status: 201},
		{fact: "an e-mail that is taken", request: request{body: `{"email":"json@example.test","password":"p"}`}, status: 409, code: oxlin.CodeEmailTaken, field: "email"},
		{fact: "no e-mail in form", request: request{body: `{"email":"nobody","password":"p"}`}, status: 400, code: oxlin.CodeInvalidRequest, field: "email"},
		{fact: "no password", request: request{body: `{"email":"a@example.test"}`}, status: 400, code: oxlin.CodeInvalidRequest, field: "password"},
		{fact: "null is absent", request: request{body: `{"email":"a@example.test","password":null}`}, status: 400, code: oxlin.CodeInvalidRequest, field: "password"},
		{fact: "a number for an e-mail", request: request{body: `{"email":1,"password":"p"}`}, status: 400, code: oxlin.CodeInvalidRequest, field: "email"},
		{fact: "no JSON", request: request{body: `{"email":`}, status: 400, code: oxlin.CodeInvalidRequest},
		{fact: "an array", request: request{body: `[]`}, status: 400, code: oxlin.CodeInvalidRequest},
		{fact: "the character zero, which no database holds", request: request{body: `{"email":"a\u0000@example.test","password":"p"}`}, status: 400, code: oxlin.CodeInvalidRequest, field: "email"},
		{fact: "the character zero in a form", request: request{body: "email=a%00@example.test&password=p", contentType: "application/x-www-form-urlencoded"}, status: 400, code: oxlin.CodeInvalidRequest, field: "email"},
		{fact: "a mark of the byte order first", request: request{body: "\ufeff" + `{"email":"bom@example.test","password":"p"}`, tolerated: true}, status: 201},
		{fact: "a compressed body", request: request{body: `{}`, header: http.Header{"Content-Encoding": {"gzip"}}, tolerated: true}, status: 400, code: oxlin.CodeInvalidRequest, field: "Content-Encoding"},
		{fact: "nested too deeply", request: request{body: strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)}, status: 400, code: oxlin.CodeInvalidRequest},
		{fact: "a body that is too large", request: request{body: `{"email":"` + strings.Repeat("a", 1<<20) + `"}`}, status: 413, code: oxlin.CodePayloadTooLarge},
	} {
		t.Run(row.fact, func(t *testing.T) {
			row.method, row.path, row.token = "POST", "/v2.1/users"+row.path, token
			got := w.send(t, row.request)
			if row.code != "" {
				got.wantError(t, row.status, row.code, row.field)
				return
			}
			got.want(t, row.status)
			if !strings.HasPrefix(got.Header.Get("Location"), "/users/") {
				t.Errorf("Location %q", got.Header.Get("Location"))
			}
		})
	}
}

func TestUsersReadChangeAndDeleteThemselves(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id, token := w.user(t, licensed)
		other, _ := w.user(t, licensed)
		own := "/v2.1/users/" + id.String()

		w.send(t, request{method: "PATCH", path: "/v2.1/users/me", token: token, body: `{"first_name":"Jo","last_name":"DOE","birthdate":599616000,"address":{"postcode":"75001"}}`}).want(t, 204)
		w.send(t, request{method: "PUT", path: own, token: token, body: `{"gender":"MALE"}`}).want(t, 204)
		for _, path := range []string{"/v2.1/users/me", own} {
			user := w.send(t, request{method: "GET", path: path, token: token}).want(t, 200).object(t)
			if user["id"] != id.String() || user["first_name"] != "Jo" || user["gender"] != "MALE" || user["creation_date"] != float64(now.Unix()) {
				t.Errorf("%v", user)
			}
			// 599616000 is 1989-01-01 01:00 in Paris: the day, and so its midnight.
			if user["birthdate"] != float64(599612400) {
				t.Errorf("birthdate %v", user["birthdate"])
			}
		}
		w.send(t, request{method: "GET", path: "/v2.1/users/" + other.String(), token: token}).wantError(t, 404, oxlin.CodeNotFound, "")
		w.send(t, request{method: "DELETE", path: "/v2.1/users/" + other.String(), token: token}).wantError(t, 404, oxlin.CodeNotFound, "")
		w.send(t, request{method: "PATCH", path: own, token: token, body: `{"password":"new"}`}).wantError(t, 400, oxlin.CodeInvalidRequest, "password")
		w.send(t, request{method: "PATCH", path: own, token: token, body: `{"email":"new address"}`}).wantError(t, 400, oxlin.CodeInvalidRequest, "email")
		w.send(t, request{method: "PATCH", path: own, token: token, body: `{"address":{"postcode":75001}}`}).wantError(t, 400, oxlin.CodeInvalidRequest, "address.postcode")

		w.send(t, request{method: "DELETE", path: "/v2.1/users/me", token: token}).want(t, 204)
		// The token's hour has not passed; the user is deleted.
		w.send(t, request{method: "GET", path: "/v2.1/users/me", token: token}).wantError(t, 401, oxlin.CodeInvalidToken, "")
	})
}

func TestAdminModeActsForOwnUsers(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		id, userToken := w.user(t, licensed)
		foreign, _ := w.user(t, unlicensed)
		token := w.tokens.give(licensed, 0, oxlin.ScopeProfileEdit, oxlin.ScopeTransactionsRead, oxlin.ScopeUsersCreate)
		named := func(id string, scopes ...string) http.Header {
			h := http.Header{"X-Linxo-User-Id": {id}}
			if scopes != nil {
				h["X-Scope"] = scopes
			}
			return h
		}
		for _, row := range []struct {
			fact   string
			path   string
			token  string
			header http.Header
			status int
			code   oxlin.Code
			field  string
		}{
			{"a user is named", "/v2.1/users/me", token, named(id.String()), 200, "", ""},
			{"nobody is named", "/v2.1/users/me", token, nil, 400, oxlin.CodeInvalidRequest, "x-linxo-user-id"},
			{"a user of another client", "/v2.1/users/me", token, named(foreign.String()), 404, oxlin.CodeNotFound, ""},
			{"a user that is not", "/v2.1/users/me", token, named("99999"), 404, oxlin.CodeNotFound, ""},
			{"no id", "/v2.1/users/me", token, named("me"), 404, oxlin.CodeNotFound, ""},
			{"x-scope narrows", "/v2.1/users/me", token, named(id.String(), "accounts_read transactions_read"), 403, oxlin.CodeInsufficientScope, "scope"},
			{"x-scope does not widen", "/v2.1/accounts", w.tokens.give(licensed, 0, oxlin.ScopeProfile), named(id.String(), "accounts_read"), 403, oxlin.CodeInsufficientScope, "scope"},
			{"both are ignored with a user's token", "/v2.1/users/me", userToken, named(foreign.String(), "accounts_read"), 200, "", ""},
			{"connections by user_id", "/v2.1/connections?user_id=" + id.String(), token, nil, 200, "", ""},
			{"connections of a user of another client", "/v2.1/connections?user_id=" + foreign.String(), token, nil, 404, oxlin.CodeNotFound, ""},
			{"the client itself asks for banks", "/v2.1/providers", token, nil, 200, "", ""},
		} {
			t.Run(row.fact, func(t *testing.T) {
				got := w.send(t, request{method: "GET", path: row.path, token: row.token, header: row.header})
				if row.code != "" {
					got.wantError(t, row.status, row.code, row.field)
					return
				}
				got.want(t, row.status)
			})
		}
		w.send(t, request{method: "DELETE", path: "/v2.1/admin/users/me", token: token, header: named(id.String()), tolerated: true}).want(t, 204)
		w.send(t, request{method: "GET", path: "/v2.1/users/me", token: token, header: named(id.String())}).wantError(t, 404, oxlin.CodeNotFound, "")
	})
}

func TestTermsComeFirstWithoutAnAgreement(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	id, token := w.user(t, unlicensed)
	accepted := func(version string) {
		w.Write(func(tx *store.Tx) error {
			user, err := tx.Read().User(t.Context(), id)
			if err != nil {
				return err
			}
			user.TermsVersion = version
			return tx.UpdateUser(t.Context(), user)
		})
	}
	accepted(oxlin.TermsVersion)
	w.send(t, request{method: "GET", path: "/v2.1/accounts", token: token}).want(t, 200)
	for _, version := range []string{"", "those of another year"} {
		accepted(version)
		for _, path := range []string{"/v2.1/users/me", "/v2.1/accounts", "/v2.1/providers", "/v2.1/queues/1"} {
			got := w.send(t, request{method: "GET", path: path, token: token}).wantError(t, 401, oxlin.CodeTermsRequired, "")
			if got.object(t)["error_description"] != "ACCEPT_TERMS_AND_CONDITIONS_REQUIRED" {
				t.Errorf("%s", got.body)
			}
		}
	}
	// A client with an agreement shows its own terms.
	w.send(t, request{method: "GET", path: "/v2.1/accounts", token: w.tokens.give(licensed, id, everything...)}).want(t, 200)
	w.send(t, request{method: "DELETE", path: "/v2.1/users/me", token: token}).want(t, 204)
}
