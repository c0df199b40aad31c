package platformtest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/testbank/robot"
)

// Catalogue is a catalogue that a test can replace while the platform uses it.
type Catalogue struct{ connect.Catalogue }

// NoProviders is a catalogue without providers.
type NoProviders struct{}

// Providers implements connect.Catalogue.
func (NoProviders) Providers() []oxlin.Provider { return nil }

// Provider implements connect.Catalogue.
func (NoProviders) Provider(oxlin.ProviderID) (oxlin.Provider, bool) { return oxlin.Provider{}, false }

// Connector implements connect.Catalogue.
func (NoProviders) Connector(provider oxlin.ProviderID, definition oxlin.ChannelDefinitionID) (bank.Connector, error) {
	return nil, fmt.Errorf("no connector for %s of %s", definition, provider)
}

// LogIn plays the test bank's default customer, under another login where a scenario has
// one, at an address of the bank. It returns the address that the bank redirects to.
func (w *World) LogIn(address, login string) *url.URL {
	w.T.Helper()
	answers := robot.Dev()
	answers["login"] = login
	back, err := robot.LogIn(w.T.Context(), address, answers)
	if err != nil {
		w.T.Fatal(err)
	}
	return back
}

// Scenario begins a scenario of the test bank for one login.
func (w *World) Scenario(login, name string) {
	w.T.Helper()
	w.Control(http.MethodPost, "/control/scenario", fmt.Sprintf(`{"login":%q,"scenario":%q}`, login, name))
}

// EndScenario ends the scenarios that a query selects, such as "login=dev".
func (w *World) EndScenario(query string) {
	w.T.Helper()
	w.Control(http.MethodDelete, "/control/scenario?"+query, "")
}

// Control sends a request to the test bank's control interface.
func (w *World) Control(method, path, body string) {
	w.T.Helper()
	request, err := http.NewRequestWithContext(w.T.Context(), method, w.BankURL+path, strings.NewReader(body))
	if err != nil {
		w.T.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.T.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		w.T.Fatalf("%s %s: HTTP %d", method, path, response.StatusCode)
	}
}
