package berlingroup

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Consent describes how a user gives access. The links of the bank's answers decide what
// comes next; the data say what the standard leaves open.
//
// Texts may hold the names of values: {client_id}, {redirect_uri}, {state}, {consent_id},
// {valid_until}, and the ids of Ask.
//
// The bank's words for the states of a consent and of an authorisation count in any case, with or
// without separators, and in American spelling.
type Consent struct {
	// None is set for a bank that knows OAuth2 alone: the token is the access.
	None bool `json:"none,omitempty"`
	// Before is the token with which the consent is made: "" for none, "client" for one of our
	// own (client credentials), "user" for the user's: then the user logs in before the consent
	// (the OAuth pre-step). With DataToken "client", the token of our own also reads data.
	Before    string `json:"before,omitempty"`
	DataToken string `json:"data_token,omitempty"`
	// Ask are questions to the user before the consent: a customer number, IBANs (separated
	// by blanks or commas), a branch. Fixed credentials of the channel definition with the
	// same id answer them. The ids psu_id and password have their place in the standard.
	Ask []Question `json:"ask,omitempty"`
	// Access is the member access of the request, {"allPsd2": "allAccounts"} by default. An
	// element of a list that holds {iban} is repeated for each IBAN.
	Access json.RawMessage `json:"access,omitempty"`
	// Detailed is the member access of a second consent, for a bank that gives data only for accounts
	// that a consent names: the first consent lists them, and is deleted. {iban} stands for
	// their IBANs, as in Access.
	Detailed json.RawMessage `json:"detailed,omitempty"`
	// Body are further members of the request, or others in the place of the usual ones; null
	// leaves one out.
	Body map[string]json.RawMessage `json:"body,omitempty"`
	// ValidUntil is a fixed day, such as 9999-12-31; by default ConsentDays from today.
	ValidUntil string `json:"valid_until,omitempty"`
	// FrequencyPerDay is UnattendedPerDay by default.
	FrequencyPerDay int `json:"frequency_per_day,omitempty"`
	// Path is /consents by default, and the paths of one consent and of its parts follow it.
	Path string `json:"path,omitempty"`
	// RedirectState is "query", the default, where the redirect address that the bank gets
	// holds the state; "none" for a bank that takes registered addresses alone, or OAuth2
	// brings the state.
	RedirectState string `json:"redirect_state,omitempty"`
	// Login is the address to which the user is sent if the answer has no link; by default
	// that of OAuth2. Parameters are added to the address of a link, and to that of OAuth2,
	// as in a query: consentId={consent_id}. At that of OAuth2 they replace those of their
	// name, and an empty one leaves it out: response_type=CODE&scope=. They may hold
	// {code_challenge} there.
	Login      string `json:"login,omitempty"`
	Parameters string `json:"parameters,omitempty"`
	// Location is set if the address of OAuth2 is called by us first, and answers with that
	// of the login page in its header of that name.
	Location bool `json:"location,omitempty"`
	// Prefer orders the approaches if an answer offers several: redirect, oauth, embedded,
	// decoupled; in this order by default.
	Prefer []string `json:"prefer,omitempty"`
	// Method is the type or the id of the method that is chosen without a question, if the
	// bank offers it.
	Method string `json:"method,omitempty"`
	// FollowLinks takes the paths of authorisations from links; by default they are built
	// from the ids.
	FollowLinks bool `json:"follow_links,omitempty"`
	// Check is how the consent is looked at after the approval: "status", the default, asks
	// for its status, "consent" for the whole, which also tells until when it is valid; with
	// "none" the first call for data tells.
	Check string `json:"check,omitempty"`
	// Members say where the answers about a consent have the standard's members, such as
	// consentId or consentStatus. Words maps words of the bank for the state of a consent or of an authorisation to
	// the standard's, such as valid or finalised.
	Members Members           `json:"members,omitempty"`
	Words   map[string]string `json:"words,omitempty"`
	// Explicit begins an authorisation after the consent was made, also if no link of the answer asks
	// for it.
	Explicit bool `json:"explicit,omitempty"`
	// Keep leaves the consent at the bank when the access ends, for a bank that cannot delete
	// it.
	Keep bool `json:"keep,omitempty"`
	// Discover takes the addresses of OAuth2 from the link scaOAuth, as it is also done where
	// the data have no authorize_url. Hosts are those to which
	// links may lead beside the host of base_url; a link to another one is asked for there.
	Discover bool     `json:"discover,omitempty"`
	Hosts    []string `json:"hosts,omitempty"`
	// Forms are whole forms for the token endpoint, in the bank's order, by grant:
	// authorization_code, refresh_token, client_credentials. They hold {code},
	// {refresh_token}, {code_verifier}, {client_secret} and {scopes} too. One that begins with
	// a question mark is sent as the query of the address.
	Forms map[string]string `json:"forms,omitempty"`
}

