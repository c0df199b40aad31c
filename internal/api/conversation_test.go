package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
	"github.com/oxlin/oxlin/testbank"
)

// conversation is a world with the sandbox's catalogue and the test bank on the other
// side of HTTP, whose jobs run when the test calls them.
type conversation struct {
	*world
	// user, token, queue and key belong to the integrator's user.
	user       oxlin.UserID
	token      string
	queue      string
	key        oxlin.Key
	connection string
}

// curlForm is the content type that curl -d sends.
const curlForm = "application/x-www-form-urlencoded"

// TestConversations covers EMBEDDED channels. The conversations share one user, one
// after the other, because creating the user's key takes long.
func TestConversations(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newConversation(t, db)
		t.Run("creating a channel, as documented", c.createChannel)
		t.Run("what users do with a challenge", c.goWrong)
		t.Run("adding a channel, as documented", c.addChannel)
		t.Run("fifty answers at once", c.answerFiftyTimes)
	})
}

func newConversation(t *testing.T, db *store.DB) *conversation {
	t.Helper()
	platform := platformtest.New(t, db, platformtest.Options{Now: now, Bank: testbank.Options{AllowPrivateFileURLs: true}, PublicURL: publicURL})
	c := &conversation{world: openDoors(t, platform, func(*api.Options) {})}
	c.user, c.token = c.world.user(t, licensed)
	c.queue = c.post(t, "/queues/subscribe", `{
"topics": ["connections"]
}`).want(t, 201).Header.Get("Location")
	location := c.post(t, "/keys", `{
"type": "PGP"
}`).want(t, 201).Header.Get("Location")
	shown := c.send(t, request{method: "GET", path: "/v2.1" + location, token: c.token}).want(t, 200).object(t)
	c.key.ID, _ = oxlin.ParseID[oxlin.KeyID](shown["id"].(string))
	c.key.Public = shown["public_key"].(string)
	return c
}

// post sends a body as curl -d does.
func (c *conversation) post(t *testing.T, path, body string) answer {
	t.Helper()
	return c.send(t, request{method: "POST", path: "/v2.1" + path, token: c.token, body: body, contentType: curlForm, tolerated: true})
}

func (c *conversation) put(t *testing.T, path, body string) answer {
	t.Helper()
	return c.send(t, request{method: "PUT", path: "/v2.1" + path, token: c.token, body: body, contentType: curlForm, tolerated: true})
}

// connect creates a connection with the call of the page on advanced integration.
func (c *conversation) connect(t *testing.T, login, password, file string) {
	t.Helper()
	c.connection = c.post(t, "/connections", `{
"provider_id": "87",
"key_id": "`+c.key.ID.String()+`",
"credentials": [
{ "id": "300", "value": "`+login+`" },
{ "id": "301", "value": `+encrypted(t, c.key, password)+` },
{ "id": "302", "value": "`+file+`" }
]
}`).want(t, 201).Header.Get("Location")
}

// answer answers the challenges of the connection's channel and lets it go on.
func (c *conversation) answer(t *testing.T, channel, body string) {
	t.Helper()
	c.post(t, c.connection+"/channels/"+channel+"/user_input", body).want(t, 204)
}

// The bodies of the page on advanced integration.
const (
	sendSMS    = `{"credentials":[{"id":"304","value":"true"}]}`
	cancelSMS  = `{"credentials":[{"id":"304","value":"false"}]}`
	rightCode  = `{"credentials":[{"id":"306","value":"123456","id":"307","value":"true"}]}`
	wrongCode  = `{"credentials":[{"id":"306","value":"654321"},{"id":"307","value":"true"}]}`
	cancelCode = `{"credentials":[{"id":"307","value":"false"}]}`
)

// wantEvents runs the due jobs, and fails unless the queue then returns these events.
// It returns the last one.
func (c *conversation) wantEvents(t *testing.T, want string) map[string]any {
	t.Helper()
	c.Work(c.Due) // the others wait for a user
	var types []string
	var last map[string]any
	for _, event := range c.send(t, request{method: "GET", path: "/v2.1" + c.queue, token: c.token}).want(t, 200).list(t) {
		types = append(types, event["event_type"].(string))
		last = event
	}
	if got := strings.Join(types, " "); got != want {
		t.Fatalf("events\n%s, want\n%s", got, want)
	}
	return last
}

