package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/gopenpgp/v3/crypto"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// key stores a key of a user whose private half the test does not need. It is an
// elliptic key, because these are generated fast.
func (w *world) key(t *testing.T, user oxlin.UserID, adjust ...func(*oxlin.Key)) oxlin.Key {
	t.Helper()
	public, _, err := vault.NewKey(t.Context(), vault.Curve25519, now, now.AddDate(0, 0, 30))
	if err != nil {
		t.Fatal(err)
	}
	key := oxlin.Key{UserID: user, Public: public, CreatedAt: now, ExpiresAt: now.AddDate(0, 0, 30)}
	for _, f := range adjust {
		f(&key)
	}
	w.Write(func(tx *store.Tx) error {
		key.ID, err = tx.InsertKey(t.Context(), store.SealedKey{Key: key, Private: []byte{1}})
		return err
	})
	return key
}

// encrypted is a text for a key, as a member of a JSON object.
func encrypted(t *testing.T, key oxlin.Key, text string) string {
	t.Helper()
	message, err := scenario.Encrypt(key.Public, text)
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}

func TestConnectionsWithCredentials(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		user, token := w.user(t, licensed)
		key := w.key(t, user)
		present := http.Header{"Psu-Ip-Address": {"192.0.2.7"}}
		live := func(connection, channel string) oxlin.Synchronisation {
			t.Helper()
			id, _ := oxlin.ParseID[oxlin.ConnectionID](connection)
			c, err := w.DB.Read().Connection(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			used, _ := c.Channel(oxlin.ChannelDefinitionID(channel))
			run, err := w.DB.Read().LiveSynchronisation(t.Context(), used.ID)
			if err != nil {
				t.Fatal(err)
			}
			return run
		}

		// The definition is the provider's EMBEDDED one, and ids may be numbers.
		location := w.send(t, request{method: "POST", path: "/v2.1/connections", token: token, header: present, body: `{"provider_id":87,"key_id":` + key.ID.String() + `,"auto_sync":false,
			"credentials":[{"id":300,"value":"dev-demo"},{"id":"301","value":` + encrypted(t, key, "dev") + `}]}`}).want(t, 201).Header.Get("Location")
		if location != "/connections/"+long("1") {
			t.Fatalf("Location %q", location)
		}
		got := short(string(w.send(t, request{method: "GET", path: "/v2.1" + location, token: token}).want(t, 200).body))
		if want := `{"id":"1","provider_id":"87","name":"Linxo Test Bank","status":"RUNNING","creation_date":1795255200,"auto_sync":false,"logo_url":"https://static.example.test/87.png","channels":[{"channel_definition_id":"8701","mode":"REDIRECT","status":"EMPTY","account_types":["CHECKINGS","CREDIT_CARD"],"channel_definition_unavailable":false},{"channel_definition_id":"8700","mode":"EMBEDDED","status":"RUNNING","credentials":[{"id":"300","masked_value":"******mo"},{"id":"301","masked_value":"********"}],"account_types":["CHECKINGS","CREDIT_CARD","SAVINGS","LOAN"],"channel_definition_unavailable":false,"remaining_refreshes":4}],"owner":{},"consent_per_account":false,"user_id":"1"}`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		first := live(long("1"), "8700")
		if first.Kind != oxlin.SyncListAccounts || first.PSU == nil || first.PSU.IP != "192.0.2.7" {
			t.Errorf("%+v", first)
		}

		// One credential: the others stay, and the accounts are listed anew.
		path := "/v2.1" + location
		w.send(t, request{method: "PUT", path: path + "/credentials/300", token: token, body: `{"value":"other"}`}).want(t, 204)
		w.send(t, request{method: "PUT", path: path + "/credentials/301", token: token, body: `{"key_id":"` + key.ID.String() + `","value":` + encrypted(t, key, "dev") + `}`}).want(t, 204)
		if run := live(long("1"), "8700"); run.ID == first.ID || run.PSU == nil {
			t.Errorf("%+v: a new synchronisation should run, and the user has just typed", run)
		}
		// All of them, with the id of the path again, and one that may be left out.
		w.send(t, request{method: "PUT", path: path + "/channels/8700", token: token, body: `{"id":8700,"key_id":"` + key.ID.String() + `",
			"credentials":[{"id":"300","value":"another"},{"id":"301","value":` + encrypted(t, key, "dev") + `},{"id":"302","value":"https://files.example.test/1.txt?dl=1"}]}`}).want(t, 204)
		channels := w.send(t, request{method: "GET", path: path, token: token}).want(t, 200).object(t)["channels"].([]any)
		shown, err := json.Marshal(channels[1].(map[string]any)["credentials"])
		if want := `[{"id":"300","masked_value":"*****er"},{"id":"301","masked_value":"********"},{"id":"302","masked_value":"***********************************=1"}]`; err != nil || string(shown) != want {
			t.Errorf("%v: %s, want %s", err, shown, want)
		}

		// A channel is added to a connection that has another one.
		second := w.connection(t, user).ID.String()
		w.send(t, request{method: "PUT", path: "/v2.1/connections/" + second + "/channels/8700", token: token, body: `{"key_id":"` + key.ID.String() + `",
			"credentials":[{"id":"300","value":"dev"},{"id":"301","value":` + encrypted(t, key, "dev") + `}]}`}).want(t, 204)
		if run := live(second, "8700"); run.Kind != oxlin.SyncListAccounts {
			t.Errorf("%+v", run)
		}

		// Of several EMBEDDED definitions it is the one that has the credentials; a form will do.
		form := w.send(t, request{method: "POST", path: "/v2.1/connections", token: token, contentType: "application/x-www-form-urlencoded", tolerated: true,
			body: `provider_id=182&select_accounts=true&credentials=[{"id":"10002","value":"123456"}]`}).want(t, 201).Header.Get("Location")
		third := w.send(t, request{method: "GET", path: "/v2.1" + form, token: token}).want(t, 200).object(t)
		if third["consent_per_account"] != true || third["auto_sync"] != true || third["channels"].([]any)[1].(map[string]any)["status"] != "RUNNING" {
			t.Errorf("%v", third)
		}
	})
}

