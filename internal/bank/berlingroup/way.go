package berlingroup

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// way is the state of a way in. It is sealed wherever it is stored, and holds no password.
type way struct {
	// Stage is the step that the next input answers.
	Stage string `json:"stage"`
	// Answers are those to the questions of the data, by their ids.
	Answers map[string]string `json:"answers,omitempty"`
	// ConsentID and AuthorisationID are the bank's ids of what was made; Making is set before
	// the request that makes a consent.
	ConsentID       string `json:"consent_id,omitempty"`
	AuthorisationID string `json:"authorisation_id,omitempty"`
	Making          bool   `json:"making,omitempty"`
	// Earlier is set if the bank extends the consent of the access that is renewed.
	Earlier    bool       `json:"earlier,omitempty"`
	ValidUntil oxlin.Date `json:"valid_until,omitzero"`
	// Detailed is set at the second consent, which names the accounts that the first has listed.
	Detailed bool `json:"detailed,omitempty"`
	// AuthorizeURL and TokenURL are discovered addresses.
	AuthorizeURL string `json:"authorize_url,omitempty"`
	TokenURL     string `json:"token_url,omitempty"`
	// Resource is the path of the authorisation, where links are followed.
	Resource string `json:"resource,omitempty"`
	// Methods are the ids of the methods that the user may choose from, by their numbers.
	Methods []string `json:"methods,omitempty"`
	// Until is when a wait ends.
	Until time.Time `json:"until,omitzero"`
	// Access is Token as text.
	Access string `json:"access,omitempty"`

	// Token is the token that the user's login, or our own credentials, brought so far.
	Token bank.Access `json:"-"`
}

// The stages.
const (
	stageAsk      = "ask"      // the answers to the questions of the data
	stagePreStep  = "pre-step" // the return from the login before the consent
	stageOAuth    = "oauth"    // the return from the login that approves the consent
	stageRedirect = "redirect" // the return from the approval
	stageMethod   = "method"   // the number of a method
	stageCode     = "code"     // the code of a method
	stageStatus   = "status"   // a look at the consent
	stageSCA      = "sca"      // a look at the authorisation
)

var (
	errState     = errors.New("the state is not one of ours")
	errNoRefresh = errors.New("there is no refresh token")
	errNoLink    = errors.New("the bank's answer tells no way to approve the consent")
)

// approvalTime is how long a user may take to approve in an app, and approvalPause the time
// between two looks.
const (
	approvalTime  = 5 * time.Minute
	approvalPause = 3 * time.Second
)

// secret returns the state as it is stored.
func (w way) secret() oxlin.Secret {
	if !w.Token.Token.IsZero() {
		w.Access = w.Token.Encode().Reveal()
	}
	return oxlin.NewSecret(string(marshal(w)))
}

func readWay(state oxlin.Secret) (w way, err error) {
	if state.IsZero() {
		return w, nil
	}
	err = json.Unmarshal([]byte(state.Reveal()), &w)
	if err != nil || w.Stage == "" {
		return way{}, psd2.Nonsense(errState)
	}
	if w.Access != "" {
		w.Token, err = bank.DecodeAccess(oxlin.NewSecret(w.Access))
		if err != nil {
			return way{}, psd2.Nonsense(errState)
		}
	}
	return w, nil
}

// access returns the access of a request of the way in: the token so far.
func (w way) access() bank.Access { return bank.Access{Token: w.Token.Token} }

// fill replaces the names of values in a text of the data.
func (w way) fill(text string, more map[string]string) string {
	names := []string{"{consent_id}", w.ConsentID, "{valid_until}", w.ValidUntil.String()}
	for _, values := range []map[string]string{w.Answers, more} {
		for name, value := range values {
			names = append(names, "{"+name+"}", value)
		}
	}
	return strings.NewReplacer(names...).Replace(text)
}

// headers returns the headers of an operation of the way in.
func (w way) headers(c consents, op string, more map[string]string) map[string]string {
	headers := maps.Clone(more)
	if headers == nil {
		headers = map[string]string{}
	}
	for name, value := range c.bank.config.HeadersOn[op] {
		value = w.fill(value, map[string]string{"redirect_uri": more[redirectHeader]})
		if strings.Contains(value, "{psu_id}") {
			value = ""
		}
		headers[name] = value
	}
	return headers
}

