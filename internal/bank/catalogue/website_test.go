package catalogue_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
)

// embedded are the EMBEDDED definitions of the sandbox, with the credentials of
// the default customer.
var embedded = []struct {
	provider    oxlin.ProviderID
	definition  oxlin.ChannelDefinitionID
	credentials map[oxlin.CredentialID]string
}{
	{"87", "8700", map[oxlin.CredentialID]string{"300": "dev", "301": "dev", "302": ""}},
	{"119", "embedded1", map[oxlin.CredentialID]string{"3500": "dev-0119", "3501": "dev", "3502": "dev-0119"}},
	{"182", "17650", map[oxlin.CredentialID]string{"10001": "demo"}},
}

func TestTheDefaultCustomerGetsInByEveryEmbeddedChannel(t *testing.T) {
	for _, entry := range embedded {
		t.Run(string(entry.definition), func(t *testing.T) {
			b := startBench(t)
			provider, _ := b.Provider(entry.provider)
			definition, _ := provider.Definition(entry.definition)
			credentials := map[oxlin.CredentialID]oxlin.Secret{}
			for _, wanted := range definition.Credentials {
				value := entry.credentials[wanted.ID]
				if !regexp.MustCompile("^(?:" + wanted.Regexp + ")$").MatchString(value) {
					t.Errorf("the credential %s, %q, is not as the definition wants it", wanted.ID, value)
				}
				credentials[wanted.ID] = oxlin.NewSecret(value)
			}
			connector, err := b.Connector(entry.provider, entry.definition)
			if err != nil {
				t.Fatal(err)
			}
			login := banktest.Login{Credentials: credentials, PSU: &oxlin.PSU{IP: "203.0.113.7"}}
			result, err := banktest.LogIn(t.Context(), connector, login)
			for _, answers := range []map[oxlin.CredentialID]oxlin.Secret{
				{"304": oxlin.NewSecret("true")},
				{"306": oxlin.NewSecret("123456"), "307": oxlin.NewSecret("true")},
			} {
				if err != nil || result.Question == nil {
					t.Fatalf("no question: %v", err)
				}
				login.State, login.Answers = result.Question.State, answers
				result, err = banktest.LogIn(t.Context(), connector, login)
			}
			if err != nil {
				t.Fatal(err)
			}
			page, err := connector.Accounts(t.Context(), bank.Call{Access: result.Access}, "")
			if err != nil {
				t.Fatal(err)
			}
			var types []oxlin.AccountType
			for _, account := range page.Accounts {
				types = append(types, account.Type)
			}
			slices.Sort(types)
			want := slices.Sorted(slices.Values(definition.AccountTypes))
			if !slices.Equal(slices.Compact(types), want) {
				t.Errorf("the channel gives %v and offers %v", types, want)
			}
		})
	}
}

// scraped is a provider of an operator's own that is read on its web site.
const scraped = `{"id":"8","name":"Own","base_url":"https://own.example","country_code":"FRA","channel_definitions":[
	{"id":"800","mode":"EMBEDDED","account_types":["CHECKINGS"],"credentials":[{"id":"80","label":"Login","regexp":".+","type":"TEXT"}],
	"website":{"recipe":"testbank","base_url":"https://own.example/site","fields":{"identifiant":"80"}}}]}`

func TestWrongDataOfWebSitesAreRefused(t *testing.T) {
	open := func(text string) error {
		_, err := catalogue.Load(catalogue.Options{Extra: fstest.MapFS{"own.json": {Data: []byte(text)}}})
		return err
	}
	err := open(scraped)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"a recipe that does not exist":    {`"testbank"`, `"nobank"`},
		"an address in clear":             {`https://own.example/site`, `http://own.example/site`},
		"a field without a credential":    {`"identifiant":"80"`, `"identifiant":"81"`},
		"a field that the recipe lacks":   {`"identifiant":"80"`, `"identifiant":"80","colour":"80"`},
		"a redirect definition with one":  {`"EMBEDDED"`, `"REDIRECT"`},
		"account types in the wrong room": {`"recipe"`, `"account_types":["LOAN"],"recipe"`},
	} {
		err := open(strings.Replace(scraped, change[0], change[1], 1))
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
