package catalogue_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// regions is a bank with three branches; the texts in angle brackets are replaced.
const regions = `{"id":"{{id}}","name":"Own","base_url":"https://own.example","country_code":"FRA",<member>
	"channel_definitions":[
		{"id":"{{id}}1","mode":"REDIRECT","account_types":["CHECKINGS"],"connector":"stet","config":{
			"version":"1.5","base_url":"https://{{host}}/v1",<config>
			"oauth":{"authorize_url":"https://{{host}}/a","token_url":"{{token}}","client_id":"{{own_client_id}}","client_authentication":"none","scopes":"aisp"},
			"consent_model":"full","consent_days":180,"unattended_per_day":4,"history":{"days":90,"date_format":"date"},"id_field":"none","ids":"NONE"}},
		{"id":"{{id}}2","mode":"EMBEDDED","account_types":["CHECKINGS"],"credentials":[{"id":"1","label":"Login","regexp":"<regexp>","type":"TEXT"}],
			"connector":"website","config":{"recipe":"testbank","base_url":"https://{{host}}/","fields":{"identifiant":"<credential>"}}}],
	"branches":[
		{"id":"21","host":"a.example","token":"https://a.example/t"},
		{"id":"22","host":"b.example","token":"https://b.example/t"},
		{"id":"23","host":"c.example","token":"<token>"}]}`