// Question is a question to the user before the consent.
type Question struct {
	ID     oxlin.CredentialID   `json:"id"`
	Label  string               `json:"label"`
	Regexp string               `json:"regexp,omitempty"`
	Type   oxlin.CredentialType `json:"type,omitempty"`
}

// The questions that the standard has a place for.
const (
	askPSUID    = "psu_id"
	askPassword = "password"
	askIBAN     = "iban"
)

var approaches = []string{"redirect", "oauth", "embedded", "decoupled"}

func (c Consent) withDefaults() Consent {
	if len(c.Access) == 0 {
		c.Access = json.RawMessage(`{"allPsd2":"allAccounts"}`)
	}
	if c.Path == "" {
		c.Path = "/consents"
	}
	if len(c.Prefer) == 0 {
		c.Prefer = approaches
	}
	if c.Check == "" {
		c.Check = "status"
	}
	return c
}

func (c Consent) check(at datafile.Node, usesOAuth bool) {
	psd2.CheckOneOf(at.Member("before"), c.Before, "", "client", "user")
	psd2.CheckOneOf(at.Member("data_token"), c.DataToken, "", "client")
	psd2.CheckOneOf(at.Member("check"), c.Check, "", "status", "consent", "none")
	psd2.CheckOneOf(at.Member("redirect_state"), c.RedirectState, "", "query", "none")
	for i, approach := range c.Prefer {
		psd2.CheckOneOf(at.Member("prefer").Item(i), approach, approaches...)
	}
	for i, q := range c.Ask {
		at := at.Member("ask").Item(i)
		at.Member("id").Check(q.ID != "", "a value is missing")
		at.Member("label").Check(q.Label != "", "a value is missing")
		_, err := regexp.Compile(q.Regexp)
		at.Member("regexp").Check(err == nil, "%v", err)
	}
	if c.ValidUntil != "" {
		_, err := time.Parse(time.DateOnly, c.ValidUntil)
		at.Member("valid_until").Check(err == nil, "%q is not a day", c.ValidUntil)
	}
	at.Member("detailed").Check(len(c.Detailed) == 0 || !c.None && strings.Contains(string(c.Detailed), "{iban}"), "want a consent, and a place for {iban}")
	checkPath(at.Member("path"), c.Path, false)
	for _, word := range slices.Sorted(maps.Keys(c.Words)) {
		psd2.CheckOneOf(at.Member("words").Member(word), lettersOf(c.Words[word]), states...)
	}
	for _, grant := range slices.Sorted(maps.Keys(c.Forms)) {
		psd2.CheckOneOf(at.Member("forms").Member(grant), grant, "authorization_code", "refresh_token", "client_credentials")
	}
	needsOAuth := c.None || c.Before != "" || c.Discover || c.DataToken != ""
	at.Check(!needsOAuth || usesOAuth, "the members of oauth are missing")
}

