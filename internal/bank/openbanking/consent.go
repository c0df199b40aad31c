package openbanking

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// Consent describes the consent that is made at the bank before the user is sent there.
type Consent struct {
	// Permissions are the kinds of data that are asked for; by default those that are read.
	Permissions []string `json:"permissions,omitempty"`
	// Scope is that of our own token; accounts by default.
	Scope string `json:"scope,omitempty"`
	// ExpirationDays sets ExpirationDateTime so many days ahead; 0 leaves it out, and the
	// consent has no end at the bank.
	ExpirationDays int `json:"expiration_days,omitempty"`
	// HistoryDays sets TransactionFromDateTime so many days back, and FutureDays sets
	// TransactionToDateTime so many days ahead; 0 leaves them out.
	HistoryDays int `json:"history_days,omitempty"`
	FutureDays  int `json:"future_days,omitempty"`
	// DateFormat is how these times are written, as in History.DateFormat; "offset" by
	// default.
	DateFormat string `json:"date_format,omitempty"`
	// Body holds members that the request has beside its usual ones or in their place, object by object; null
	// leaves a member out, such as {"Risk": null}.
	Body map[string]any `json:"body,omitempty"`
	// Reconfirm is set for a bank whose consents do not end: a renewal asks the bank only
	// whether its consent still lasts, and the user need not go there.
	Reconfirm bool `json:"reconfirm,omitempty"`
	// Reauthenticate is set for a bank at which the user logs in again for the consent of before: a renewal
	// makes another one only if that no longer lasts.
	Reauthenticate bool `json:"reauthenticate,omitempty"`
	// Undeletable is set for a bank that cannot delete a consent.
	Undeletable bool `json:"undeletable,omitempty"`
	// URL is the address of the consents if it is not below base_url.
	URL string `json:"url,omitempty"`
}

const opConsents = "consents"

func (k Consent) check(at datafile.Node) {
	for _, days := range []struct {
		name  string
		value int
	}{{"expiration_days", k.ExpirationDays}, {"history_days", k.HistoryDays}, {"future_days", k.FutureDays}} {
		at.Member(days.name).Check(days.value >= 0, "%d is negative", days.value)
	}
	at.Member("reauthenticate").Check(!k.Reauthenticate || k.ExpirationDays == 0, "a consent that ends needs another one")
	at.Member("reconfirm").Check(!k.Reconfirm || k.ExpirationDays == 0, "a consent that ends cannot be reconfirmed")
	_, err := psd2.NewDateForm(k.DateFormat)
	at.Member("date_format").Check(err == nil && k.DateFormat != none, "%q is not a form of dates", k.DateFormat)
	for i, permission := range k.Permissions {
		at.Member("permissions").Item(i).Check(strings.HasPrefix(permission, "Read"), "%q is not a permission", permission)
	}
	if k.URL != "" {
		at.Member("url").CheckAddress(k.URL)
	}
}

// permissions returns the permissions that a bank is asked for.
func (c *Connector) permissions() []string {
	if len(c.config.Consent.Permissions) > 0 {
		return c.config.Consent.Permissions
	}
	asked := []string{"ReadAccountsDetail", "ReadBalances", "ReadTransactionsCredits", "ReadTransactionsDebits", "ReadTransactionsDetail"}
	switch c.config.Owner {
	case "party":
		asked = append(asked, "ReadPartyPSU")
	case "account_party", "account_parties":
		asked = append(asked, "ReadParty")
	}
	return asked
}

// consentRequest is OBReadConsent1.
type consentRequest struct {
	Data struct {
		Permissions []string `json:"Permissions"`
		Expiration  string   `json:"ExpirationDateTime,omitempty"`
		From        string   `json:"TransactionFromDateTime,omitempty"`
		To          string   `json:"TransactionToDateTime,omitempty"`
	} `json:"Data"`
	Risk struct{} `json:"Risk"`
}

// consentRecord is the consent as a bank writes it.
type consentRecord struct {
	ID psd2.ID `json:"ConsentId"`
	// RequestID is the id's name before version 3.
	RequestID  psd2.ID      `json:"AccountRequestId"`
	Status     psd2.Text    `json:"Status"`
	Expiration psd2.Written `json:"ExpirationDateTime"`
}

// until returns when the bank ends the consent; zero if it does not say.
func (r consentRecord) until(c *Connector) time.Time {
	day, ok := psd2.Read(r.Expiration, convention.Day).Told()
	if !ok {
		return time.Time{}
	}
	return day.Instant(c.zone)
}

