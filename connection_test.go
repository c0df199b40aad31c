package oxlin_test

import (
	"testing"

	"github.com/oxlin/oxlin"
)

func TestAConnectionsStatusComesFromItsChannels(t *testing.T) {
	const (
		empty, never, running = oxlin.ChannelEmpty, oxlin.ChannelNever, oxlin.ChannelRunning
		success, expired      = oxlin.ChannelSuccess, oxlin.ChannelTokenExpired
		failed                = oxlin.ChannelFailed
	)
	tests := []struct {
		name     string
		channels []oxlin.ChannelStatus
		awaits   bool // the first channel waits for a consent
		want     oxlin.ConnectionStatus
	}{
		{"no channel", nil, false, oxlin.ConnectionNone},
		{"never used", []oxlin.ChannelStatus{empty, empty}, false, oxlin.ConnectionNone},
		{"not yet synchronised", []oxlin.ChannelStatus{never}, false, oxlin.ConnectionNone},
		{"waiting for a consent", []oxlin.ChannelStatus{never, empty}, true, oxlin.ConnectionSuccess},
		{"one runs", []oxlin.ChannelStatus{running, expired}, false, oxlin.ConnectionRunning},
		{"an empty one does not count", []oxlin.ChannelStatus{success, empty}, false, oxlin.ConnectionSuccess},
		{"one of two failed", []oxlin.ChannelStatus{success, failed}, false, oxlin.ConnectionPartialSuccess},
		{"the only one failed", []oxlin.ChannelStatus{expired, empty}, false, oxlin.ConnectionFailed},
		{"both failed", []oxlin.ChannelStatus{expired, failed}, false, oxlin.ConnectionFailed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var connection oxlin.Connection
			for i, status := range test.channels {
				connection.Channels = append(connection.Channels, oxlin.Channel{Status: status, AwaitsConsent: i == 0 && test.awaits})
			}
			if got := connection.Status(); got != test.want {
				t.Errorf("the connection is %s, want %s", got, test.want)
			}
		})
	}
}

func TestScopesIncludeOthers(t *testing.T) {
	tests := []struct {
		held, wanted oxlin.Scope
		want         bool
	}{
		{oxlin.ScopeAccountsManage, oxlin.ScopeAccountsRead, true},
		{oxlin.ScopeTransactionsRead, oxlin.ScopeAccountsRead, true},
		{oxlin.ScopeProfileEdit, oxlin.ScopeProfile, true},
		{oxlin.ScopeAccountsRead, oxlin.ScopeAccountsManage, false},
		{oxlin.ScopeAccountsRead, oxlin.ScopeTransactionsRead, false},
		{oxlin.ScopeConnectionsManage, oxlin.ScopeConnectionsSync, false},
		{oxlin.ScopeUsersCreate, oxlin.ScopeProfile, false},
	}
	for _, test := range tests {
		if got := (oxlin.Scopes{test.held}).Grants(test.wanted); got != test.want {
			t.Errorf("%s grants %s: %t", test.held, test.wanted, got)
		}
	}
}

func TestOnlyTextIsPartlyShown(t *testing.T) {
	tests := []struct {
		definition oxlin.CredentialDefinition
		value      string
		want       string
	}{
		{oxlin.CredentialDefinition{Type: oxlin.CredentialText}, "demo", "**mo"},
		{oxlin.CredentialDefinition{Type: oxlin.CredentialText}, "dev", "********"},
		{oxlin.CredentialDefinition{Type: oxlin.CredentialNumeric}, "0123456é", "******6é"},
		{oxlin.CredentialDefinition{Type: oxlin.CredentialPassword}, "a long password", "********"},
		{oxlin.CredentialDefinition{Type: oxlin.CredentialText, Encrypt: true}, "-----BEGIN PGP MESSAGE-----", "********"},
	}
	for _, test := range tests {
		if got := test.definition.Mask(test.value); got != test.want {
			t.Errorf("%+v shows %q", test.definition, got)
		}
	}
}

func TestRedirectsGoWhereTheClientRegistered(t *testing.T) {
	client := oxlin.Client{RedirectURIs: []string{"https://app.example/return", "http://127.0.0.1/return", "com.example.app:/return"}}
	tests := []struct {
		uri  string
		want bool
	}{
		{"https://app.example/return", true},
		{"https://app.example/return/", false},
		{"https://app.example/return?more=1", false},
		{"https://app.example:8443/return", false},
		{"https://evil.example/return", false},
		{"com.example.app:/return", true},
		{"http://127.0.0.1:51004/return", true},
		{"http://127.0.0.1:51004/other", false},
		{"http://127.0.0.1.evil.example/return", false},
		{"", false},
	}
	for _, test := range tests {
		if got := client.MayRedirectTo(test.uri); got != test.want {
			t.Errorf("MayRedirectTo(%q) is %t", test.uri, got)
		}
	}
}

func TestEveryCodeIsInTheCatalogue(t *testing.T) {
	for code, entry := range oxlin.Catalogue {
		if entry.Status < 400 || entry.Status > 599 || entry.Message == "" {
			t.Errorf("%s: %+v", code, entry)
		}
	}
	shown := oxlin.AsError(errUnknown{})
	if shown.Code != oxlin.CodeInternal || shown.Message == (errUnknown{}).Error() {
		t.Errorf("an unknown error is shown as %+v", shown)
	}
}

type errUnknown struct{}

func (errUnknown) Error() string { return "a detail of ours" }