func TestCredentialsThatCannotBeRight(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	user, token := w.user(t, licensed)
	stranger, widgetOnly := w.user(t, unlicensed)
	key := w.key(t, user)
	expired := w.key(t, user, func(k *oxlin.Key) { k.ExpiresAt = now })
	others := w.key(t, stranger)
	password, forOthers := encrypted(t, key, "dev"), encrypted(t, others, "dev")
	signed, err := json.Marshal(clearSigned(t))
	if err != nil {
		t.Fatal(err)
	}
	mine := "/connections/" + w.connection(t, user, func(c *oxlin.Connection) {
		c.Channels = append(c.Channels, oxlin.Channel{DefinitionID: "8700", Mode: oxlin.ModeEmbedded, Status: oxlin.ChannelAuthFailed})
	}).ID.String()
	w.send(t, request{method: "PUT", path: "/v2.1" + mine + "/channels/8700", token: token, body: `{"key_id":"` + key.ID.String() + `","credentials":[{"id":"300","value":"dev"},{"id":"301","value":` + password + `}]}`}).want(t, 204)

	for _, row := range []struct {
		fact, key, credentials string
		status                 int
		code                   oxlin.Code
		field                  string
	}{
		{"one is missing", key.ID.String(), `{"id":"300","value":"dev"}`, 400, oxlin.CodeInvalidRequest, "credentials.301"},
		{"none is given", key.ID.String(), ``, 400, oxlin.CodeInvalidRequest, "credentials.300"},
		{"one is unknown", key.ID.String(), `{"id":"300","value":"dev"},{"id":"301","value":` + password + `},{"id":"999","value":"x"}`, 400, oxlin.CodeInvalidRequest, "credentials.999"},
		{"one comes twice", key.ID.String(), `{"id":"300","value":"dev"},{"id":"300","value":"dev"}`, 400, oxlin.CodeInvalidRequest, "credentials.300"},
		{"one does not have its form", key.ID.String(), `{"id":"300","value":""},{"id":"301","value":` + password + `}`, 400, oxlin.CodeInvalidRequest, "credentials.300"},
		{"a form is that of the whole value", key.ID.String(), `{"id":"300","value":"dev\nx"},{"id":"301","value":` + password + `}`, 400, oxlin.CodeInvalidRequest, "credentials.300"},
		{"one is not encrypted", key.ID.String(), `{"id":"300","value":"dev"},{"id":"301","value":"dev"}`, 400, oxlin.CodeInvalidRequest, "credentials.301"},
		{"one is signed and not encrypted", key.ID.String(), `{"id":"300","value":"dev"},{"id":"301","value":` + string(signed) + `}`, 400, oxlin.CodeInvalidRequest, "credentials.301"},
		{"one is encrypted for another key", key.ID.String(), `{"id":"300","value":"dev"},{"id":"301","value":` + forOthers + `}`, 400, oxlin.CodeInvalidRequest, "credentials.301"},
		{"the key is not given", "", `{"id":"300","value":"dev"},{"id":"301","value":` + password + `}`, 400, oxlin.CodeInvalidRequest, "key_id"},
		{"the key does not exist", "999", `{"id":"300","value":"dev"},{"id":"301","value":` + password + `}`, 400, oxlin.CodeInvalidRequest, "key_id"},
		{"the key is no id", "{key_id}", `{"id":"300","value":"dev"},{"id":"301","value":` + password + `}`, 400, oxlin.CodeInvalidRequest, "key_id"},
		{"the key is another user's", others.ID.String(), `{"id":"300","value":"dev"},{"id":"301","value":` + forOthers + `}`, 400, oxlin.CodeInvalidRequest, "key_id"},
		{"the key has expired", expired.ID.String(), `{"id":"300","value":"dev"},{"id":"301","value":` + encrypted(t, expired, "dev") + `}`, 400, oxlin.CodeInvalidRequest, "key_id"},
		{"a value is no text", key.ID.String(), `{"id":"300","value":1}`, 400, oxlin.CodeInvalidRequest, "credentials.300"},
	} {
		t.Run(row.fact, func(t *testing.T) {
			body := `"credentials":[` + row.credentials + `]`
			if row.key != "" {
				body = `"key_id":"` + row.key + `",` + body
			}
			w.send(t, request{method: "POST", path: "/v2.1/connections", token: token, body: `{"provider_id":"87",` + body + `}`}).wantError(t, row.status, row.code, row.field)
			w.send(t, request{method: "PUT", path: "/v2.1" + mine + "/channels/8700", token: token, body: `{` + body + `}`}).wantError(t, row.status, row.code, row.field)
		})
	}
	for _, row := range []struct {
		fact, method, path, token, body string
		status                          int
		code                            oxlin.Code
		field                           string
	}{
		{"no agreement: creating", "POST", "/connections", widgetOnly, `{"provider_id":"87","credentials":[]}`, 403, oxlin.CodeAgreementRequired, ""},
		{"no agreement: a channel", "PUT", mine + "/channels/8700", widgetOnly, `{"credentials":[]}`, 403, oxlin.CodeAgreementRequired, ""},
		{"no agreement: a credential", "PUT", mine + "/credentials/300", widgetOnly, `{"value":"dev"}`, 403, oxlin.CodeAgreementRequired, ""},
		{"a REDIRECT definition takes none of these", "POST", "/connections", token, `{"provider_id":"87","channel_definition_id":"8701","credentials":[{"id":"300","value":"dev"}]}`, 400, oxlin.CodeInvalidRequest, "channel_definition_id"},
		{"a definition of another provider", "POST", "/connections", token, `{"provider_id":"87","channel_definition_id":"17650","credentials":[{"id":"10001","value":"dev"}]}`, 400, oxlin.CodeInvalidRequest, "channel_definition_id"},
		{"an unknown provider", "POST", "/connections", token, `{"provider_id":"88","credentials":[{"id":"300","value":"dev"}]}`, 400, oxlin.CodeInvalidRequest, "provider_id"},
		{"credentials of two definitions", "POST", "/connections", token, `{"provider_id":"182","credentials":[{"id":"10001","value":"dev"},{"id":"10002","value":"123456"}]}`, 400, oxlin.CodeInvalidRequest, "credentials.10002"},
		{"another definition in the body", "PUT", mine + "/channels/8700", token, `{"id":"8701","credentials":[]}`, 400, oxlin.CodeInvalidRequest, "id"},
		{"a credential that is not held", "PUT", mine + "/credentials/302", token, `{"value":"x"}`, 404, oxlin.CodeNotFound, ""},
		{"one credential that does not have its form", "PUT", mine + "/credentials/300", token, `{"value":""}`, 400, oxlin.CodeInvalidRequest, "credentials.300"},
		{"one credential that is not encrypted", "PUT", mine + "/credentials/301", token, `{"key_id":"` + key.ID.String() + `","value":"dev"}`, 400, oxlin.CodeInvalidRequest, "credentials.301"},
		{"one credential without its key", "PUT", mine + "/credentials/301", token, `{"value":` + password + `}`, 400, oxlin.CodeInvalidRequest, "key_id"},
		{"no value", "PUT", mine + "/credentials/300", token, `{}`, 400, oxlin.CodeInvalidRequest, "value"},
	} {
		t.Run(row.fact, func(t *testing.T) {
			w.send(t, request{method: row.method, path: "/v2.1" + row.path, token: row.token, body: row.body}).wantError(t, row.status, row.code, row.field)
		})
	}
}

