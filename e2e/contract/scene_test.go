package contract_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/gopenpgp/v3/crypto"

	"github.com/oxlin/oxlin/testbank/robot"
)

// software is an integrator's application. Of the sandbox's two applications only the
// licensed one has a PSD2 agreement of its own.
type software struct{ id, secret string }

var (
	licensed   = software{"sandbox-licensed", "sandbox-licensed-secret"}
	unlicensed = software{"sandbox", "sandbox-secret"}
)

// newClient is an application of an integrator that an operator registers, with an
// agreement of its own and these targets.
func (s *scene) newClient(targets ...string) software {
	s.Helper()
	var flags []string
	for _, target := range targets {
		flags = append(flags, "--redirect-uri", target)
	}
	return s.registered(flags...)
}

// registered registers an application with an agreement of its own and further flags.
func (s *scene) registered(flags ...string) software {
	s.Helper()
	args := append([]string{"client", "create", s.platform.unique("Integrator "), "--licensed", "--data", s.platform.data}, flags...)
	output, err := exec.CommandContext(s.Context(), binary, append(args, s.platform.flags...)...).CombinedOutput()
	words := strings.Fields(string(output))
	if err != nil || len(words) != 4 {
		s.Fatalf("client create: %v\n%s", err, output)
	}
	return software{words[1], words[3]}
}

const (
	// allScopes lists the scopes of a whole scenario.
	allScopes = "openid profile profile_edit accounts_manage connections_manage connections_sync transactions_read"
	// backAt is the redirect target of users; it has no server.
	backAt = "https://integrator.example/back?mine=1"
	// patience is how long a row waits for something.
	patience = 60 * time.Second
)

// scene gives one fact its test, the platform that all facts share, and users of its
// own.
type scene struct {
	testing.TB
	platform *platform
}

// nobody calls without a token.
func (s *scene) nobody() caller { return caller{TB: s.TB, platform: s.platform} }

// app calls with a token of the client itself.
func (s *scene) app(who software, scope string) caller {
	s.Helper()
	c := s.nobody()
	c.token = s.nobody().post("/token", form{
		"grant_type": "client_credentials", "client_id": who.id, "client_secret": who.secret, "scope": scope,
	}).ok().at("access_token").text()
	return c
}

// person is a user with their tokens; as a caller they are the software that holds
// these.
type person struct {
	caller
	scene                   *scene
	software                software
	id, email, password     string
	refreshToken, scopeHeld string
	// begun is the last event of the user when a queue was made.
	begun map[string]string
}

// user is a new user of the licensed client, whose token has every scope.
func (s *scene) user() *person { s.Helper(); return s.userOf(licensed, allScopes) }

// userOf is a new user of a client, whose token has these scopes.
func (s *scene) userOf(who software, scope string) *person {
	s.Helper()
	p := &person{
		caller: s.nobody(), scene: s, software: who, email: s.platform.unique("user") + "@example.test", begun: map[string]string{},
		password: "5f4dcc3b5aa765d61d8327deb882cf995f4dcc3b5aa765d61d8327deb882cf99",
	}
	p.id = s.app(who, "users_create").post("/users", object{"email": p.email, "password": p.password}).created("/users/")
	p.signIn(scope)
	return p
}

// signIn gives the person a new pair of tokens.
func (p *person) signIn(scope string) {
	p.Helper()
	tokens := p.tokens(scope).ok()
	p.token, p.refreshToken, p.scopeHeld = tokens.at("access_token").text(), tokens.at("refresh_token").text(), scope
}

// tokens asks for tokens with the password.
func (p *person) tokens(scope string) answer {
	p.Helper()
	return p.scene.nobody().post("/token", form{
		"grant_type": "password", "username": p.email, "password": p.password, "provider": "connect",
		"client_id": p.software.id, "client_secret": p.software.secret, "scope": scope,
	})
}

// narrowed is the same user with another token, of fewer scopes.
func (p *person) narrowed(scope string) *person {
	p.Helper()
	other := *p
	other.signIn(scope)
	return &other
}

// revoke ends the person's access token.
func (p *person) revoke() {
	p.Helper()
	p.scene.nobody().post("/revoke", form{"token": p.token, "client_id": p.software.id, "client_secret": p.software.secret}).is(http.StatusOK)
}

// customer is a customer of the test bank.
type customer struct{ login, password, file string }

// dev is the bank's own customer, with a long history.
var dev = customer{login: "dev", password: "dev"}

