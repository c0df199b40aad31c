package widget

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/oxlin/oxlin"
)

// parameters configure a flow (contract §6.3).
type parameters struct {
	// ReturnURL is the final redirect, CancelURL the one after a cancellation.
	// CallbackURL is the client's page to which the user returns from the bank.
	ReturnURL, CancelURL, CallbackURL string
	ProviderID                        oxlin.ProviderID
	DefinitionID                      oxlin.ChannelDefinitionID
	ConnectionID                      oxlin.ConnectionID
	// WaitSyncEnd keeps the user until the synchronisation ends.
	WaitSyncEnd      bool
	SelectAccounts   bool
	MultipleChannels bool
	SelectChannel    bool
	// Expected is PAYMENT, OTHER, ALL, or empty.
	Expected string
	AutoSync bool
	// Countries are ISO 3166-1 alpha-3; none means all.
	Countries []string
	// CongratsDelay is the delay of the last redirect in seconds; -1 for the default.
	CongratsDelay int
	TermsHeader   string
	// TermsBody is the client's text of the consent. SkipConsent is set if the parameter
	// is present and empty: the client asks for the consent itself.
	TermsBody   string
	SkipConsent bool
	// Language is the value of lng or locale.
	Language string
	Theme    oxlin.Theme
	HideLogo bool
}

// mostCongratsSeconds bounds CongratsDelay.
const mostCongratsSeconds = 3600

// mostHeader bounds TermsHeader in bytes.
const mostHeader = 10000

// synonyms are pairs of equivalent names. If both are present, the second applies
// (contract §9, rows 1, 7 and 8).
var synonyms = [][2]string{
	{"redirect_uri", "redirect_url"}, {"lng", "locale"}, {"captive_mode", "wait_sync_end"}, {"consent_per_account", "select_accounts"},
}

// known are the canonical names of all parameters.
var known = []string{
	"redirect_url", "cancel_url", "aspsp_callback_uri", "provider_id", "channel_definition_id", "connection_id", "wait_sync_end",
	"select_accounts", "multiple_channels", "select_channel", "expected_account_types", "auto_sync", "countries",
	"congrats_bypass_delay", "terms_header", "terms_body", "locale", "font", "font_color", "elements_color", "hide_logo",
}

// canonical returns the known parameters of a query under their canonical names.
func canonical(values url.Values) url.Values {
	kept := url.Values{}
	for _, pair := range synonyms {
		for _, name := range pair {
			if values.Has(name) {
				kept.Set(pair[1], values.Get(name))
			}
		}
	}
	for _, name := range known {
		if values.Has(name) {
			kept[name] = values[name]
		}
	}
	return kept
}

// cosmetic parameters change how pages look, and only a licensed client may use them. For
// other clients they are ignored, valid or not, so that a page that a client has styled in
// vain still works (contract §12.6).
var cosmetic = []string{"font", "font_color", "elements_color", "hide_logo", "terms_header"}

// dropCosmetics removes the parameters that a client's agreement does not cover, and
// returns their names.
func dropCosmetics(client oxlin.Client, values url.Values) []string {
	if client.Licensed {
		return nil
	}
	var ignored []string
	for _, name := range cosmetic {
		if values.Get(name) != "" {
			ignored = append(ignored, name)
		}
		values.Del(name)
	}
	return ignored
}

// warnings tells an integrator, not a user, which parameters are ignored.
func warnings(ignored []string) []string {
	var all []string
	for _, name := range ignored {
		all = append(all, "The parameter "+name+" is ignored: it needs a PSD2 agreement of your own.")
	}
	return all
}

// asSent names the invalid parameter as the client did, which may use an older name.
func asSent(err error, sent url.Values) error {
	var fault *oxlin.Error
	if !errors.As(err, &fault) {
		return err
	}
	name := nameSent(fault.Field, sent)
	if name == fault.Field {
		return err
	}
	return oxlin.Invalid(name, "%s", strings.ReplaceAll(fault.Message, fault.Field, name))
}

// nameSent returns the name under which the client sent a parameter.
func nameSent(name string, sent url.Values) string {
	for _, pair := range synonyms {
		if name == pair[1] && !sent.Has(pair[1]) && sent.Has(pair[0]) {
			return pair[0]
		}
	}
	return name
}

// merged returns the parameters of a session, overridden by those of the address.
func merged(session, address url.Values) url.Values {
	all := canonical(session)
	for name, values := range canonical(address) {
		all[name] = values
	}
	return all
}

