package api_test

import (
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/store"
)

// The second question of the reference conversation (contract §4.10), and a
// password of the bank's that would be asked for with it.
var (
	codeQuestion = []oxlin.Challenge{
		{CredentialDefinition: oxlin.CredentialDefinition{ID: "305", Label: "Un code a été envoyé au {phone}.", Regexp: ".*", Type: oxlin.CredentialInfo}, Params: map[string]string{"phone": "0606060606"}},
		{CredentialDefinition: oxlin.CredentialDefinition{ID: "306", Label: "Code", Regexp: "^[0-9]{6}$", Type: oxlin.CredentialNumeric}},
		{CredentialDefinition: oxlin.CredentialDefinition{ID: "307", Label: "Valider", Regexp: ".*", Type: oxlin.CredentialOKCancel}},
	}
	passwordQuestion = []oxlin.Challenge{
		{CredentialDefinition: oxlin.CredentialDefinition{ID: "310", Label: "Mot de passe", Regexp: ".*", Type: oxlin.CredentialPassword, Encrypt: true}},
	}
)

// waiting stores a connection whose EMBEDDED channel waits for answers, and returns the
// path for them.
func (w *world) waiting(t *testing.T, user oxlin.UserID, challenges []oxlin.Challenge, until time.Time) string {
	t.Helper()
	c := w.connection(t, user, func(c *oxlin.Connection) {
		c.Channels = []oxlin.Channel{{DefinitionID: "8700", Mode: oxlin.ModeEmbedded, Status: oxlin.ChannelRunning}}
	})
	w.Write(func(tx *store.Tx) error {
		id, err := tx.InsertSynchronisation(t.Context(), oxlin.Synchronisation{
			ChannelID: c.Channels[0].ID, Kind: oxlin.SyncListAccounts, State: oxlin.SyncWaiting, PSU: &oxlin.PSU{}, StartedAt: now,
		})
		if err != nil || challenges == nil {
			return err
		}
		return tx.SaveQuestion(t.Context(), id, store.Question{Challenges: challenges, State: []byte{1}, ExpiresAt: until})
	})
	return "/v2.1/connections/" + c.ID.String() + "/channels/8700/user_input"
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	user, token := w.user(t, licensed)
	_, widgetOnly := w.user(t, unlicensed)
	key := w.key(t, user)
	until := now.Add(2 * time.Minute)
	const form = "application/x-www-form-urlencoded"
	for _, row := range []struct {
		fact, body, contentType string
		status                  int
		code                    oxlin.Code
		field                   string
	}{
		{"code and OK", `{"credentials":[{"id":"306","value":"123456"},{"id":"307","value":"true"}]}`, "", 204, "", ""},
		{"ids that are numbers", `{"credentials":[{"id":306,"value":"123456"},{"id":307,"value":"true"}]}`, "", 204, "", ""},
		{"code and OK in one object, as the documents have it", `{"credentials":[{"id":"306","value":"123456","id":"307","value":"true"}]}`, "", 204, "", ""},
		{"the same as curl sends it", `{"credentials":[{"id":"306","value":"123456","id":"307","value":"true"}]}`, form, 204, "", ""},
		{"in one object, the values first", `{"credentials":[{"value":"123456","id":"306","value":"true","id":"307"}]}`, "", 204, "", ""},
		{"in one object, with members that nobody knows", `{"credentials":[{"id":"306","type":"NUMERIC","value":"123456","id":"307","type":{},"value":"true"}]}`, "", 204, "", ""},
		{"a form with JSON", `credentials=[{"id":"306","value":"123456","id":"307","value":"true"}]`, form, 204, "", ""},
		{"a form with fields named by ids", `306=123456&307=true`, form, 204, "", ""},
		{"a form in parts", "--b\r\nContent-Disposition: form-data; name=\"306\"\r\n\r\n123456\r\n--b\r\nContent-Disposition: form-data; name=\"307\"\r\n\r\ntrue\r\n--b--\r\n", "multipart/form-data; boundary=b", 204, "", ""},
		{"a form as PHP spells it", `credentials[0][id]=306&credentials[0][value]=123456&credentials[1][id]=307&credentials[1][value]=true`, form, 204, "", ""},
		{"the same, encoded", `credentials%5B10%5D%5Bid%5D=306&credentials%5B10%5D%5Bvalue%5D=123456&credentials%5B9%5D%5Bid%5D=307&credentials%5B9%5D%5Bvalue%5D=true`, form, 204, "", ""},
		{"cancel", `{"credentials":[{"id":"307","value":"false"}]}`, "", 204, "", ""},
		{"cancel, whatever was typed", `{"credentials":[{"id":"306","value":"12","id":"307","value":"false"}]}`, "", 204, "", ""},

		{"no answer to the button", `{"credentials":[{"id":"306","value":"123456"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.307"},
		{"no code", `{"credentials":[{"id":"307","value":"true"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.306"},
		{"a code of another form", `{"credentials":[{"id":"306","value":"12345a","id":"307","value":"true"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.306"},
		{"a button that is not pressed", `{"credentials":[{"id":"306","value":"123456","id":"307","value":"OK"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.307"},
		{"a message is not answered", `{"credentials":[{"id":"305","value":"seen"},{"id":"307","value":"false"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.305"},
		{"a challenge that is not asked", `{"credentials":[{"id":"304","value":"true"},{"id":"306","value":"123456"},{"id":"307","value":"true"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.304"},
		{"the answer to the question before, again", `{"credentials":[{"id":"304","value":"true"}]}`, "", 409, oxlin.CodeConflict, ""},
		{"a number for an answer", `{"credentials":[{"id":"306","value":123456},{"id":"307","value":"true"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.306"},
		{"the same, the value first", `{"credentials":[{"value":123456,"id":306},{"id":"307","value":"true"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.306"},
		{"zero in an answer", `{"credentials":[{"id":"306","value":"12\u000056"},{"id":"307","value":"true"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.306"},
		{"one answer twice", `{"credentials":[{"id":"306","value":"123456"},{"id":"306","value":"654321"},{"id":"307","value":"true"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.306"},
		{"one field twice", `306=123456&306=654321&307=true`, form, 400, oxlin.CodeInvalidRequest, "credentials.306"},
		{"one object, a value missing", `{"credentials":[{"id":"306","id":"307","value":"true"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.value"},
		{"one object, an id missing", `{"credentials":[{"id":"306","value":"123456","value":"true"}]}`, "", 400, oxlin.CodeInvalidRequest, "credentials.id"},
		{"no answers", `{"credentials":[]}`, "", 400, oxlin.CodeInvalidRequest, "credentials"},
		{"no array", `{"credentials":{"id":"307","value":"false"}}`, "", 400, oxlin.CodeInvalidRequest, "credentials"},
		{"nothing", `{}`, "", 400, oxlin.CodeInvalidRequest, "credentials"},
		{"a key that is no id", `{"key_id":"x","credentials":[{"id":"307","value":"false"}]}`, "", 400, oxlin.CodeInvalidRequest, "key_id"},
	} {
		t.Run(row.fact, func(t *testing.T) {
			path := w.waiting(t, user, codeQuestion, until)
			send := request{method: "POST", path: path, token: token, body: row.body, contentType: row.contentType, tolerated: row.contentType != ""}
			got := w.send(t, send)
			if row.code != "" {
				got.wantError(t, row.status, row.code, row.field)
				// The refused answer cost nothing: the right one is still accepted.
				w.send(t, request{method: "POST", path: path, token: token, body: `{"credentials":[{"id":"306","value":"123456"},{"id":"307","value":"true"}]}`}).want(t, 204)
				return
			}
			got.want(t, row.status)
			w.send(t, send).wantError(t, 409, oxlin.CodeConflict, "")
		})
	}

	cancel := `{"credentials":[{"id":"307","value":"false"}]}`
	mine := w.waiting(t, user, codeQuestion, until)
	secret := w.waiting(t, user, passwordQuestion, until)
	for _, row := range []struct {
		fact, path, token, body string
		status                  int
		code                    oxlin.Code
		field                   string
	}{
		{"the time is over", w.waiting(t, user, codeQuestion, now), token, cancel, 409, oxlin.CodeConflict, ""},
		{"nothing is asked", w.waiting(t, user, nil, until), token, cancel, 409, oxlin.CodeConflict, ""},
		{"nothing runs", "/v2.1/connections/" + w.connection(t, user).ID.String() + "/channels/8701/user_input", token, cancel, 409, oxlin.CodeConflict, ""},
		{"the channel is EMPTY", "/v2.1/connections/" + w.connection(t, user).ID.String() + "/channels/8700/user_input", token, cancel, 404, oxlin.CodeNotFound, ""},
		{"without an agreement", mine, widgetOnly, cancel, 403, oxlin.CodeAgreementRequired, ""},
		{"a secret in clear", secret, token, `{"key_id":"` + key.ID.String() + `","credentials":[{"id":"310","value":"dev"}]}`, 400, oxlin.CodeInvalidRequest, "credentials.310"},
		{"a secret without its key", secret, token, `{"credentials":[{"id":"310","value":` + encrypted(t, key, "dev") + `}]}`, 400, oxlin.CodeInvalidRequest, "key_id"},
		{"a secret", secret, token, `{"key_id":` + key.ID.String() + `,"credentials":[{"id":"310","value":` + encrypted(t, key, "dev") + `}]}`, 204, "", ""},
	} {
		t.Run(row.fact, func(t *testing.T) {
			got := w.send(t, request{method: "POST", path: row.path, token: row.token, body: row.body})
			if row.code != "" {
				got.wantError(t, row.status, row.code, row.field)
				return
			}
			got.want(t, row.status)
		})
	}
}