// consentBody returns the request for a consent, in the standard's order: some banks, and
// all recordings, compare texts.
func (c consents) consentBody(w way, once bool) (json.RawMessage, error) {
	config := c.bank.config.Consent
	access, err := c.accessOf(w)
	if err != nil {
		return nil, err
	}
	frequency := config.FrequencyPerDay
	if frequency == 0 {
		frequency = c.bank.config.UnattendedPerDay
	}
	if once {
		frequency = 1
	}
	members := []struct {
		name  string
		value json.RawMessage
	}{
		{"access", access},
		{"recurringIndicator", json.RawMessage(strconv.FormatBool(!once))},
		{"validUntil", text(w.ValidUntil.String())},
		{"frequencyPerDay", json.RawMessage(strconv.Itoa(frequency))},
		{"combinedServiceIndicator", json.RawMessage("false")},
	}
	var parts []string
	for _, m := range members {
		value, given := config.Body[m.name]
		if !given {
			value = m.value
		}
		if string(value) != "null" {
			parts = append(parts, string(text(m.name))+":"+string(value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config.Body)) {
		usual := slices.ContainsFunc(members, func(m struct {
			name  string
			value json.RawMessage
		}) bool {
			return m.name == name
		})
		if !usual {
			parts = append(parts, string(text(name))+":"+string(config.Body[name]))
		}
	}
	return json.RawMessage("{" + strings.Join(parts, ",") + "}"), nil
}

// accessOf fills the member access with the IBANs of the answers.
func (c consents) accessOf(w way) (json.RawMessage, error) {
	raw := c.bank.config.Consent.Access
	if w.Detailed {
		raw = c.bank.config.Consent.Detailed
	}
	if !strings.Contains(string(raw), "{iban}") {
		return raw, nil
	}
	var ibans []string
	for _, word := range strings.FieldsFunc(w.Answers[askIBAN], func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		iban, ok := notation.IBAN(word).Told()
		if !ok {
			return nil, &bank.Failure{Kind: bank.CredentialsRejected, Err: fmt.Errorf("an IBAN of the consent is none")}
		}
		ibans = append(ibans, iban)
	}
	if len(ibans) == 0 {
		return nil, &bank.Failure{Kind: bank.CredentialsRejected, Err: fmt.Errorf("the bank wants the IBAN of the account")}
	}
	return repeated(raw, ibans), nil
}

// repeated returns JSON in which each element of a list with {iban} is there once for each
// IBAN, and other places have the first.
func repeated(raw json.RawMessage, ibans []string) json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		all := []json.RawMessage{}
		for _, element := range list {
			if !strings.Contains(string(element), "{iban}") {
				all = append(all, element)
				continue
			}
			for _, iban := range ibans {
				all = append(all, repeated(element, []string{iban}))
			}
		}
		return marshal(all)
	}
	object, ok := psd2.ReadObject(raw)
	if !ok {
		return json.RawMessage(strings.ReplaceAll(string(raw), "{iban}", ibans[0]))
	}
	for name, value := range object {
		object[name] = repeated(value, ibans)
	}
	return objectOf(object)
}

func marshal(value any) json.RawMessage {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts and JSON always marshal
	}
	return raw
}

// consentAnswer is the bank's answer to a request for a consent, or to a step of its
// authorisation.
type consentAnswer struct {
	ConsentID       psd2.ID         `json:"consentId"`
	ConsentStatus   psd2.Text       `json:"consentStatus"`
	AuthorisationID psd2.ID         `json:"authorisationId"`
	SCAStatus       psd2.Text       `json:"scaStatus"`
	Methods         json.RawMessage `json:"scaMethods"`
	Chosen          json.RawMessage `json:"chosenScaMethod"`
	Challenge       json.RawMessage `json:"challengeData"`
	PSUMessage      psd2.Text       `json:"psuMessage"`
	ValidUntil      psd2.Written    `json:"validUntil"`
	Frequency       psd2.ID         `json:"frequencyPerDay"`

	links    psd2.Links
	approach string
	location string
}

// states are the standard's states of consents and authorisations that mean something here.
var states = []string{
	"received", "valid", "partiallyauthorised", "rejected", "revokedbypsu", "terminatedbytpp", "expired",
	"started", "finalised", "exempted", "failed",
}

// lettersOf returns the small letters of a word, in British spelling.
func lettersOf(word string) string {
	letters := strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, strings.ToLower(word))
	return strings.NewReplacer("authorized", "authorised", "finalized", "finalised").Replace(letters)
}

// stateOf returns the standard's word, in small letters, for a state that the bank writes.
func (c Consent) stateOf(written psd2.Text) string {
	for word, state := range c.Words {
		if strings.EqualFold(word, strings.TrimSpace(string(written))) {
			return lettersOf(state)
		}
	}
	return lettersOf(string(written))
}

// consentIDIn returns the id of a consent at the end of the address of what was made; empty without one.
func consentIDIn(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	_, id, found := strings.Cut(u.Path, "/consents/")
	if !found || strings.Contains(id, "/") {
		return ""
	}
	return id
}

// consents takes the steps of the way in, and ends it.
type consents struct{ bank *Connector }