// step takes one step, see Connector.Continue.
func (c consents) step(ctx context.Context, input bank.Input) (bank.Step, error) {
	w, err := readWay(input.State)
	if err != nil {
		return nil, err
	}
	step := c.stepOf(input.Event, w.Stage)
	if step == nil {
		return nil, psd2.Unexpected(input.Event)
	}
	return step(ctx, input, w)
}

// stepOf returns what an event does at a stage; nil if it does not fit.
func (c consents) stepOf(event bank.Event, stage string) func(context.Context, bank.Input, way) (bank.Step, error) {
	return map[bank.Event]map[string]func(context.Context, bank.Input, way) (bank.Step, error){
		bank.Begun:    {"": c.begin},
		bank.Answered: {stageAsk: c.answered, stageMethod: c.chooseMethod, stageCode: c.authorise},
		bank.Returned: {"": c.cameBack, stagePreStep: c.loggedIn, stageOAuth: c.cameBack, stageRedirect: c.cameBack},
		bank.Ticked:   {stageStatus: c.lookAtConsent, stageSCA: c.lookAtAuthorisation},
	}[event][stage]
}

// begin asks the questions of the data that the channel's credentials do not answer.
func (c consents) begin(ctx context.Context, input bank.Input, w way) (bank.Step, error) {
	w.Answers = map[string]string{}
	var open []oxlin.Challenge
	secrets := map[oxlin.CredentialID]oxlin.Secret{}
	for _, q := range c.bank.config.Consent.Ask {
		answer, given := input.Journey.Credentials[q.ID]
		if given {
			secrets[q.ID] = answer
			continue
		}
		open = append(open, challengeOf(q))
	}
	if len(open) > 0 && slices.ContainsFunc(open, func(o oxlin.Challenge) bool { return o.ID == askIBAN }) && len(input.Journey.Accounts) > 0 {
		var ibans []string
		for _, account := range input.Journey.Accounts {
			if account.IBAN != "" && !slices.Contains(ibans, account.IBAN) {
				ibans = append(ibans, account.IBAN)
			}
		}
		if len(ibans) > 0 {
			secrets[askIBAN] = oxlin.NewSecret(strings.Join(ibans, ","))
			open = slices.DeleteFunc(open, func(o oxlin.Challenge) bool { return o.ID == askIBAN })
		}
	}
	w.take(secrets)
	if len(open) > 0 {
		w.Stage = stageAsk
		return bank.Question{Challenges: open, State: w.secret()}, nil
	}
	return c.start(ctx, input, w, secrets[askPassword])
}

func challengeOf(q Question) oxlin.Challenge {
	definition := oxlin.CredentialDefinition{ID: q.ID, Label: q.Label, Regexp: q.Regexp, Type: q.Type}
	if definition.Type == "" {
		definition.Type = oxlin.CredentialText
	}
	if definition.Regexp == "" {
		definition.Regexp = ".+"
	}
	return oxlin.Challenge{CredentialDefinition: definition}
}

// take keeps answers, except for the password.
func (w *way) take(answers map[oxlin.CredentialID]oxlin.Secret) {
	for id, answer := range answers {
		if id != askPassword {
			w.Answers[string(id)] = strings.TrimSpace(answer.Reveal())
		}
	}
}

func (c consents) answered(ctx context.Context, input bank.Input, w way) (bank.Step, error) {
	if w.Answers == nil {
		w.Answers = map[string]string{}
	}
	w.take(input.Answers)
	password, given := input.Answers[askPassword]
	if !given {
		password = input.Journey.Credentials[askPassword]
	}
	return c.start(ctx, input, w, password)
}

// start gets the token with which the consent is made, or makes it without one.
func (c consents) start(ctx context.Context, input bank.Input, w way, password oxlin.Secret) (bank.Step, error) {
	switch {
	case c.bank.config.Consent.Before == "client":
		token, err := c.clientToken(ctx)
		if err != nil {
			return nil, err
		}
		w.Token = token
	case c.bank.config.Consent.Before == "user":
		w.Stage = stagePreStep
		return c.login(ctx, input, w)
	case c.bank.config.Consent.None:
		w.Stage = stageOAuth
		return c.login(ctx, input, w)
	}
	return c.makeConsent(ctx, input, w, password)
}

// loggedIn exchanges the code of the login before the consent, and makes the consent.
func (c consents) loggedIn(ctx context.Context, input bank.Input, w way) (bank.Step, error) {
	token, err := c.exchange(ctx, input, w)
	if err != nil {
		return nil, err
	}
	w.Token = token
	return c.makeConsent(ctx, input, w, oxlin.Secret{})
}

