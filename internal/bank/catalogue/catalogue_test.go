package catalogue_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
)

func load(t *testing.T, options catalogue.Options) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Load(options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheSandboxHasTheProvidersOfTheDocuments(t *testing.T) {
	c := load(t, catalogue.Options{Sandbox: true, TestBankURL: "http://127.0.0.1:8081/"})
	var ids []oxlin.ProviderID
	for _, provider := range c.Providers() {
		ids = append(ids, provider.ID)
	}
	if diff := cmp.Diff([]oxlin.ProviderID{"87", "119", "182", "183", "184", "185", "2999"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	testBank, ok := c.Provider("87")
	want := oxlin.Provider{
		ID: "87", Name: "Linxo Test Bank", BaseURL: "https://wwws.linxo.com", CountryCode: "FRA", Common: true,
		ChannelDefinitions: []oxlin.ChannelDefinition{
			{ID: "8701", Mode: oxlin.ModeRedirect, AccountTypes: []oxlin.AccountType{"CHECKINGS", "CREDIT_CARD"}},
			{
				ID: "8700", Mode: oxlin.ModeEmbedded, Interactive: true, Hint: "Simulation: user ID dev, password dev, code 123456.",
				AccountTypes: []oxlin.AccountType{"CHECKINGS", "CREDIT_CARD", "SAVINGS", "LOAN"},
				Credentials: []oxlin.CredentialDefinition{
					{ID: "300", Label: "User ID", Regexp: ".+", Type: oxlin.CredentialText},
					{ID: "301", Label: "Password", Regexp: ".+", Type: oxlin.CredentialPassword, Encrypt: true},
					{ID: "302", Label: "Accounts file location", Regexp: ".*", Type: oxlin.CredentialText},
				},
			},
		},
	}
	if diff := cmp.Diff(want, testBank); !ok || diff != "" {
		t.Errorf("provider 87 (-want +got):\n%s", diff)
	}
}

func TestAConnectorIsThereOrItsAbsenceIsExplained(t *testing.T) {
	c := load(t, catalogue.Options{Sandbox: true, TestBankURL: "http://127.0.0.1:8081"})
	for _, test := range []struct {
		provider   oxlin.ProviderID
		definition oxlin.ChannelDefinitionID
		want       error
	}{
		{"87", "8701", nil},
		{"119", "redirect1", nil},
		{"87", "8700", nil},
		{"119", "embedded1", nil},
		{"182", "17650", nil},
		{"183", "18301", nil},
		{"184", "18401", nil},
		{"185", "18501", nil},
		{"182", "8701", catalogue.ErrUnknown},
		{"1", "100", catalogue.ErrUnknown},
	} {
		connector, err := c.Connector(test.provider, test.definition)
		if !errors.Is(err, test.want) || (connector == nil) != (test.want != nil) {
			t.Errorf("%s/%s: %v, %v, want %v", test.provider, test.definition, connector, err, test.want)
		}
	}
	first, _ := c.Connector("87", "8701")
	second, _ := c.Connector("87", "8701")
	if first != second {
		t.Error("the connector is made twice")
	}
	address, err := banktest.Leave(t.Context(), first, bank.Journey{RedirectURI: "https://oxlin.test", RedirectState: "s", Verifier: oxlin.NewSecret("v")})
	if err != nil || !strings.HasPrefix(address, "http://127.0.0.1:8081/authorize?") {
		t.Errorf("the login is at %s, %v", address, err)
	}
}

func TestRealBanksWaitForACertificateAndAClientID(t *testing.T) {
	bare := load(t, catalogue.Options{})
	for _, provider := range bare.Providers() {
		if !provider.Unavailable {
			t.Errorf("provider %s is available without a certificate", provider.ID)
		}
		for _, definition := range provider.ChannelDefinitions {
			_, err := bare.Connector(provider.ID, definition.ID)
			if !errors.Is(err, catalogue.ErrUnavailable) {
				t.Errorf("%s/%s: %v", provider.ID, definition.ID, err)
			}
		}
	}
	unsigned := load(t, catalogue.Options{Variables: operator})
	if provider, _ := unsigned.Provider(bnp); !provider.Unavailable {
		t.Error("a bank that wants signatures is available without a key")
	}
	full := load(t, catalogue.Options{Variables: operator, Certificates: certificates(t)})
	if len(full.Providers()) < 20 {
		t.Errorf("%d providers", len(full.Providers()))
	}
	for _, provider := range full.Providers() {
		if provider.Unavailable && len(provider.ChannelDefinitions) > 0 {
			t.Errorf("provider %s is unavailable although everything is given", provider.ID)
		}
		for _, definition := range provider.ChannelDefinitions {
			_, err := full.Connector(provider.ID, definition.ID)
			if err != nil {
				t.Error(err)
			}
		}
	}
}

func TestCommonProvidersAreFirstThenTheOthersByID(t *testing.T) {
	noted := strings.Replace(own, `"id":"7"`, `"id":"{{id}}"`, 1)
	noted = strings.TrimSuffix(noted, "}") + `,"branches":[{"id":"900","common":true},{"id":"1000","common":false},{"id":"99"},{"id":"901","common":true}]}`
	c := load(t, catalogue.Options{Certificates: certificates(t), Extra: fstest.MapFS{"own.json": {Data: []byte(noted)}}})
	var common, others []string
	for _, provider := range c.Providers() {
		switch {
		case !provider.Common:
			others = append(others, string(provider.ID))
		case len(others) > 0:
			t.Errorf("%s is common and comes after %s", provider.ID, others[len(others)-1])
		default:
			common = append(common, string(provider.ID))
		}
	}
	// One of each big bank; for banks with regions, the one of Paris.
	want := []string{"900", "901", "1023", "1101", "1202", "1300", "1401", "1402", "1500", "1600", "1700", "1801", "1900"}
	if diff := cmp.Diff(want, common); diff != "" {
		t.Errorf("common are (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"99", "1000", "1022", "1024"}, others[:4]); diff != "" {
		t.Errorf("the others are (-want +got):\n%s", diff)
	}
}

func TestEachRegionOfABankIsAProviderOnItsOwnHost(t *testing.T) {
	c := load(t, catalogue.Options{Variables: operator, Certificates: certificates(t)})
	for id, want := range map[oxlin.ProviderID][2]string{
		"1101": {"Île-de-France", "https://www.17515.live.api.89c3.com/"},
		"1201": {"Aquitaine Centre Atlantique", "https://www.10907.live.api.89c3.com/"},
		"1022": {"Languedoc", "https://psd2-portal.ca-languedoc.fr/"},
	} {
		provider, _ := c.Provider(id)
		connector, err := c.Connector(id, oxlin.ChannelDefinitionID(id+"01"))
		if err != nil {
			t.Fatal(err)
		}
		address, err := banktest.Leave(t.Context(), connector, bank.Journey{})
		if err != nil || provider.BranchName != want[0] || !strings.HasPrefix(address, want[1]) {
			t.Errorf("provider %s is %q at %s, %v", id, provider.BranchName, address, err)
		}
	}
}

// own is a provider of an operator's own.
const own = `{"id":"7","name":"Own","base_url":"https://own.example","country_code":"FRA","channel_definitions":[
	{"id":"701","mode":"REDIRECT","account_types":["CHECKINGS"],"stet":{
		"version":"1.5","base_url":"https://api.own.example/v1",
		"oauth":{"authorize_url":"https://own.example/a","token_url":"https://own.example/t","client_id":"{{organization}}","client_authentication":"none","scopes":"aisp"},
		"consent_model":"full","consent_days":180,"unattended_per_day":4,"history":{"days":90,"date_format":"date"},"id_field":"none","ids":"NONE"}}]}`

func TestAnOperatorAddsAndReplacesProviders(t *testing.T) {
	c := load(t, catalogue.Options{
		Certificates: certificates(t),
		Extra: fstest.MapFS{
			"own.json": {Data: []byte(own)},
			"lcl.json": {Data: []byte(strings.Replace(own, `"id":"7"`, `"id":"1300"`, 1))},
			"notes.md": {Data: []byte("no data")},
		},
	})
	if provider, _ := c.Provider("1300"); provider.Name != "Own" {
		t.Errorf("provider 1300 is still %+v", provider)
	}
	connector, err := c.Connector("7", "701")
	if err != nil {
		t.Fatal(err)
	}
	// The client id is the organisation's id in our certificate.
	address, err := banktest.Leave(t.Context(), connector, bank.Journey{})
	if err != nil || !strings.Contains(address, "client_id=PSDFR-ACPR-12345") {
		t.Errorf("address is %s, %v", address, err)
	}
}

// A file that joins a provider adds its definitions, and is one by itself if there is no such provider.
func TestAFileMayJoinAProvider(t *testing.T) {
	joining := strings.Replace(own, `"id":"7"`, `"joins":true,"id":"7"`, 1)
	second := strings.Replace(joining, `"id":"701"`, `"id":"702"`, 1)
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"to an own provider": {fstest.MapFS{"a.json": {Data: []byte(second)}, "b.json": {Data: []byte(own)}}, "701 702"},
		"twice":              {fstest.MapFS{"a.json": {Data: []byte(second)}, "b.json": {Data: []byte(strings.Replace(second, "702", "703", 1))}, "c.json": {Data: []byte(own)}}, "701 702 703"},
		"to none":            {fstest.MapFS{"a.json": {Data: []byte(second)}}, "702"},
	} {
		c := load(t, catalogue.Options{Certificates: certificates(t), Extra: test.files})
		provider, _ := c.Provider("7")
		var ids []string
		for _, definition := range provider.ChannelDefinitions {
			ids = append(ids, string(definition.ID))
			if _, err := c.Connector("7", definition.ID); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if strings.Join(ids, " ") != test.want || provider.Unavailable {
			t.Errorf("%s: definitions %v, want %s", name, ids, test.want)
		}
	}
	_, err := catalogue.Load(catalogue.Options{Extra: fstest.MapFS{"a.json": {Data: []byte(joining)}, "b.json": {Data: []byte(own)}}})
	if err == nil || !strings.Contains(err.Error(), "701") {
		t.Errorf("a definition that is there already: %v", err)
	}
}

func TestWrongDataAreRefusedByName(t *testing.T) {
	tests := map[string][2]string{
		"a member that does not exist": {`"name":"Own"`, `"name":"Own","nmae":"x"`},
		"no name":                      {`"name":"Own"`, `"name":""`},
		"an id that is no number":      {`"id":"7"`, `"id":"seven"`},
		"another mode":                 {`"REDIRECT"`, `"APP"`},
		"another account type":         {`"CHECKINGS"`, `"PEA"`},
		"a redirect without interface": {`"stet":`, `"credentials":`},
		"an interface that is invalid": {`"version":"1.5"`, `"version":"9"`},
		"an address in clear":          {`https://api.own.example`, `http://api.own.example`},
		"a number where a text is due": {`"client_id":"{{organization}}"`, `"client_id":7`},
		"a branch with a number":       {`"name":"Own"`, `"name":"Own","branches":[{"code":7}]`},
		"no JSON":                      {`{"id"`, `{id`},
	}
	for name, change := range tests {
		text := strings.Replace(own, change[0], change[1], 1)
		_, err := catalogue.Load(catalogue.Options{Extra: fstest.MapFS{"own.json": {Data: []byte(text)}}})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err := catalogue.Load(catalogue.Options{Extra: fstest.MapFS{"a.json": {Data: []byte(own)}, "b.json": {Data: []byte(own)}}})
	if err == nil || !strings.Contains(err.Error(), "a.json") {
		t.Errorf("the same id twice: %v", err)
	}
	_, err = catalogue.Load(catalogue.Options{Certificates: catalogue.Certificates{QWACFile: "nowhere.pem"}})
	if err == nil {
		t.Error("a certificate that is not there: no error")
	}
	_, err = catalogue.Load(catalogue.Options{Sandbox: true})
	if err == nil {
		t.Error("a sandbox without a test bank: no error")
	}
}

// TestOurCertificateIsShown runs a bank that demands a client certificate, and reads
// the organisation in it (ETSI TS 119 495).
func TestOurCertificateIsShown(t *testing.T) {
	var comes atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range r.TLS.PeerCertificates[0].Subject.Names {
			if name.Type.String() == "2.5.4.97" {
				comes.Store(name.Value)
			}
		}
		_, err := io.WriteString(w, `{"accounts":[{"resourceId":"1"}]}`)
		if err != nil {
			t.Error(err)
		}
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	defer server.Close()

	ours := certificates(t)
	ours.RootsFile = filepath.Join(t.TempDir(), "roots.pem")
	err := os.WriteFile(ours.RootsFile, pemOf(server.Certificate()), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	extra := fstest.MapFS{"own.json": {Data: []byte(strings.ReplaceAll(own, "https://api.own.example", server.URL))}}
	read := func(certificates catalogue.Certificates) error {
		c := load(t, catalogue.Options{Certificates: certificates, Extra: extra, Variables: map[string]string{"organization": "x"}})
		connector, err := c.Connector("7", "701")
		if err != nil {
			t.Fatal(err)
		}
		_, err = connector.Accounts(t.Context(), call("token"), "")
		return err
	}
	err = read(ours)
	if err != nil || comes.Load() != "PSDFR-ACPR-12345" {
		t.Errorf("the bank saw %v come: %v", comes.Load(), err)
	}
	err = read(catalogue.Certificates{RootsFile: ours.RootsFile})
	if bank.AsFailure(err).Kind != bank.Unavailable {
		t.Errorf("without our certificate: %v", err)
	}
	err = read(catalogue.Certificates{QWACFile: ours.QWACFile, QWACKeyFile: ours.QWACKeyFile})
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("a bank whose certificate nobody knows is believed: %v", err)
	}
}

// TestNoBankHasItsOwnCode keeps banks out of the code of the connectors: they differ
// in data.
func TestNoBankHasItsOwnCode(t *testing.T) {
	var files []string
	for _, folder := range []string{"stet", "psd2", "datafile"} {
		found, err := filepath.Glob("../" + folder + "/*.go")
		if err != nil || len(found) == 0 {
			t.Fatalf("no code in %s: %v", folder, err)
		}
		files = append(files, found...)
	}
	names := []string{
		"bpce", "lcl", "cic", "bnp", "paribas", "arkea", "arkéa", "agricole", "postale", "générale", "generale",
		"boursorama", "fortis", "fortuneo", "hello", "linxo", "testbank", "hsbc",
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.FieldsFunc(strings.ToLower(string(text)), func(r rune) bool { return strings.ContainsRune(" \t\n\",.;:()[]{}", r) }) {
			if slices.Contains(names, word) {
				t.Errorf("%s speaks of %q", filepath.Base(file), word)
			}
		}
	}
}

func TestEveryDataFileIsWrittenAsOthersAre(t *testing.T) {
	for _, folder := range []string{"sandbox", "production"} {
		files, err := filepath.Glob(filepath.Join("data", folder, "*"))
		if err != nil || len(files) == 0 {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(file) != ".json" || !json.Valid(text) || !strings.HasSuffix(string(text), "}\n") || strings.Contains(string(text), "\t") {
				t.Errorf("%s is not a JSON file indented by spaces", file)
			}
		}
	}
}

// TestEveryDataFileSaysItsSource refuses a file that names no document behind its data, or that leaves
// open what was played against them: a day, or nothing and the reason.
func TestEveryDataFileSaysItsSource(t *testing.T) {
	day := regexp.MustCompile(`\b20[0-9]{2}-[01][0-9]-[0-3][0-9]\b`)
	files, err := filepath.Glob(filepath.Join("data", "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no data files: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var provider struct {
			Source   string `json:"source"`
			Replayed string `json:"replayed"`
		}
		err = json.Unmarshal(text, &provider)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if strings.TrimSpace(provider.Source) == "" {
			t.Errorf("%s has no source", file)
		}
		if !day.MatchString(provider.Replayed) && !strings.HasPrefix(provider.Replayed, "nothing: ") {
			t.Errorf("%s was replayed %q: want the day, or \"nothing: \" and the reason", file, provider.Replayed)
		}
	}
}

func TestABankThatAnswersInAFragmentIsInteractive(t *testing.T) {
	c := load(t, catalogue.Options{Variables: operator, Certificates: certificates(t)})
	for id, want := range map[oxlin.ProviderID]bool{"4450": true, "1300": false} {
		provider, ok := c.Provider(id)
		if !ok || provider.ChannelDefinitions[0].Interactive != want {
			t.Errorf("provider %s is %+v, want interactive %v", id, provider, want)
		}
	}
}

// French banks of many houses are complete: each house has its own name and code.
func TestEachHouseOfAFrenchGroupIsThere(t *testing.T) {
	houses, codes, names := map[string]int{}, map[string]oxlin.ProviderID{}, map[string]oxlin.ProviderID{}
	for _, provider := range load(t, catalogue.Options{}).Providers() {
		houses[provider.Name]++
		name := provider.Name + " " + provider.BranchName
		if other, taken := names[name]; taken {
			t.Errorf("providers %s and %s are both %s", other, provider.ID, name)
		}
		names[name] = provider.ID
		for _, code := range provider.BankCodes {
			if other, taken := codes[code]; taken {
				t.Errorf("providers %s and %s have the code %s", other, provider.ID, code)
			}
			codes[code] = provider.ID
		}
		if provider.CountryCode == "FRA" && provider.BranchName != "" && len(provider.BankCodes) != 1 {
			t.Errorf("%s %s has the codes %v", provider.Name, provider.BranchName, provider.BankCodes)
		}
	}
	for name, want := range map[string]int{"Crédit Agricole": 39, "Caisse d'Épargne": 15, "Banque Populaire": 12} {
		if houses[name] != want {
			t.Errorf("%s has %d houses, want %d", name, houses[name], want)
		}
	}
}

// An operator learns whether each server of a bank answers, with the data as they are.
func TestABankIsChecked(t *testing.T) {
	there := httptest.NewServer(http.NotFoundHandler())
	defer there.Close()
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	file := strings.NewReplacer("https://api.example.com/stet", there.URL+"/stet", "https://login.example.com/token", away.URL+"/token").Replace(checked)
	c := load(t, catalogue.Options{Sandbox: true, TestBankURL: "http://127.0.0.1:1", Extra: fstest.MapFS{"own.json": {Data: []byte(file)}}})
	contacts, err := c.Check(t.Context(), "7")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, contact := range contacts {
		got = append(got, fmt.Sprint(contact.Definition, " ", contact.Name, " ", contact.Status, " ", contact.Err == nil))
	}
	want := []string{"701 base_url 404 true", "701 token_url 0 false", "701 authorize_url 0 false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = c.Check(t.Context(), "8")
	if !errors.Is(err, catalogue.ErrUnknown) {
		t.Errorf("an unknown provider: %v", err)
	}
}

// checked is a bank whose authorization server lacks a setting.
const checked = `{
	"id": "7", "name": "Checked", "base_url": "https://www.example.com", "country_code": "FRA",
	"channel_definitions": [{
		"id": "701", "mode": "REDIRECT", "account_types": ["CHECKINGS"], "connector": "stet",
		"config": {
			"version": "1.5", "base_url": "https://api.example.com/stet",
			"oauth": {"authorize_url": "{{own_login}}", "token_url": "https://login.example.com/token", "client_id": "us", "client_authentication": "none", "scopes": "aisp"},
			"consent_model": "full", "consent_days": 180, "unattended_per_day": 4,
			"history": {"days": 90, "date_format": "date"}, "id_field": "entryReference", "ids": "STABLE"
		}
	}]
}`