// customer registers a new customer with the accounts of serveFile. Scenarios are
// appended to the login: "locked".
func (s *scene) customer(scenarios ...string) customer {
	name := s.platform.unique("jo")
	return customer{strings.Join(append([]string{name}, scenarios...), "+"), "dev", s.platform.files + "/" + name}
}

func (c customer) answers() map[string]string {
	return map[string]string{"login": c.login, "password": c.password, "code": "123456", "file_url": c.file}
}

// scenario switches a scenario on at the bank for a customer.
func (s *scene) scenario(who customer, name, parameter string) {
	s.Helper()
	s.control("POST", "", object{"login": who.login, "scenario": name, "param": parameter})
}

// heal switches off what scenario switched on.
func (s *scene) heal(who customer) {
	s.Helper()
	s.control("DELETE", "?login="+url.QueryEscape(who.login), nil)
}

// control calls the bank's control API.
func (s *scene) control(method, query string, body object) answer {
	s.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.Context(), method, s.platform.bank+"/control/scenario"+query, bytes.NewReader(text))
	if err != nil {
		s.Fatal(err)
	}
	got := answered(s.TB, s.platform, request)
	if got.status/100 != 2 {
		s.Fatalf("the bank's control: HTTP %d: %s", got.status, got.body)
	}
	return got
}

// visit goes through the bank's pages and returns the address to which the bank
// redirects the user.
func (s *scene) visit(address string, who customer) *url.URL {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	back, err := robot.LogIn(ctx, address, who.answers())
	if err != nil {
		s.Fatal(err)
	}
	return back
}

// arrive opens the address of the platform to which the bank sent the user.
func (s *scene) arrive(callback *url.URL) answer {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), "GET", callback.String(), nil)
	if err != nil {
		s.Fatal(err)
	}
	return answered(s.TB, s.platform, request)
}

// widgetParams returns the integrator's parameters of mode A.
func (p *person) widgetParams() object {
	return object{"client_id": p.software.id, "client_secret": p.software.secret, "access_token": p.token, "provider_id": "87"}
}

// authorizeURL returns the address of the test bank's login. The given members are
// added to the body or replace its members.
func (p *person) authorizeURL(more object) string {
	p.Helper()
	body := object{"redirect_uri": backAt, "widget_params": p.widgetParams()}
	for name, one := range more {
		body[name] = one
	}
	return p.post("/providers/87/channel_definitions/8701/authorize_url", body).is(http.StatusCreated).location().String()
}

// begin connects by REDIRECT in mode A, and returns the query of the user's return.
func (p *person) begin(who customer, more object) url.Values {
	p.Helper()
	return p.scene.arrive(p.scene.visit(p.authorizeURL(more), who)).redirect().Query()
}

// connect connects by REDIRECT and waits for the data; it gives the connection's id.
func (p *person) connect(who customer) string {
	p.Helper()
	id := p.begin(who, nil).Get("connection_id")
	p.settled(id).shows(fields{"status": "SUCCESS"})
	return id
}

// settled waits until a connection no longer runs.
func (p *person) settled(id string) value {
	p.Helper()
	return eventually(p.TB, "connection "+id+" has settled", func() (value, bool) {
		connection := p.get("/connections/" + id).ok()
		return connection, connection.at("status").any != "RUNNING"
	})
}

// eventually repeats a call until it succeeds.
func eventually[T any](t testing.TB, what string, ask func() (T, bool)) T {
	t.Helper()
	return within(t, patience, what, ask)
}

// within repeats a call for a limited time, with growing pauses.
func within[T any](t testing.TB, limit time.Duration, what string, ask func() (T, bool)) T {
	t.Helper()
	end := time.NewTimer(limit)
	defer end.Stop()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 300*time.Millisecond) {
		got, ok := ask()
		if ok {
			return got
		}
		select {
		case <-end.C:
			t.Fatalf("waited too long until %s", what)
		case <-time.After(pause):
		}
	}
}

// credential is one that a user typed.
func credential(id, value string) object { return object{"id": id, "value": value} }

// key creates an encryption key, and returns its id and a function that encrypts for
// it.
func (p *person) key() (id string, seal func(string) string) {
	p.Helper()
	id = p.post("/keys", object{"type": "PGP"}).created("/keys/")
	public := p.get("/keys/" + id).ok().at("public_key").text()
	return id, func(text string) string {
		p.Helper()
		message, err := encrypt(public, text)
		if err != nil {
			p.Fatal(err)
		}
		return message
	}
}