func TestRefusedCredentialsAreNotRepeated(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	user, token := w.user(t, licensed)
	key := w.key(t, user).ID.String()
	question := w.waiting(t, user, codeQuestion, now.Add(time.Minute))
	connection := strings.TrimSuffix(question, "/channels/8700/user_input")
	for _, row := range []request{
		{method: "POST", path: "/v2.1/connections", body: `{"provider_id":"87","key_id":"` + key + `","credentials":[{"id":"300","value":"hidden"},{"id":"301","value":"hidden"}]}`},
		{method: "POST", path: "/v2.1/connections", body: `{"provider_id":"182","credentials":[{"id":"10002","value":"hidden"}]}`},
		{method: "POST", path: "/v2.1/connections", body: `{"provider_id":"182","credentials":[{"id":"10002","value":{"hidden":"hidden"}}]}`},
		{method: "POST", path: "/v2.1/connections", body: `{"provider_id":"182","credentials":[{"id":"10002","value":hidden}]}`},
		{method: "POST", path: "/v2.1/connections", body: `{"provider_id":"182","credentials":[{"id":"10002","value":"` + strings.Repeat("hidden", 4000) + `"}]}`},
		{method: "PUT", path: connection + "/channels/8700", body: `{"key_id":"` + key + `","credentials":[{"id":"300","value":"hidden"},{"id":"301","value":"-----BEGIN PGP MESSAGE-----\nhidden"}]}`},
		{method: "POST", path: question, body: `{"credentials":[{"id":"306","value":"hidden","id":"307","value":"true"}]}`},
		{method: "POST", path: question, body: `306=123456&307=hidden`, contentType: curlForm, tolerated: true},
	} {
		row.token = token
		got := w.send(t, row).want(t, 400)
		if strings.Contains(string(got.body), "hidden") {
			t.Errorf("%s: %s", row.body, got.body)
		}
	}
	if log := w.Log.String(); strings.Contains(log, "hidden") {
		t.Errorf("%s", log)
	}
}

// clearSigned is a message that is signed and not encrypted.
func clearSigned(t *testing.T) string {
	t.Helper()
	pgp := crypto.PGP()
	key, err := pgp.KeyGeneration().AddUserId("x", "").New().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := pgp.Sign().SigningKey(key).New()
	if err != nil {
		t.Fatal(err)
	}
	message, err := signer.Sign([]byte("dev"), crypto.Armor)
	if err != nil {
		t.Fatal(err)
	}
	return string(message)
}