// wantMember fails unless a member equals the JSON.
func wantMember(t *testing.T, object map[string]any, name, want string) {
	t.Helper()
	var wanted any
	err := json.Unmarshal([]byte(want), &wanted)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, object[name]); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func (c *conversation) shown(t *testing.T) map[string]any {
	t.Helper()
	return c.send(t, request{method: "GET", path: "/v2.1" + c.connection, token: c.token}).want(t, 200).object(t)
}

// wantAccounts fails unless the connection has accounts of these types.
func (c *conversation) wantAccounts(t *testing.T, want ...string) {
	t.Helper()
	var types []string
	query := "?connection_id=" + strings.TrimPrefix(c.connection, "/connections/")
	for _, account := range c.send(t, request{method: "GET", path: "/v2.1/accounts" + query, token: c.token}).want(t, 200).list(t) {
		types = append(types, account["type"].(string))
	}
	slices.Sort(types)
	if !slices.Equal(types, want) {
		t.Errorf("accounts %v, want %v", types, want)
	}
}

// answersOf sends an answer fifty times at once, and counts the statuses.
func (c *conversation) answersOf(t *testing.T, body string) map[int]int {
	t.Helper()
	statuses := make(chan int, 50)
	var all sync.WaitGroup
	for range cap(statuses) {
		all.Go(func() { statuses <- c.post(t, c.connection+"/channels/8700/user_input", body).StatusCode })
	}
	all.Wait()
	close(statuses)
	counted := map[int]int{}
	for status := range statuses {
		counted[status]++
	}
	return counted
}