// encrypt makes an armored OpenPGP message, as an integrator's page does with what
// its user types.
func encrypt(publicKey, text string) (string, error) {
	key, err := crypto.NewKeyFromArmored(publicKey)
	if err != nil {
		return "", err
	}
	encryption, err := crypto.PGP().Encryption().Recipient(key).New()
	if err != nil {
		return "", err
	}
	message, err := encryption.Encrypt([]byte(text))
	if err != nil {
		return "", err
	}
	return message.Armor()
}

// login is the body that gives a customer's credentials to the EMBEDDED channel of
// the test bank.
func (p *person) login(who customer) object {
	p.Helper()
	id, seal := p.key()
	return object{"provider_id": "87", "key_id": id, "credentials": []object{
		credential("300", who.login), credential("301", seal(who.password)), credential("302", who.file),
	}}
}

// embed begins a connection by EMBEDDED; what is given is added to the body.
func (p *person) embed(who customer, more object) string {
	p.Helper()
	body := p.login(who)
	for name, one := range more {
		body[name] = one
	}
	return p.post("/connections", body).created("/connections/")
}

// queue creates a queue of the events from now on.
func (p *person) queue() string {
	p.Helper()
	id := p.post("/queues/subscribe", object{"topics": []string{"connections"}}).created("/queues/")
	before := p.get("/queues/" + id + "?after=0").ok().every("id")
	if len(before) > 0 {
		p.begun[id] = before[len(before)-1]
	}
	return id
}

// queueFromTheStart creates a queue of all events of the user.
func (p *person) queueFromTheStart() string {
	p.Helper()
	id := p.queue()
	delete(p.begun, id)
	return id
}

// events returns the events since a queue was created. It reads by number, so that the
// queue's position stays.
func (p *person) events(queue string) value {
	p.Helper()
	return p.get("/queues/" + queue + "?after=" + cmp.Or(p.begun[queue], "0")).ok()
}

// types are the types of all events of a queue.
func (p *person) types(queue string) []string {
	p.Helper()
	return p.events(queue).every("event_type")
}

// asked waits until the bank has asked n times, and returns the last question's event.
func (p *person) asked(queue string, n int) value {
	p.Helper()
	return eventually(p.TB, "the bank asks", func() (value, bool) {
		seen := 0
		for _, event := range p.events(queue).each() {
			if strings.HasSuffix(event.at("event_type").text(), "_USER_INPUT_REQUESTED") {
				seen++
				if seen == n {
					return event, true
				}
			}
		}
		return value{}, false
	})
}

// told waits until a queue has an event of that type, and returns it.
func (p *person) told(queue, eventType string) value {
	p.Helper()
	return eventually(p.TB, "there is "+eventType, func() (value, bool) {
		for _, event := range p.events(queue).each() {
			if event.at("event_type").any == eventType {
				return event, true
			}
		}
		return value{}, false
	})
}

// answers sends the user's answers to a channel's challenges.
func (p *person) answers(connection, channel string, credentials ...object) answer {
	p.Helper()
	return p.post("/connections/"+connection+"/channels/"+channel+"/user_input", object{"credentials": credentials})
}

// converse answers every question correctly until a connection no longer runs.
func (p *person) converse(queue, connection string) value {
	p.Helper()
	answered := map[string]bool{}
	return eventually(p.TB, "connection "+connection+" has settled", func() (value, bool) {
		for _, event := range p.events(queue).each() {
			id := event.at("id").text()
			question := challenges(event)
			if !question.there || answered[id] || event.at("resource.id").any != connection {
				continue
			}
			answered[id] = true
			p.answers(connection, event.at("channel_definition_id").text(), rightAnswers(question)...).done()
		}
		state := p.get("/connections/" + connection).ok()
		return state, state.at("status").any != "RUNNING"
	})
}

// challenges returns the challenges of an event.
func challenges(event value) value {
	return event.at(strings.ToLower(event.at("event_type").text()) + ".challenge")
}

// rightAnswers returns the code, and true for OK_CANCEL; messages take no answer.
func rightAnswers(question value) []object {
	question.Helper()
	var all []object
	for _, challenge := range question.each() {
		id := challenge.at("id").text()
		switch challenge.at("type").text() {
		case "INFO_MSG", "ERROR_MSG", "TIMEOUT_MSG":
		case "OK_CANCEL":
			all = append(all, credential(id, "true"))
		default:
			all = append(all, credential(id, "123456"))
		}
	}
	return all
}

// embedded connects by EMBEDDED, answers the SMS and waits for the data.
func (p *person) embedded(who customer) string {
	p.Helper()
	queue := p.queue()
	id := p.embed(who, nil)
	p.converse(queue, id).shows(fields{"status": "SUCCESS"})
	return id
}