// makeConsent sends the request for the consent.
func (c consents) makeConsent(ctx context.Context, input bank.Input, w way, password oxlin.Secret) (bank.Step, error) {
	w.ValidUntil = c.bank.today().AddDays(c.bank.config.ConsentDays)
	if fixed := c.bank.config.Consent.ValidUntil; fixed != "" {
		w.ValidUntil, _ = oxlin.ParseDate(fixed) // it is checked
	}
	body, err := c.consentBody(w, input.Journey.Once)
	if err != nil {
		return nil, err
	}
	w.Stage, w.Making = stageStatus, true
	err = input.Keep(ctx, w.secret())
	if err != nil {
		return nil, err
	}
	answer, err := c.ask(ctx, w, input.PSU, psd2.Request{
		Op: opConsent, Method: http.MethodPost, Resource: expandPath(c.bank.config.Consent.Path, w.Answers), Body: body,
	}, c.redirectHeaders(input.Journey))
	if err != nil {
		return nil, err
	}
	w.Making, w.ConsentID = false, firstOf(string(answer.ConsentID), consentIDIn(answer.location))
	if w.ConsentID == "" {
		return nil, psd2.Nonsense(errors.New("the bank gave the consent no id"))
	}
	w.Earlier = w.ConsentID == consentOf(input.Journey.Access).ID
	err = input.Keep(ctx, w.secret())
	if err != nil {
		return nil, err
	}
	return c.approve(ctx, input, w, answer, password)
}

// redirectHeader is the header with the address to which the bank sends the user back.
const redirectHeader = "TPP-Redirect-URI"

// redirectHeaders returns the headers with the addresses to which the bank sends the user back.
func (c consents) redirectHeaders(journey bank.Journey) map[string]string {
	return map[string]string{redirectHeader: c.redirectURI(journey, ""), "TPP-Nok-Redirect-URI": c.redirectURI(journey, "error=true")}
}

// redirectURI returns the address to which the bank sends the user back.
func (c consents) redirectURI(journey bank.Journey, parameters string) string {
	if c.bank.config.Consent.RedirectState != "none" && journey.RedirectState != "" {
		parameters = strings.TrimPrefix(parameters+"&state="+url.QueryEscape(journey.RedirectState), "&")
	}
	return withParameters(journey.RedirectURI, parameters)
}

// withParameters adds parameters to an address.
func withParameters(address, parameters string) string {
	switch {
	case parameters == "":
		return address
	case strings.Contains(address, "?"):
		return address + "&" + parameters
	}
	return address + "?" + parameters
}

// approve goes on as the bank's answer says.
func (c consents) approve(ctx context.Context, input bank.Input, w way, answer consentAnswer, password oxlin.Secret) (bank.Step, error) {
	for _, approach := range c.bank.config.Consent.Prefer {
		switch approach {
		case "redirect":
			link := answer.links.To("scaRedirect").Href
			if link == "" && answer.links.To("scaOAuth").Href == "" && c.bank.config.Consent.Login != "" {
				link = w.fill(c.bank.config.Consent.Login, c.loginValues(input.Journey))
			}
			if link != "" {
				w.Stage = stageRedirect
				return c.sendTo(link, input, w)
			}
		case "oauth":
			link := answer.links.To("scaOAuth").Href
			if link != "" && (c.bank.config.Consent.Discover || c.bank.config.OAuth.AuthorizeURL == "") {
				err := c.discover(ctx, &w, link)
				if err != nil {
					return nil, err
				}
			}
			hasNone := !hasAction(answer.links) && !c.bank.config.Consent.Explicit && answer.approach != "decoupled" && answer.approach != "embedded"
			if link != "" || c.bank.config.OAuth.AuthorizeURL != "" && hasNone && c.bank.config.Consent.Before != "user" {
				w.Stage = stageOAuth
				return c.login(ctx, input, w)
			}
		case "embedded":
			if hasAction(answer.links) || answer.approach == "embedded" || c.bank.config.Consent.Explicit {
				return c.authorisation(ctx, input, w, answer, password)
			}
		case "decoupled":
			if answer.approach == "decoupled" || answer.links.To("scaStatus").Href != "" && c.bank.config.Consent.Before != "" {
				w.AuthorisationID = lastStep(answer.links.To("scaStatus").Href)
				return c.wait(w, stageStatus, answer)
			}
		}
	}
	if state := c.bank.config.Consent.stateOf(answer.ConsentStatus); state == "valid" || state == "partiallyauthorised" {
		return c.approved(ctx, input, w, consentAnswer{})
	}
	if c.bank.config.Consent.Before == "user" {
		return c.wait(w, stageStatus, answer) // the login has approved it, or an app will
	}
	return nil, psd2.Nonsense(errNoLink)
}