// The states of a consent, as the versions write them.
var (
	endedConsents = []string{"Rejected", "RJCT", "Revoked", "CANC", "EXPD", "Expired"}
	givenConsents = []string{"Authorised", "AUTH"}
)

// ownCall returns a call with our own access, without a user's.
func (c *Connector) ownCall(ctx context.Context, psu *oxlin.PSU) (bank.Call, error) {
	access, err := c.ClientCredentials(ctx, cmp.Or(c.config.Consent.Scope, "accounts"))
	return bank.Call{Access: access, PSU: psu}, err
}

// sendConsent sends a request about consents. Our own access needs no user, so a refusal of
// it is not an end of theirs.
func (c *Connector) sendConsent(ctx context.Context, call bank.Call, request psd2.Request, into any) error {
	request.Op = opConsents
	err := c.consents.Send(ctx, call, request, into)
	var failure *bank.Failure
	if errors.As(err, &failure) && failure.Kind == bank.AccessLost {
		failure.Kind = bank.Refused
	}
	return err
}

// withMembers returns a body with the members of the bank's data.
func withMembers(body any, own map[string]any) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, psd2.Nonsense(err)
	}
	var members map[string]any
	err = json.Unmarshal(text, &members)
	if err != nil {
		return nil, psd2.Nonsense(err)
	}
	return changed(members, own), nil
}

// changed returns an object with the members of another one, object by object; null leaves one out.
func changed(members, own map[string]any) map[string]any {
	for name, value := range own {
		inner, isObject := value.(map[string]any)
		before, wasObject := members[name].(map[string]any)
		switch {
		case value == nil:
			delete(members, name)
		case isObject && wasObject:
			members[name] = changed(before, inner)
		default:
			members[name] = value
		}
	}
	return members
}

// makeConsent makes a consent at the bank, which waits for the user.
func (c *Connector) makeConsent(ctx context.Context, psu *oxlin.PSU) (consentRecord, error) {
	call, err := c.ownCall(ctx, psu)
	if err != nil {
		return consentRecord{}, err
	}
	form, err := psd2.NewDateForm(cmp.Or(c.config.Consent.DateFormat, "offset"))
	if err != nil {
		return consentRecord{}, psd2.Nonsense(err)
	}
	var body consentRequest
	body.Data.Permissions = c.permissions()
	today := oxlin.DateIn(c.api.Now(), c.dateZone)
	for _, day := range []struct {
		into *string
		days int
	}{
		{&body.Data.Expiration, c.config.Consent.ExpirationDays}, {&body.Data.From, -c.config.Consent.HistoryDays},
		{&body.Data.To, c.config.Consent.FutureDays},
	} {
		if day.days != 0 {
			*day.into = form.Write(today.AddDays(day.days).Midnight(c.dateZone), c.dateZone)
		}
	}
	var answer struct {
		Data psd2.Optional[consentRecord] `json:"Data"`
	}
	request := psd2.Request{Method: http.MethodPost, Resource: c.path("consents", ""), Body: body}
	if len(c.config.Consent.Body) > 0 {
		request.Body, err = withMembers(body, c.config.Consent.Body)
		if err != nil {
			return consentRecord{}, err
		}
	}
	err = c.sendConsent(ctx, call, request, &answer)
	if err != nil {
		return consentRecord{}, err
	}
	consent := answer.Data.Value
	consent.ID = psd2.First(consent.ID, consent.RequestID)
	switch {
	case consent.ID == "":
		return consentRecord{}, psd2.Nonsense(errors.New("the bank gave its consent no id"))
	case slices.Contains(endedConsents, string(consent.Status)):
		return consentRecord{}, &bank.Failure{Kind: bank.Refused, BankCode: string(consent.Status)}
	}
	return consent, nil
}

// reconfirm extends an access whose consent the bank has not ended: British users confirm it
// every 90 days with us, not with their bank. ok is false if the user must go to the bank.
func (c *Connector) reconfirm(ctx context.Context, journey bank.Journey) (access bank.Access, ok bool, err error) {
	var state accessState
	if journey.Access.State.IsZero() || decodeState(journey.Access.State, &state) != nil || state.Consent == "" {
		return bank.Access{}, false, nil
	}
	lasting := !journey.Access.RefreshToken.IsZero() || journey.Access.TokenUntil.IsZero() ||
		journey.Access.TokenUntil.After(c.api.Now().AddDate(0, 0, c.config.ConsentDays))
	if !lasting {
		return bank.Access{}, false, nil
	}
	_, ok, err = givenConsent(ctx, c, state.Consent)
	if err != nil || !ok {
		return bank.Access{}, false, err
	}
	access = journey.Access
	access.ConsentUntil = c.api.Now().UTC().AddDate(0, 0, c.config.ConsentDays)
	return access, true, nil
}