// answerFiftyTimes sends each answer of a challenge fifty times at once: one is taken, and costs
// one attempt at the bank; the others are conflicts.
func (c *conversation) answerFiftyTimes(t *testing.T) {
	c.connect(t, "dev", "dev", c.BankURL+"/stettestbank/test-bank.txt?dl=1")
	c.wantEvents(t, "CONNECTION_CREATED LIST_ACCOUNTS_RUNNING LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	typed := c.Calls.Count("POST /site/securite/code")
	for _, row := range []struct{ fact, body, events string }{
		{"a text message", sendSMS, "LIST_ACCOUNTS_USER_INPUT_REQUESTED"},
		{"a wrong code", wrongCode, "LIST_ACCOUNTS_USER_INPUT_REQUESTED"},
		{"another wrong code", wrongCode, "LIST_ACCOUNTS_USER_INPUT_REQUESTED"},
		{"the right code", rightCode, "LIST_ACCOUNTS_SUCCESS SYNC_ALL_RUNNING SYNC_ALL_SUCCESS"},
	} {
		if got, want := c.answersOf(t, row.body), map[int]int{204: 1, 409: 49}; !maps.Equal(got, want) {
			t.Errorf("%s: %v", row.fact, got)
		}
		c.wantEvents(t, row.events)
	}
	if n := c.Calls.Count("POST /site/securite/code") - typed; n != 3 {
		t.Errorf("three codes were typed %d times at the bank", n)
	}
}

// createChannel replays "EMBEDDED channel creation" and "User input and challenge"
// of the page on advanced integration: its bodies and its events.
func (c *conversation) createChannel(t *testing.T) {
	c.connect(t, "dev", "dev", c.BankURL+"/stettestbank/test-bank.txt?dl=1")
	asked := c.wantEvents(t, "CONNECTION_CREATED LIST_ACCOUNTS_RUNNING LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	if asked["event_status"] != asked["event_type"] || asked["resource_type"] != "CONNECTION" || asked["channel_definition_id"] != "8700" {
		t.Errorf("%v", asked)
	}
	wantMember(t, asked, "list_accounts_user_input_requested", `{
"challenge":[
{
"id":"303",
"label":"La connexion à Banque demande la saisie d’un code envoyé par SMS sur votre téléphone au {phone}. Souhaitez vous recevoir ce code maintenant ?",
"regexp":".*",
"type":"INFO_MSG",
"encrypt":false,
"params":{
"phone":"0606060606"
}
},
{
"id":"304",
"label":"Envoyer le SMS",
"regexp":".*",
"type":"OK_CANCEL",
"encrypt":false
}
]
}`)
	channel := asked["resource"].(map[string]any)["channels"].([]any)[1].(map[string]any)
	if channel["id"] != "8700" || channel["channel_definition_id"] != "8700" || channel["status"] != "RUNNING" {
		t.Errorf("%v", channel)
	}
	if got := c.shown(t)["status"]; got != "RUNNING" {
		t.Errorf("while the bank asks the connection is %v", got)
	}

	c.answer(t, "8700", sendSMS)
	asked = c.wantEvents(t, "LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	codeForm := func(wrong string) string {
		return `{
"challenge":[
{
"id":"305",
"label":"Un code a été envoyé par SMS sur votre téléphone au {phone}.",
"regexp":".*",
"type":"INFO_MSG",
"encrypt":false,
"params":{
"phone":"0606060606"
}
},` + wrong + `
{
"id":"306",
"label":"Code",
"regexp":"^[0-9]{6}$",
"type":"NUMERIC",
"encrypt":false
},
{
"id":"308",
"label":"Il vous reste {timeout} pour valider votre code.",
"regexp":".*",
"type":"TIMEOUT_MSG",
"encrypt":false,
"params":{
"timeout":"120"
}
},
{
"id":"307",
"label":"Valider",
"regexp":".*",
"type":"OK_CANCEL",
"encrypt":false
}
]
}`
	}
	wantMember(t, asked, "list_accounts_user_input_requested", codeForm(""))

	c.answer(t, "8700", wrongCode)
	asked = c.wantEvents(t, "LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	wantMember(t, asked, "list_accounts_user_input_requested", codeForm(`
{
"id":"309",
"label":"Code invalide. Encore {remaining_attempts} tentatives",
"regexp":".*",
"type":"ERROR_MSG",
"encrypt":false,
"params":{
"remaining_attempts":"2"
}
},`))

	c.answer(t, "8700", rightCode)
	// A second click: the bank has its answer already.
	c.post(t, c.connection+"/channels/8700/user_input", rightCode).wantError(t, 409, oxlin.CodeConflict, "")
	c.wantEvents(t, "LIST_ACCOUNTS_SUCCESS SYNC_ALL_RUNNING SYNC_ALL_SUCCESS")
	c.post(t, c.connection+"/channels/8700/user_input", rightCode).wantError(t, 409, oxlin.CodeConflict, "")
	connection := c.shown(t)
	if connection["status"] != "SUCCESS" || connection["owner"].(map[string]any)["phone_number"] != "06******1" {
		t.Errorf("%v", connection)
	}
	c.wantAccounts(t, "CHECKINGS", "CHECKINGS", "CREDIT_CARD", "LOAN", "SAVINGS")
	if log := c.Log.String(); strings.Contains(log, "123456") || strings.Contains(log, "BEGIN PGP") || strings.Contains(log, "test-bank.txt") {
		t.Errorf("the log holds what the user typed:\n%s", log)
	}
}

// goWrong plays a conversation with mistakes that are corrected.
func (c *conversation) goWrong(t *testing.T) {
	c.connect(t, "dev+sms", "mistyped", "")
	c.wantEvents(t, "CONNECTION_CREATED LIST_ACCOUNTS_RUNNING AUTH_FAILED LIST_ACCOUNTS_FAILED")

	// Only the password is typed again; the identifier is kept.
	c.put(t, c.connection+"/credentials/301", `{"key_id": "`+c.key.ID.String()+`", "value": `+encrypted(t, c.key, "dev")+`}`).want(t, 204)
	c.wantEvents(t, "LIST_ACCOUNTS_RUNNING LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	c.answer(t, "8700", cancelSMS)
	c.wantEvents(t, "CHALLENGE_CANCELLED LIST_ACCOUNTS_FAILED")
	if got := c.shown(t); got["status"] != "FAILED" {
		t.Errorf("%v", got)
	}

	// The user is present again, as their address states.
	attended := func() {
		t.Helper()
		c.send(t, request{method: "POST", path: "/v2.1" + c.connection + "/synchronize", token: c.token, header: http.Header{"Psu-Ip-Address": {"192.0.2.7"}}}).want(t, 204)
	}
	attended()
	c.wantEvents(t, "LIST_ACCOUNTS_RUNNING LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	c.answer(t, "8700", sendSMS)
	c.wantEvents(t, "LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	c.answer(t, "8700", cancelCode)
	c.wantEvents(t, "CHALLENGE_CANCELLED LIST_ACCOUNTS_FAILED")
	attended()
	c.wantEvents(t, "LIST_ACCOUNTS_RUNNING LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	c.answer(t, "8700", sendSMS)
	c.wantEvents(t, "LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	c.answer(t, "8700", rightCode)
	c.wantEvents(t, "LIST_ACCOUNTS_SUCCESS SYNC_ALL_RUNNING SYNC_ALL_SUCCESS")
	if got := c.shown(t); got["status"] != "SUCCESS" {
		t.Fatalf("%v", got)
	}

	// This bank asks every time: without the user it sends no SMS.
	c.post(t, c.connection+"/synchronize", `{"type":"ALL"}`).want(t, 204)
	c.wantEvents(t, "SYNC_ALL_RUNNING CHALLENGE_REQUIRED SYNC_ALL_FAILED")
	c.post(t, c.connection+"/channels/8700/user_input", sendSMS).wantError(t, 409, oxlin.CodeConflict, "")
	attended()
	event := c.wantEvents(t, "SYNC_ALL_RUNNING SYNC_ALL_USER_INPUT_REQUESTED")
	if event["sync_all_user_input_requested"] == nil || event["list_accounts_user_input_requested"] != nil {
		t.Errorf("%v", event)
	}
	c.answer(t, "8700", sendSMS)
	c.wantEvents(t, "SYNC_ALL_USER_INPUT_REQUESTED")
	c.answer(t, "8700", rightCode)
	c.wantEvents(t, "SYNC_ALL_SUCCESS")
	if got := c.shown(t); got["status"] != "SUCCESS" {
		t.Errorf("%v", got)
	}
}

// addChannel replays "Add a channel to an existing connection" and "Update
// credentials for an embedded channel", at a bank with three credentials.
func (c *conversation) addChannel(t *testing.T) {
	existing := c.world.connection(t, c.user, func(c *oxlin.Connection) {
		c.ProviderID, c.Channels[0].DefinitionID = "119", "redirect1"
	})
	c.connection = "/connections/" + existing.ID.String()
	put := func(identifier, memorable, password string) {
		t.Helper()
		c.put(t, c.connection+"/channels/embedded1", `{
"id": "embedded1",
"key_id": "`+c.key.ID.String()+`",
"credentials": [
{ "id": "3500", "value": "`+identifier+`" },
{ "id": "3501", "value": "`+memorable+`" },
{ "id": "3502", "value": `+encrypted(t, c.key, password)+` }
]
}`).want(t, 204)
	}
	put("0123456", "test", "whatever")
	c.wantEvents(t, "LIST_ACCOUNTS_RUNNING AUTH_FAILED LIST_ACCOUNTS_FAILED")
	shown := c.shown(t)
	if shown["status"] != "PARTIAL_SUCCESS" {
		t.Errorf("%v", shown)
	}
	wantMember(t, shown["channels"].([]any)[1].(map[string]any), "credentials",
		`[{"id":"3500","masked_value":"*****56"},{"id":"3501","masked_value":"********"},{"id":"3502","masked_value":"********"}]`)

	put("dev-0119", "dev", "dev-0119")
	c.wantEvents(t, "LIST_ACCOUNTS_RUNNING LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	c.answer(t, "embedded1", sendSMS)
	c.wantEvents(t, "LIST_ACCOUNTS_USER_INPUT_REQUESTED")
	c.answer(t, "embedded1", rightCode)
	c.wantEvents(t, "LIST_ACCOUNTS_SUCCESS SYNC_ALL_RUNNING SYNC_ALL_SUCCESS")
	if got := c.shown(t); got["status"] != "SUCCESS" {
		t.Errorf("%v", got)
	}
	c.wantAccounts(t, "LOAN", "SAVINGS")
}