// parse reads canonical parameters. An invalid one is CodeInvalidRequest with its name;
// the result then still has all valid parameters.
func parse(values url.Values) (parameters, error) {
	var failure error
	fail := func(name, why string) {
		if failure == nil {
			failure = oxlin.Invalid(name, "The parameter %s %s.", name, why)
		}
	}
	flag := func(name string, otherwise bool) bool {
		if values.Get(name) == "" {
			return otherwise
		}
		value, err := strconv.ParseBool(values.Get(name))
		if err != nil {
			fail(name, "is true or false")
			return otherwise
		}
		return value
	}
	p := parameters{
		ReturnURL: values.Get("redirect_url"), CancelURL: values.Get("cancel_url"), CallbackURL: values.Get("aspsp_callback_uri"),
		ProviderID:     oxlin.ProviderID(values.Get("provider_id")),
		DefinitionID:   oxlin.ChannelDefinitionID(values.Get("channel_definition_id")),
		WaitSyncEnd:    flag("wait_sync_end", true),
		SelectAccounts: flag("select_accounts", false), MultipleChannels: flag("multiple_channels", false),
		SelectChannel: flag("select_channel", false), AutoSync: flag("auto_sync", true),
		Expected:    strings.ToUpper(values.Get("expected_account_types")),
		TermsHeader: values.Get("terms_header"), TermsBody: values.Get("terms_body"),
		SkipConsent: values.Has("terms_body") && values.Get("terms_body") == "",
		Language:    values.Get("locale"), CongratsDelay: -1,
		Theme:    themeOf(values),
		HideLogo: flag("hide_logo", false),
	}
	if id := values.Get("connection_id"); id != "" {
		var ok bool
		p.ConnectionID, ok = oxlin.ParseID[oxlin.ConnectionID](id)
		if !ok {
			fail("connection_id", "names no connection")
		}
	}
	if !slices.Contains([]string{"", "PAYMENT", "OTHER", "ALL"}, p.Expected) {
		p.Expected = ""
		fail("expected_account_types", "is PAYMENT, OTHER or ALL")
	}
	if seconds := values.Get("congrats_bypass_delay"); seconds != "" {
		n, err := strconv.Atoi(seconds)
		if err != nil || n < 0 || n > mostCongratsSeconds {
			fail("congrats_bypass_delay", "is a number of seconds from 0 to "+strconv.Itoa(mostCongratsSeconds))
		} else {
			p.CongratsDelay = n
		}
	}
	for _, name := range strings.FieldsFunc(strings.Join(values["countries"], ","), func(r rune) bool { return r == ',' || r == ' ' }) {
		region, err := language.ParseRegion(name)
		if err != nil {
			fail("countries", "is a list of country codes")
			continue
		}
		p.Countries = append(p.Countries, region.ISO3())
	}
	if len(p.TermsHeader) > mostHeader {
		fail("terms_header", "has at most "+strconv.Itoa(mostHeader)+" bytes")
	}
	err := p.Theme.Check()
	if err != nil && failure == nil {
		failure = err
	}
	return p, failure
}

// needsAgreement returns the first parameter that requires a licensed client and cannot be
// ignored, because it decides about the user's consent.
func (p parameters) needsAgreement() string {
	switch {
	case p.SelectAccounts:
		return "select_accounts"
	case p.TermsBody != "" || p.SkipConsent:
		return "terms_body"
	}
	return ""
}

// refusal returns why a provider cannot use the channel that the client requires; the
// result is empty if it can.
func (p parameters) refusal(provider oxlin.Provider) (result, description string) {
	if p.DefinitionID == "" {
		return "", ""
	}
	definition, known := provider.Definition(p.DefinitionID)
	switch {
	case !known:
		return "invalid_channel_definition", "The provider has no channel definition " + string(p.DefinitionID) + "."
	case p.Expected == "OTHER" && definition.Mode != oxlin.ModeEmbedded:
		return "invalid_request", "The parameter expected_account_types asks for EMBEDDED, and channel_definition_id for another channel."
	}
	return "", ""
}

// consentVersion returns the version of the consent text for the evidence: the standard
// text or the client's own.
func (p parameters) consentVersion() string {
	if p.TermsHeader != "" || p.TermsBody != "" {
		sum := sha256.Sum256([]byte(p.TermsHeader + "\x00" + p.TermsBody))
		return oxlin.ConsentTextOfClient + ":" + hex.EncodeToString(sum[:8])
	}
	return oxlin.ConsentTextVersion
}