// ask sends a request of the way in and reads its answer.
func (c consents) ask(ctx context.Context, w way, psu *oxlin.PSU, r psd2.Request, headers map[string]string) (answer consentAnswer, err error) {
	call := bank.Call{Access: w.access(), PSU: psu}
	r.Header = w.headers(c, r.Op, headers)
	fetched, err := c.bank.api.SendAny(ctx, call, r)
	if err != nil {
		return answer, err
	}
	answer.approach = strings.ToLower(fetched.Header.Get("ASPSP-SCA-Approach"))
	answer.location = fetched.Header.Get("Location")
	if fetched.IsEmpty() {
		return answer, nil
	}
	object, err := c.bank.object(fetched)
	if err != nil {
		return answer, err
	}
	whole := c.bank.config.Consent.Members.standard(objectOf(object))
	err = json.Unmarshal(whole, &answer)
	if err != nil {
		return answer, psd2.Nonsense(psd2.DescribeJSON(err))
	}
	standard, _ := psd2.ReadObject(whole)
	answer.links = linksOf(fetched, standard)
	return answer, nil
}

// refresh is Connector.Refresh.
func (c consents) refresh(ctx context.Context, access bank.Access) (bank.Access, error) {
	held := consentOf(access)
	w := way{ConsentID: held.ID, TokenURL: held.TokenURL, Answers: held.Answers}
	renewed := bank.Access{}
	var err error
	switch {
	case c.bank.config.Consent.DataToken == "client":
		renewed, err = c.clientToken(ctx)
	case access.RefreshToken.IsZero():
		return bank.Access{}, &bank.Failure{Kind: bank.AccessLost, Err: errNoRefresh}
	default:
		renewed, err = c.grant(ctx, w, psd2.OpRefresh, "refresh_token", [][2]string{{"refresh_token", access.RefreshToken.Reveal()}})
	}
	if err != nil {
		return bank.Access{}, err
	}
	if renewed.RefreshToken.IsZero() {
		renewed.RefreshToken = access.RefreshToken
	}
	renewed.ConsentUntil, renewed.UnattendedPerDay, renewed.State = access.ConsentUntil, access.UnattendedPerDay, access.State
	renewed.Refreshed = c.bank.config.Consent.DataToken == "" || access.Refreshed
	return renewed, nil
}

// revoke is Connector.Revoke.
func (c consents) revoke(ctx context.Context, access bank.Access) error {
	held := consentOf(access)
	w := way{ConsentID: held.ID, TokenURL: held.TokenURL, Answers: held.Answers, Token: access}
	err := c.deleteConsent(ctx, w)
	if err != nil || held.Replaced || c.bank.config.OAuth.RevokeURL == "" || access.Token.IsZero() {
		return err
	}
	return c.bank.tokens.Revoke(ctx, access)
}

// replaced is Connector.Replaced. The token that came with the consent deletes it, or the new one if that
// has ended.
func (c consents) replaced(old, renewed bank.Access) (left bank.Access, ok bool) {
	held := consentOf(old)
	if held.ID == "" || held.ID == consentOf(renewed).ID || c.bank.config.Consent.Keep {
		return left, false
	}
	held.Replaced = true
	left = bank.Access{Token: old.Token, State: oxlin.NewSecret(string(marshal(held)))}
	if !old.TokenUntil.IsZero() && !c.bank.api.Now().Before(old.TokenUntil) {
		left.Token = renewed.Token
	}
	return left, true
}

// discard is Connector.Discard.
func (c consents) discard(ctx context.Context, state oxlin.Secret) error {
	w, err := readWay(state)
	if err != nil || w.Earlier {
		return err
	}
	return c.deleteConsent(ctx, w)
}

func (c consents) deleteConsent(ctx context.Context, w way) error {
	if w.ConsentID == "" || c.bank.config.Consent.Keep {
		return nil
	}
	if c.bank.config.Consent.DataToken == "client" || w.Token.Token.IsZero() && c.bank.config.Consent.Before == "client" {
		token, err := c.clientToken(ctx)
		if err != nil {
			return err
		}
		w.Token = token
	}
	_, err := c.ask(ctx, w, nil, psd2.Request{Op: opConsentDelete, Method: http.MethodDelete, Resource: c.consentPath(w, "")}, nil)
	failure, failed := err.(*bank.Failure)
	if failed && (failure.Kind == bank.AccessLost || failure.Status == http.StatusNotFound || failure.Status == http.StatusBadRequest) {
		return nil // it has ended, or is unknown
	}
	return err
}