func TestEveryFaultIsReportedWithFileBranchAndPath(t *testing.T) {
	right := strings.NewReplacer("<member>", "", "<config>", "", "<regexp>", ".+", "<credential>", "1", "<token>", "https://c.example/t")
	wrong := strings.NewReplacer(
		"<member>", `"nmae":"x","channels":[],`, "<config>", `"timeout":7,"timeout_seconds":"7",`,
		"<regexp>", "(", "<credential>", "9", "<token>", "http://c.example/t",
	)
	settings := map[string]string{"own_client_id": "x"}
	const lack = `the setting "own_client_id" is missing`
	tests := []struct {
		name     string
		files    fstest.MapFS
		settings map[string]string
		want     []string
	}{
		{"nothing wrong", fstest.MapFS{"a.json": {Data: []byte(right.Replace(regions))}}, settings, nil},
		{"a setting is missing, which is no fault of the file", fstest.MapFS{"a.json": {Data: []byte(right.Replace(regions))}}, nil, nil},
		{"many faults in one file, and a right one beside it", fstest.MapFS{
			"a.json": {Data: []byte(wrong.Replace(regions))}, "b.json": {Data: []byte(strings.ReplaceAll(right.Replace(regions), `"id":"2`, `"id":"3`))},
		}, nil, []string{
			`providers/a.json: $.channel_definitions[0].config.oauth.client_id: ` + lack,
			`providers/a.json: $.channels: unknown member`,
			`providers/a.json: $.nmae: unknown member`,
			`providers/a.json: $.channel_definitions[0].config.timeout: unknown member`,
			`providers/a.json: $.channel_definitions[0].config.timeout_seconds: want a whole number, not a text`,
			"providers/a.json: $.channel_definitions[1].credentials[0].regexp: error parsing regexp: missing closing ): `(`",
			`providers/a.json: $.channel_definitions[1].config.fields.identifiant: "9" is not the id of a credential`,
			`providers/a.json: branch 3: $.channel_definitions[0].config.oauth.token_url: "http://c.example/t" is not an https URL`,
		}},
		{"faults of two files", fstest.MapFS{
			"a.json": {Data: []byte(strings.Replace(right.Replace(regions), `"stet"`, `"swift"`, 1))},
			"b.json": {Data: []byte("{\n\"id\": }")},
			"c.json": {Data: []byte(strings.Replace(right.Replace(regions), `"id":"21"`, `"id":21,"common":"yes"`, 1))},
		}, settings, []string{
			`providers/a.json: $.channel_definitions[0].connector: want one of [berlingroup stet openbanking enablebanking website], not "swift"`,
			`providers/b.json: $: line 2 is not JSON: invalid character '}' looking for beginning of value`,
			`providers/c.json: $.branches[0].common: want true or false, not a text`,
			`providers/c.json: $.branches[0].id: want a text, not a number`,
			`providers/c.json: branch 1: $.id: "" is not a number`,
			`providers/c.json: branch 2: $.id: provider 22 is also in providers/a.json`,
			`providers/c.json: branch 3: $.id: provider 23 is also in providers/a.json`,
		}},
		{"both forms, a connector of another mode, and none", fstest.MapFS{"a.json": {Data: []byte(`{"id":"7","name":"Own","country_code":"FRA","channel_definitions":[
			{"id":"1","mode":"REDIRECT","account_types":["PEA"]},
			{"id":"2","mode":"REDIRECT","account_types":["LOAN"],"connector":"website","website":{"recipe":"none","base_url":"x"}},
			{"id":"2","mode":"EMBEDDED","credentials":[{"id":"1"}],"account_types":[],"config":{}}]}`)}}, nil, []string{
			`providers/a.json: $.channel_definitions[0].account_types[0]: want one of CHECKINGS, SAVINGS, LOAN, CREDIT_CARD, not "PEA"`,
			`providers/a.json: $.channel_definitions[0].connector: a REDIRECT definition needs a connector`,
			`providers/a.json: $.channel_definitions[1].config: a channel definition has one connector only`,
			`providers/a.json: $.channel_definitions[1].mode: website serves [EMBEDDED], not "REDIRECT"`,
			`providers/a.json: $.channel_definitions[1].website.base_url: "x" is not a URL`,
			`providers/a.json: $.channel_definitions[1].website.recipe: "none" is no such recipe`,
			`providers/a.json: $.channel_definitions[2].id: "2" is used twice`,
			`providers/a.json: $.channel_definitions[2].account_types: want at least one`,
			`providers/a.json: $.channel_definitions[2].credentials[0].label: a value is missing`,
			`providers/a.json: $.channel_definitions[2].credentials[0].type: a value is missing`,
			`providers/a.json: $.channel_definitions[2].connector: a value is missing`,
		}},
	}
	for _, test := range tests {
		_, err := catalogue.Load(catalogue.Options{Extra: test.files, Variables: test.settings})
		var got []string
		if err != nil {
			got = strings.Split(strings.TrimPrefix(err.Error(), "catalogue: "), "\n")
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestTheOperatorLearnsWhyAProviderIsUnavailable(t *testing.T) {
	var log bytes.Buffer
	c := load(t, catalogue.Options{
		Extra: fstest.MapFS{"own.json": {Data: []byte(own)}}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	const reason = `providers/own.json: $.channel_definitions[0].stet.oauth.client_id: the setting \"organization\" is missing`
	if lines := strings.Count(log.String(), "\n"); lines != 2 || !strings.Contains(log.String(), "provider=7") || !strings.Contains(log.String(), reason) {
		t.Errorf("the log has %d lines:\n%s", lines, log.String())
	}
	all := len(c.Providers())
	if sum := fmt.Sprintf("offered=0 not_offered=%d", all); !strings.Contains(log.String(), sum) {
		t.Errorf("the log does not have %s:\n%s", sum, log.String())
	}
	lacking, _ := c.Provider("7")
	if want := []string{`the setting "organization" is missing`}; lacking.Offered() || !slices.Equal(lacking.Lacks, want) {
		t.Errorf("the provider is offered: %t, and lacks %v", lacking.Offered(), lacking.Lacks)
	}
	_, err := c.Connector("7", "701")
	if !errors.Is(err, catalogue.ErrUnavailable) || !strings.Contains(err.Error(), "organization") {
		t.Errorf("the connector's error is %v", err)
	}
	_, err = c.Connector(bnp, "150001")
	if !errors.Is(err, catalogue.ErrUnavailable) || !strings.Contains(err.Error(), "built-in/bnp-paribas.json: branch 1: $.channel_definitions[0].config.oauth.client_id") {
		t.Errorf("the error of a built-in bank is %v", err)
	}
}

// TestFilesOfTheFirstFormAreRead opens a file in which the data of a connector are a
// member of its name.
func TestFilesOfTheFirstFormAreRead(t *testing.T) {
	c := load(t, catalogue.Options{
		Sandbox: true, TestBankURL: "http://127.0.0.1:8081", Extra: os.DirFS("testdata"),
		Variables: map[string]string{"example_client_id": "oxlin-example"},
	})
	redirect, err := c.Connector("9001", "900101")
	if err != nil {
		t.Fatal(err)
	}
	address, err := banktest.Leave(t.Context(), redirect, bank.Journey{})
	if err != nil || !strings.Contains(address, "client_id=oxlin-example") {
		t.Errorf("the login is at %s, %v", address, err)
	}
	embedded, err := c.Connector("9001", "900100")
	if err != nil {
		t.Fatal(err)
	}
	if _, fits := embedded.(bank.Continuer); !fits {
		t.Errorf("a %T reads the web site", embedded)
	}
}

// branded is a connector of a kind that the program does not have.
type branded struct {
	bank.Connector
	brand string
}

func (b branded) Profile() bank.Profile {
	return bank.Profile{IDs: bank.IDClass(b.brand)}
}

func TestAnotherKindOfConnectorIsOneMoreDriver(t *testing.T) {
	driver := psd2.Driver{
		Name: "branded", Modes: []oxlin.Mode{oxlin.ModeRedirect},
		Read: func(config any, _ oxlin.ChannelDefinition, at datafile.Node) psd2.Settings {
			var data struct {
				Brand string `json:"brand"`
			}
			datafile.Decode(config, &data, at)
			at.Member("brand").Check(data.Brand != "none", "want a brand")
			return psd2.Settings{Connect: func(psd2.Deps) (bank.Connector, error) { return branded{brand: data.Brand}, nil }}
		},
	}
	read := func(brand string) (*catalogue.Catalogue, error) {
		text := fmt.Sprintf(`{"id":"7","name":"Own","country_code":"FRA","channel_definitions":[
			{"id":"701","mode":"REDIRECT","account_types":["CHECKINGS"],"connector":"branded","config":{"brand":%q}}]}`, brand)
		return catalogue.Load(catalogue.Options{
			Drivers: append(catalogue.Drivers(""), driver), Extra: fstest.MapFS{"own.json": {Data: []byte(text)}},
		})
	}
	c, err := read("{{brand}}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Connector("7", "701"); !errors.Is(err, catalogue.ErrUnavailable) {
		t.Errorf("a brand that nobody gave: %v", err)
	}
	c, err = read("mine")
	if err != nil {
		t.Fatal(err)
	}
	connector, err := c.Connector("7", "701")
	if err != nil || connector.Profile().IDs != "mine" {
		t.Errorf("the connector is %+v, %v", connector, err)
	}
	_, err = read("none")
	if err == nil || !strings.HasSuffix(err.Error(), "providers/own.json: $.channel_definitions[0].config.brand: want a brand") {
		t.Errorf("a brand that is refused: %v", err)
	}
}
