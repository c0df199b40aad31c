package oxlin

import (
	"slices"
	"strings"
)

// Mode is the kind of a channel.
type Mode string

const (
	// ModeRedirect uses the bank's PSD2 interface, authorized by OAuth2.
	ModeRedirect Mode = "REDIRECT"
	// ModeEmbedded uses the bank's web site with the user's credentials.
	ModeEmbedded Mode = "EMBEDDED"
)

// Provider is a bank in the catalogue (contract §4.2).
type Provider struct {
	ID          ProviderID
	Name        string
	BranchName  string
	BaseURL     string
	LogoURL     string
	CountryCode string // ISO 3166-1 alpha-3
	Unavailable bool
	// Aliases are other names under which people look for it: brands, places, former names.
	Aliases []string
	// BankCodes are the bank's codes in account numbers; in France the first five digits.
	BankCodes []string
	// Lacks names the settings and certificates without which this installation cannot reach
	// it. It is for operators alone.
	Lacks []string
	// Files stands for any bank whose files are imported and that the catalogue lacks.
	Files bool
	// Common providers are listed first, before a search.
	Common bool
	// ChannelDefinitions are in the order in which they are offered.
	ChannelDefinitions []ChannelDefinition
}

// Offered reports whether end users may choose it: this installation has a way into it. One
// that is not offered still answers by its id, because connections may have it.
func (p Provider) Offered() bool { return len(p.Lacks) == 0 && len(p.ChannelDefinitions) > 0 }

// Holds reports whether an IBAN names the bank, by one of its codes. Brands of one bank share a
// code, so that it may name several providers.
func (p Provider) Holds(iban string) bool {
	const prefix = 4                                                           // the country and the check digits
	return len(iban) > prefix && strings.HasPrefix(p.CountryCode, iban[:2]) && // FR and FRA, DE and DEU
		slices.ContainsFunc(p.BankCodes, func(code string) bool { return strings.HasPrefix(iban[prefix:], code) })
}

// Definition returns one of the provider's channel definitions.
func (p Provider) Definition(id ChannelDefinitionID) (ChannelDefinition, bool) {
	i := slices.IndexFunc(p.ChannelDefinitions, func(d ChannelDefinition) bool { return d.ID == id })
	if i < 0 {
		return ChannelDefinition{}, false
	}
	return p.ChannelDefinitions[i], true
}

// Interactive reports whether any channel may ask a challenge.
func (p Provider) Interactive() bool {
	return slices.ContainsFunc(p.ChannelDefinitions, func(d ChannelDefinition) bool { return d.Interactive })
}

// ChannelDefinition describes one way of access to a provider (contract §4.3).
type ChannelDefinition struct {
	ID           ChannelDefinitionID
	Mode         Mode
	AccountTypes []AccountType
	Interactive  bool
	// Credentials are the ones that an EMBEDDED channel needs from the user.
	Credentials []CredentialDefinition
	// Hint shows the test credentials of a simulated bank; empty for real banks.
	Hint        string
	Unavailable bool
}

// CredentialType determines how a credential or challenge is displayed and answered (contract §4.4).
type CredentialType string

// The credential types of the contract; the last three belong to REDIRECT channels.
const (
	CredentialText              CredentialType = "TEXT"
	CredentialPassword          CredentialType = "PWD"
	CredentialNumeric           CredentialType = "NUMERIC"
	CredentialNumericPassword   CredentialType = "NUMERIC_PWD"
	CredentialDate              CredentialType = "DATE"
	CredentialInfo              CredentialType = "INFO_MSG"
	CredentialError             CredentialType = "ERROR_MSG"
	CredentialTimeout           CredentialType = "TIMEOUT_MSG"
	CredentialOKCancel          CredentialType = "OK_CANCEL"
	CredentialAuthorizationCode CredentialType = "AUTHORIZATION_CODE"
	CredentialAccessToken       CredentialType = "ACCESS_TOKEN"
	CredentialRefreshToken      CredentialType = "REFRESH_TOKEN"
)

// CredentialDefinition describes one credential or challenge. Challenges store it as JSON.
type CredentialDefinition struct {
	ID     CredentialID   `json:"ID"`
	Label  string         `json:"Label"`
	Regexp string         `json:"Regexp"`
	Type   CredentialType `json:"Type"`
	// Encrypt asks the client for an OpenPGP message instead of plain text.
	Encrypt bool `json:"Encrypt"`
}