// givenConsent asks the bank for a consent. ok is false if the user has not given it, has taken it back, or
// the bank no longer knows it.
func givenConsent(ctx context.Context, c *Connector, id string) (consent consentRecord, ok bool, err error) {
	call, err := c.ownCall(ctx, nil)
	if err != nil {
		return consentRecord{}, false, err
	}
	var answer struct {
		Data psd2.Optional[consentRecord] `json:"Data"`
	}
	err = c.sendConsent(ctx, call, psd2.Request{Resource: c.path("consent", id)}, &answer)
	if isRefusal(err) {
		return consentRecord{}, false, nil
	}
	if err != nil {
		return consentRecord{}, false, err
	}
	return answer.Data.Value, slices.Contains(givenConsents, string(answer.Data.Value.Status)), nil
}

// earlierConsent returns the id of the consent of an access that is renewed, if the user logs in again for it;
// empty if they need another one.
func earlierConsent(ctx context.Context, c *Connector, journey bank.Journey) (string, error) {
	var state accessState
	if !c.config.Consent.Reauthenticate || journey.Access.State.IsZero() || decodeState(journey.Access.State, &state) != nil || state.Consent == "" {
		return "", nil
	}
	consent, ok, err := givenConsent(ctx, c, state.Consent)
	until := consent.until(c)
	if err != nil || !ok || !until.IsZero() && until.Before(c.api.Now().AddDate(0, 0, c.config.ConsentDays)) {
		return "", err
	}
	return state.Consent, nil
}

// Revoke deletes the consent at the bank, and its tokens if the bank has an address for
// that.
func (c *Connector) Revoke(ctx context.Context, access bank.Access) error {
	var state accessState
	if !access.State.IsZero() {
		err := decodeState(access.State, &state)
		if err != nil {
			return err
		}
	}
	err := deleteConsent(ctx, c, state.Consent)
	if err != nil {
		return err
	}
	return c.Authorizer.Revoke(ctx, access)
}

// Replaced returns the consent of an access if a renewal has made another one. Our own token deletes it.
func (c *Connector) Replaced(old, renewed bank.Access) (left bank.Access, ok bool) {
	var before, now accessState
	if old.State.IsZero() || decodeState(old.State, &before) != nil || renewed.State.IsZero() || decodeState(renewed.State, &now) != nil {
		return left, false
	}
	return bank.Access{State: old.State}, before.Consent != "" && before.Consent != now.Consent
}

// SharesConsent reports whether two accesses are of one consent, as after a login for that of before.
func (c *Connector) SharesConsent(a, b bank.Access) bool {
	var one, other accessState
	if a.State.IsZero() || decodeState(a.State, &one) != nil || b.State.IsZero() || decodeState(b.State, &other) != nil {
		return false
	}
	return one.Consent != "" && one.Consent == other.Consent
}

// Discard deletes a consent that the user has not given.
func (c *Connector) Discard(ctx context.Context, state oxlin.Secret) error {
	var w way
	err := decodeState(state, &w)
	if err != nil {
		return err
	}
	if w.Earlier {
		return nil
	}
	return deleteConsent(ctx, c, w.Consent)
}

// goneCodes are the codes of a bank that no longer has a consent.
var goneCodes = []string{"UK.OBIE.Resource.NotFound", "UK.OBIE.Resource.InvalidConsentStatus", "UK.OBIE.NotFound"}

// deleteConsent deletes a consent. One that the bank does not have is deleted already.
func deleteConsent(ctx context.Context, c *Connector, id string) error {
	if id == "" || c.config.Consent.Undeletable {
		return nil
	}
	call, err := c.ownCall(ctx, nil)
	if err != nil {
		return err
	}
	err = c.sendConsent(ctx, call, psd2.Request{Method: http.MethodDelete, Resource: c.path("consent", id)}, nil)
	var failure *bank.Failure
	if errors.As(err, &failure) && !failure.Transient() &&
		(failure.Status == http.StatusNotFound || failure.Status == http.StatusGone || slices.Contains(goneCodes, failure.BankCode)) {
		return nil
	}
	return err
}
