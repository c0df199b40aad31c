package oxlin

import "slices"

// Mode is the kind of a channel.
type Mode string

const (
	// ModeRedirect is the bank's PSD2 interface, after OAuth2 at the bank.
	ModeRedirect Mode = "REDIRECT"
	// ModeEmbedded is the bank's web site, with the user's own credentials.
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
	// Common providers are offered first, before anything is searched.
	Common bool
	// ChannelDefinitions stand in the order in which they are offered.
	ChannelDefinitions []ChannelDefinition
}

// Definition finds one channel definition of the provider.
func (p Provider) Definition(id ChannelDefinitionID) (ChannelDefinition, bool) {
	i := slices.IndexFunc(p.ChannelDefinitions, func(d ChannelDefinition) bool { return d.ID == id })
	if i < 0 {
		return ChannelDefinition{}, false
	}
	return p.ChannelDefinitions[i], true
}

// Interactive says whether any channel may ask a challenge.
func (p Provider) Interactive() bool {
	return slices.ContainsFunc(p.ChannelDefinitions, func(d ChannelDefinition) bool { return d.Interactive })
}

// ChannelDefinition is one way into a provider (contract §4.3).
type ChannelDefinition struct {
	ID           ChannelDefinitionID
	Mode         Mode
	AccountTypes []AccountType
	Interactive  bool
	// Credentials are what an EMBEDDED channel asks the user for.
	Credentials []CredentialDefinition
	// Hint says with what a simulated bank is entered; real banks have none.
	Hint        string
	Unavailable bool
}

// CredentialType says how a credential or a challenge is shown and answered (contract §4.4).
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

// CredentialDefinition is one thing that a channel asks for. Challenges store it as JSON.
type CredentialDefinition struct {
	ID     CredentialID   `json:"ID"`
	Label  string         `json:"Label"`
	Regexp string         `json:"Regexp"`
	Type   CredentialType `json:"Type"`
	// Encrypt asks the client for an OpenPGP message instead of plain text.
	Encrypt bool `json:"Encrypt"`
}