// lastStep returns the last part of a path.
func lastStep(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// wait waits for an approval that happens without us.
func (c consents) wait(w way, stage string, answer consentAnswer) (bank.Step, error) {
	if w.Until.IsZero() {
		w.Until = c.bank.api.Now().UTC().Add(approvalTime)
	}
	w.Stage = stage
	return bank.Wait{After: approvalPause, Until: w.Until, Show: messagesOf(answer), State: w.secret()}, nil
}

// loginValues are the names of values in an address of the data.
func (c consents) loginValues(journey bank.Journey) map[string]string {
	return map[string]string{
		"client_id":    url.QueryEscape(c.bank.config.OAuth.ClientID),
		"redirect_uri": url.QueryEscape(c.redirectURI(journey, "")), "state": url.QueryEscape(journey.RedirectState),
	}
}

// sendTo sends the user to an address that the bank gave, or that the data write.
func (c consents) sendTo(link string, input bank.Input, w way) (bank.Step, error) {
	base, err := url.Parse(c.bank.config.BaseURL)
	if err != nil {
		return nil, psd2.Nonsense(err)
	}
	address, err := base.Parse(strings.TrimSpace(link))
	if err != nil || address.Scheme != "https" && address.Scheme != base.Scheme || address.Host == "" {
		return nil, psd2.Nonsense(errors.New("the bank sends its customers to an address that is none"))
	}
	full := withParameters(address.String(), w.fill(c.bank.config.Consent.Parameters, c.loginValues(input.Journey)))
	return bank.Address{URL: full, State: w.secret()}, nil
}

// login sends the user to the login of OAuth2.
func (c consents) login(ctx context.Context, input bank.Input, w way) (bank.Step, error) {
	oauth := c.bank.config.OAuth
	address := w.AuthorizeURL
	if address == "" {
		address = w.fill(oauth.AuthorizeURL, c.loginValues(input.Journey))
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, psd2.Nonsense(errNoLink)
	}
	query := u.Query()
	query.Set("response_type", "code")
	query.Set("client_id", oauth.ClientID)
	query.Set("redirect_uri", input.Journey.RedirectURI)
	query.Set("state", input.Journey.RedirectState)
	if oauth.Scopes != "" {
		query.Set("scope", w.fill(oauth.Scopes, nil))
	}
	if oauth.PKCE {
		sum := sha256.Sum256([]byte(input.Journey.Verifier.Reveal()))
		query.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		query.Set("code_challenge_method", "S256")
	}
	values := c.loginValues(input.Journey)
	values["code_challenge"] = query.Get("code_challenge")
	for _, pair := range strings.Split(c.bank.config.Consent.Parameters, "&") {
		name, value, _ := strings.Cut(pair, "=")
		value, err = url.QueryUnescape(w.fill(value, values))
		switch {
		case name == "" || err != nil:
		case value == "":
			query.Del(name)
		default:
			query.Set(name, value)
		}
	}
	u.RawQuery = query.Encode()
	full := u.String()
	if c.bank.config.Consent.Location {
		full, err = c.bank.api.Location(ctx, psd2.Request{Op: opConsent, Resource: full, Header: w.headers(c, opLogin, nil)}, input.PSU)
		if err != nil {
			return nil, err
		}
	}
	return bank.Address{URL: full, State: w.secret()}, nil
}

// discover reads the addresses of OAuth2 behind a link (RFC 8414).
func (c consents) discover(ctx context.Context, w *way, link string) error {
	address, err := c.onKnownHost(link)
	if err != nil {
		return err
	}
	fetched, err := c.bank.api.SendAny(ctx, bank.Call{}, psd2.Request{Op: opConsent, Resource: address})
	if err != nil {
		return err
	}
	object, err := c.bank.object(fetched)
	if err != nil {
		return err
	}
	whole := objectOf(object)
	authorize, token := word(whole, "authorization_endpoint"), word(whole, "token_endpoint")
	if c.bank.config.OAuth.AuthorizeURL == "" {
		u, err := url.Parse(authorize)
		if err != nil || u.Host == "" || u.Scheme != "https" && !strings.HasPrefix(c.bank.config.BaseURL, "http://") {
			return psd2.Nonsense(errNoLink)
		}
		w.AuthorizeURL = authorize
	}
	if c.bank.config.OAuth.TokenURL == "" {
		w.TokenURL, err = c.onKnownHost(token)
	}
	return err
}

// onKnownHost returns the address of a link, at its own host if the data name that, else at
// the host of the interface.
func (c consents) onKnownHost(link string) (string, error) {
	base, err := url.Parse(c.bank.config.BaseURL)
	if err != nil {
		return "", psd2.Nonsense(err)
	}
	u, err := base.Parse(strings.TrimSpace(link))
	if err != nil || link == "" {
		return "", psd2.Nonsense(errNoLink)
	}
	if !slices.Contains(c.bank.config.Consent.Hosts, u.Host) || u.Scheme != "https" {
		u.Scheme, u.Host = base.Scheme, base.Host
	}
	return u.String(), nil
}

// grant sends a token request, in the bank's own form if the data have one.
func (c consents) grant(ctx context.Context, w way, op, kind string, fields [][2]string) (bank.Access, error) {
	values := map[string]string{"consent_id": w.ConsentID}
	maps.Copy(values, w.Answers)
	for _, f := range fields {
		values[f[0]] = f[1]
	}
	return c.bank.tokens.Grant(ctx, psd2.Grant{
		Op: op, Address: w.TokenURL, Type: kind, Fields: fields, Form: c.bank.config.Consent.Forms[kind], Values: values,
		Scopes: w.fill(c.bank.config.OAuth.Scopes, nil),
	})
}

// clientToken gets a token of our own.
func (c consents) clientToken(ctx context.Context) (bank.Access, error) {
	return c.grant(ctx, way{}, psd2.OpClient, "client_credentials", nil)
}

// exchange exchanges the code of a return.
func (c consents) exchange(ctx context.Context, input bank.Input, w way) (bank.Access, error) {
	code, err := psd2.Code(input.Return)
	if err != nil {
		return bank.Access{}, err
	}
	fields := [][2]string{{"code", code}, {"redirect_uri", input.Journey.RedirectURI}}
	if c.bank.config.OAuth.PKCE {
		fields = append(fields, [2]string{"code_verifier", input.Journey.Verifier.Reveal()})
	}
	return c.grant(ctx, w, psd2.OpExchange, "authorization_code", fields)
}

// cameBack takes the return from the bank: with a code, or at a bank without OAuth2 with
// nothing but the user.
func (c consents) cameBack(ctx context.Context, input bank.Input, w way) (bank.Step, error) {
	if w.Stage == "" && !c.bank.config.Consent.None {
		return nil, psd2.Unexpected(input.Event)
	}
	if w.Stage == stageRedirect {
		if refusal := input.Return.Get("error"); refusal != "" {
			return nil, &bank.Failure{Kind: bank.ChallengeCancelled, BankCode: psd2.SafeText(refusal)}
		}
		return c.lookAtConsent(ctx, input, w)
	}
	token, err := c.exchange(ctx, input, w)
	if err != nil {
		return nil, err
	}
	w.Token = token
	if c.bank.config.Consent.None || c.bank.config.Consent.Check == "none" {
		return c.approved(ctx, input, w, consentAnswer{})
	}
	return c.lookAtConsent(ctx, input, w)
}

// lookAtConsent asks for the state of the consent, and goes on when it is approved.
func (c consents) lookAtConsent(ctx context.Context, input bank.Input, w way) (bank.Step, error) {
	check := c.bank.config.Consent.Check
	if check == "none" && w.Stage == stageRedirect {
		return c.approved(ctx, input, w, consentAnswer{})
	}
	if w.ConsentID == "" {
		return nil, psd2.Nonsense(errState)
	}
	part := "/status"
	if check == "consent" {
		part = ""
	}
	answer, err := c.ask(ctx, w, input.PSU, psd2.Request{Op: opConsentStatus, Resource: c.consentPath(w, part)}, nil)
	if err != nil {
		return nil, err
	}
	switch status := c.bank.config.Consent.stateOf(answer.ConsentStatus); status {
	case "", "valid", "partiallyauthorised":
		// An answer without a body has a state that only its status tells: success.
		return c.approved(ctx, input, w, answer)
	case "received":
		return c.wait(w, stageStatus, answer)
	case "rejected", "revokedbypsu", "terminatedbytpp":
		return nil, &bank.Failure{Kind: bank.ChallengeCancelled, BankCode: psd2.SafeText(status)}
	case "expired":
		return nil, &bank.Failure{Kind: bank.ChallengeTimedOut, BankCode: status}
	default:
		return nil, psd2.Nonsense(fmt.Errorf("the consent is %q", psd2.SafeText(status)))
	}
}

// mostListPages bounds the list of the accounts that a second consent names.
const mostListPages = 20

// approved ends the way, or makes the second consent after the first.
func (c consents) approved(ctx context.Context, input bank.Input, w way, answer consentAnswer) (bank.Step, error) {
	access := c.accessOfWay(w, answer)
	if len(c.bank.config.Consent.Detailed) == 0 || w.Detailed {
		return access, nil
	}
	var ibans []string
	cursor := ""
	for range mostListPages {
		page, err := c.bank.Accounts(ctx, bank.Call{Access: access, PSU: input.PSU}, cursor)
		if err != nil {
			return nil, err
		}
		for _, account := range page.Accounts {
			if account.IBAN != "" && !slices.Contains(ibans, account.IBAN) {
				ibans = append(ibans, account.IBAN)
			}
		}
		cursor = page.Next
		if cursor == "" {
			break
		}
	}
	if len(ibans) == 0 {
		return nil, psd2.Nonsense(errors.New("the first consent lists no IBAN"))
	}
	err := c.deleteConsent(ctx, w)
	if err != nil {
		return nil, err
	}
	answers := maps.Clone(w.Answers)
	if answers == nil {
		answers = map[string]string{}
	}
	answers[askIBAN] = strings.Join(ibans, ",")
	second := way{Answers: answers, Detailed: true, AuthorizeURL: w.AuthorizeURL, TokenURL: w.TokenURL}
	password := input.Journey.Credentials[askPassword]
	if c.bank.config.Consent.Before == "user" {
		second.Token = w.Token
		return c.makeConsent(ctx, input, second, password)
	}
	return c.start(ctx, input, second, password)
}

// accessOfWay returns the access at the end of the way. The bank may have shortened the
// consent.
func (c consents) accessOfWay(w way, answer consentAnswer) bank.Access {
	access := w.Token
	if c.bank.config.Consent.DataToken == "" && c.bank.config.Consent.Before == "client" && w.Stage != stageOAuth {
		access = bank.Access{} // our own token made the consent, and reads nothing
	}
	until := c.bank.today().AddDays(c.bank.config.ConsentDays)
	for _, day := range []oxlin.Date{w.ValidUntil, c.bank.dayOf(answer.ValidUntil)} {
		if !day.IsZero() && day.Before(until) {
			until = day
		}
	}
	access.UnattendedPerDay = c.frequencyOf(answer)
	access.ConsentUntil = until.AddDays(1).Midnight(c.bank.zone).UTC()
	held := consent{ID: w.ConsentID, TokenURL: w.TokenURL, Answers: c.answersForData(w.Answers)}
	if held.ID != "" || held.TokenURL != "" || len(held.Answers) > 0 {
		access.State = oxlin.NewSecret(string(marshal(held)))
	}
	return access
}

// frequencyOf returns how often a day the consent may be used without the user, if that is less
// than the bank's data say; else 0.
func (c consents) frequencyOf(answer consentAnswer) int {
	told, err := strconv.Atoi(string(answer.Frequency))
	if err != nil || told < 1 || told >= c.bank.config.UnattendedPerDay {
		return 0
	}
	return told
}

// answersForData returns the answers that paths and headers of the data need later.
func (c consents) answersForData(answers map[string]string) map[string]string {
	config := c.bank.config
	places := []string{
		config.Accounts.Path, config.Accounts.CardPath, config.Accounts.DetailsPath, config.Balances.Path, config.Balances.CardPath,
		config.Transactions.Path, config.Transactions.CardPath, config.Transactions.Query, config.Consent.Path,
	}
	for _, op := range []string{opAccounts, opDetails, opBalances, opTransactions, opDownload, opConsentDelete} {
		places = slices.AppendSeq(places, maps.Values(config.HeadersOn[op]))
	}
	kept := map[string]string{}
	for id, answer := range answers {
		isAccount := id == askIBAN // the account's own is meant
		if !isAccount && strings.Contains(strings.Join(places, " "), "{"+id+"}") {
			kept[id] = answer
		}
	}
	return kept
}

// consentPath returns the path of the consent, or of a part of it.
func (c consents) consentPath(w way, part string) string {
	return expandPath(c.bank.config.Consent.Path, w.Answers) + "/" + url.PathEscape(w.ConsentID) + part
}
