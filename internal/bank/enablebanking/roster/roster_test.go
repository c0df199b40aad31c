package roster_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/banktest"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/enablebanking/enabletest"
	"github.com/oxlin/oxlin/internal/bank/enablebanking/roster"
)

const quarter = 90 * 86400

// operator is an operator with two directories, and the aggregator.
type operator struct {
	t      *testing.T
	server *enabletest.Server
	roster.Options
}

func newOperator(t *testing.T) *operator {
	o := &operator{t: t, server: enabletest.New(t, time.Now)}
	standard := banktest.NewStandard(t, "enablebanking")
	standard.Answers = true
	pictures := banktest.Serve(t, o.server)
	o.Options = roster.Options{
		Application: enablebanking.Application{BaseURL: "https://aggregator.example", ID: enabletest.Application, Key: o.server.Key},
		Country:     "FR", Providers: t.TempDir(), Logos: t.TempDir(), Transport: banktest.Serve(t, standard.Check("", o.server)),
		Pictures: &http.Client{Transport: pictures},
	}
	return o
}

// banks sets the list; each text is a name and a BIC.
func (o *operator) banks(all ...string) {
	o.server.Banks = nil
	for _, one := range all {
		name, bic, _ := strings.Cut(one, " / ")
		o.server.Banks = append(o.server.Banks, enabletest.Bank{
			Name: name, Country: "FR", BIC: bic, Logo: "https://aggregator.example/brands/" + strings.ReplaceAll(name, " ", ""), PSUTypes: []string{"personal"}, Validity: quarter,
		})
	}
}

// run imports, and returns the fates of the banks and their ids by name.
func (o *operator) run() (fates string, ids map[string]oxlin.ProviderID) {
	o.t.Helper()
	report, err := roster.Import(o.t.Context(), o.Options)
	if err != nil {
		o.t.Fatal(err)
	}
	ids = map[string]oxlin.ProviderID{}
	var lines []string
	for _, bank := range report.Banks {
		ids[bank.Name] = bank.ID
		lines = append(lines, string(bank.Fate)+" "+bank.Name)
	}
	return strings.Join(lines, ", "), ids
}

// load reads the catalogue with what was written.
func (o *operator) load() *catalogue.Catalogue {
	o.t.Helper()
	known, err := catalogue.Load(catalogue.Options{
		Extra: os.DirFS(o.Providers), Variables: map[string]string{"enablebanking_application": enabletest.Application, "enablebanking_key": o.server.Key},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return known
}

func (o *operator) wantFates(want string) map[string]oxlin.ProviderID {
	o.t.Helper()
	fates, ids := o.run()
	if fates != want {
		o.t.Errorf("the import says %q, want %q", fates, want)
	}
	return ids
}

func TestIDsStayForEver(t *testing.T) {
	o := newOperator(t)
	o.banks("One / ONEBFRPP", "Two / TWOBFRPPXXX", "Three", "Brand A / BRANFRPP", "Brand B / BRANFRPP")
	first := o.wantFates("added One, added Two, added Three, added Brand A, added Brand B")
	if again := o.wantFates("unchanged One, unchanged Two, unchanged Three, unchanged Brand A, unchanged Brand B"); again["One"] != first["One"] {
		t.Error("an id has changed")
	}
	seen := map[oxlin.ProviderID]bool{}
	for _, id := range first {
		seen[id] = true
	}
	if len(seen) != 5 {
		t.Errorf("ids are %v", first)
	}

	// A bank is renamed, another takes its name, one vanishes, and a brand has another BIC.
	o.banks("One / NEWBFRPP", "Uno / ONEBFRPP", "Two / TWOBFRPP", "Brand A / BRANFRPP", "Brand B / BRBBFRPP")
	second := o.wantFates("added One, renamed Uno, changed Two, unchanged Brand A, changed Brand B, vanished Three")
	if second["Uno"] != first["One"] || second["One"] == first["One"] || second["Two"] != first["Two"] || second["Brand B"] != first["Brand B"] {
		t.Errorf("ids are %v after %v", second, first)
	}
	known := o.load()
	if gone, ok := known.Provider(first["Three"]); !ok || !gone.Unavailable {
		t.Errorf("the bank that vanished is %+v", gone)
	}
	if uno, _ := known.Provider(first["One"]); uno.Name != "Uno" || !uno.Offered() || uno.CountryCode != "FRA" {
		t.Errorf("the renamed bank is %+v", uno)
	}

	// It comes back.
	o.banks("Three", "Uno / ONEBFRPP")
	third := o.wantFates("changed Three, unchanged Uno, vanished Brand A, vanished Brand B, vanished Two, vanished One")
	if back, _ := o.load().Provider(first["Three"]); third["Three"] != first["Three"] || back.Unavailable {
		t.Errorf("the bank that is back is %+v", back)
	}

	// A BIC of two brands says nothing of either, once both have other names.
	brands := newOperator(t)
	brands.banks("Brand A / BRANFRPP", "Brand B / BRANFRPP")
	brands.run()
	brands.banks("Marque A / BRANFRPP", "Marque B / BRANFRPP")
	if fates, _ := brands.run(); strings.Count(fates, "added") != 2 || strings.Count(fates, "vanished") != 2 {
		t.Errorf("of two brands the import says %q", fates)
	}

	brand := newOperator(t)
	brand.banks("Brand A / BRANFRPP", "Brand B / BRANFRPP")
	brand.run()
	brand.banks("Brand A / BRANFRPP", "Brand C / BRANFRPP")
	brand.wantFates("unchanged Brand A, renamed Brand C")
	split := newOperator(t)
	split.banks("Solo / SOLOFRPP")
	split.run()
	split.banks("Uno / SOLOFRPP", "Due / SOLOFRPP")
	split.wantFates("added Uno, added Due, vanished Solo")

	written := newOperator(t)
	written.banks("Crédit Example")
	before := written.wantFates("added Crédit Example")
	written.banks("CREDIT EXAMPLE")
	if after := written.wantFates("renamed CREDIT EXAMPLE"); after["CREDIT EXAMPLE"] != before["Crédit Example"] {
		t.Errorf("a name in capitals is %v after %v", after, before)
	}

	// Another installation gives the same ids.
	other := newOperator(t)
	other.banks("One / ONEBFRPP", "Three")
	if ids := other.wantFates("added One, added Three"); ids["One"] != first["One"] || ids["Three"] != first["Three"] {
		t.Errorf("elsewhere ids are %v, here %v", ids, first)
	}
}

func TestAnEmptyListChangesNothing(t *testing.T) {
	o := newOperator(t)
	o.banks("One / ONEBFRPP")
	o.wantFates("added One")
	for name, spoil := range map[string]func(){
		"empty":       func() { o.banks() },
		"unavailable": func() { o.server.Fail["GET aspsps"] = "ASPSP_ERROR" },
	} {
		spoil()
		report, err := roster.Import(t.Context(), o.Options)
		if err == nil || len(report.Banks) != 0 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	if one := o.load().Providers(); !slices.ContainsFunc(one, func(p oxlin.Provider) bool { return p.Name == "One" && !p.Unavailable }) {
		t.Error("the bank is gone")
	}
}

// What an operator writes into a file stays, and a foreign file of the name is refused.
func TestWhatAnOperatorAddsStays(t *testing.T) {
	o := newOperator(t)
	o.banks("One / ONEBFRPP")
	id := o.wantFates("added One")["One"]
	path := filepath.Join(o.Providers, "enablebanking-FR-"+string(id)+".json")
	var file map[string]any
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	file["common"], file["aliases"] = true, "Uno"
	config := file["channel_definitions"].([]any)[0].(map[string]any)["config"].(map[string]any)
	config["ids"], config["history"] = "NONE", map[string]any{"days": 365}
	text, err = json.Marshal(file)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	o.server.Banks[0].Headers, o.server.Banks[0].Validity = []string{"Psu-Ip-Address"}, quarter/2
	o.wantFates("changed One")
	provider, _ := o.load().Provider(id)
	connector, err := o.load().Connector(id, provider.ChannelDefinitions[0].ID)
	if err != nil || !provider.Common || !slices.Equal(provider.Aliases, []string{"Uno"}) || connector.Profile().HistoryDays != 365 || connector.Profile().IDs != "NONE" {
		t.Errorf("the provider is %+v, %v", provider, err)
	}
	err = os.WriteFile(filepath.Join(o.Providers, "enablebanking-mine.json"), []byte(`{"id":"9"}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = roster.Import(t.Context(), o.Options)
	if err == nil || !strings.Contains(err.Error(), "enablebanking-mine.json") {
		t.Errorf("a foreign file: %v", err)
	}
}

// A bank that the catalogue has gets a further definition, and is offered by it although the
// direct interface lacks its certificates.
func TestABankOfTheCatalogueGetsAFurtherDefinition(t *testing.T) {
	o := newOperator(t)
	built, err := catalogue.Load(catalogue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.Known = built.Providers()
	o.banks("La Banque Postale / PSSTFRPP", "CREDIT AGRICOLE ILE DE FRANCE / AGRIFRPP882", "Boursorama Banque", "Nobody Knows", "N26", "n26")
	ids := o.wantFates("joined La Banque Postale, joined CREDIT AGRICOLE ILE DE FRANCE, joined Boursorama Banque, added Nobody Knows, added N26, added n26")
	if ids["La Banque Postale"] != "1600" || ids["CREDIT AGRICOLE ILE DE FRANCE"] != "1023" || ids["Boursorama Banque"] != "1900" {
		t.Errorf("ids are %v", ids)
	}
	known := o.load()
	if len(known.Providers()) != len(built.Providers())+3 {
		t.Errorf("%d providers, want %d", len(known.Providers()), len(built.Providers())+3)
	}
	postale, _ := known.Provider("1600")
	if len(postale.ChannelDefinitions) != 2 || !postale.Offered() || postale.Unavailable || len(postale.Lacks) != 0 {
		t.Fatalf("the bank is %+v", postale)
	}
	direct, added := postale.ChannelDefinitions[0], postale.ChannelDefinitions[1]
	if !direct.Unavailable || added.Unavailable || added.ID != "160090" {
		t.Errorf("its definitions are %+v and %+v", direct, added)
	}
	connector, err := known.Connector("1600", "160090")
	if _, ours := connector.(*enablebanking.Connector); err != nil || !ours {
		t.Errorf("the connector is %T, %v", connector, err)
	}
	leads, err := catalogue.Load(catalogue.Options{
		Extra: os.DirFS(o.Providers), Transport: o.Transport,
		Variables: map[string]string{"enablebanking_application": enabletest.Application, "enablebanking_key": o.server.Key},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.server.Redirects = []string{"https://oxlin.example/oauth2/aisp"}
	connector, err = leads.Connector("1600", "160090")
	if err != nil {
		t.Fatal(err)
	}
	page, err := banktest.Leave(t.Context(), connector, bank.Journey{RedirectURI: o.server.Redirects[0], RedirectState: "the-state"})
	if err != nil || !strings.HasPrefix(o.server.Approve(page), o.server.Redirects[0]+"?code=") {
		t.Errorf("the login is at %s, %v", page, err)
	}
	_, err = known.Connector("1600", direct.ID)
	if err == nil {
		t.Error("the direct interface has a connector without its certificates")
	}
	o.wantFates("unchanged La Banque Postale, unchanged CREDIT AGRICOLE ILE DE FRANCE, unchanged Boursorama Banque, unchanged Nobody Knows, unchanged N26, unchanged n26")

	// A second bank of the name does not take the place of one that has vanished.
	o.banks("La Banque Postale / OTHRFRPP", "La Banque-Postale / PSSTFRPP", "Nobody Knows")
	fates, ids := o.run()
	if !strings.HasPrefix(fates, "added La Banque Postale, renamed La Banque-Postale, unchanged Nobody Knows") || ids["La Banque-Postale"] != "1600" || ids["La Banque Postale"] == "1600" {
		t.Errorf("the import says %q, and the ids are %v", fates, ids)
	}
	o.load()

	// Without the application's settings the bank is offered to nobody, as before.
	bare, err := catalogue.Load(catalogue.Options{Extra: os.DirFS(o.Providers)})
	if err != nil {
		t.Fatal(err)
	}
	if lacking, _ := bare.Provider("1600"); lacking.Offered() || !lacking.Unavailable || len(lacking.Lacks) < 2 {
		t.Errorf("without settings the bank is %+v", lacking)
	}
}

// The same bank for business accounts is a provider of its own, and neither import touches the
// banks of the other.
func TestBusinessAccountsHaveProvidersOfTheirOwn(t *testing.T) {
	o := newOperator(t)
	built, err := catalogue.Load(catalogue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.Known = built.Providers()
	o.banks("La Banque Postale / PSSTFRPP", "One / ONEBFRPP")
	for i := range o.server.Banks {
		o.server.Banks[i].PSUTypes = []string{"personal", "business"}
	}
	personal := o.wantFates("joined La Banque Postale, added One")
	o.PSUType = enablebanking.Business
	business := o.wantFates("added La Banque Postale, added One")
	o.PSUType = ""
	o.wantFates("unchanged La Banque Postale, unchanged One")
	known := o.load()
	for name, id := range business {
		provider, _ := known.Provider(id)
		if id == personal[name] || provider.Name != name || provider.BranchName != "Business" || !provider.Offered() {
			t.Errorf("%s for business is %+v", name, provider)
		}
	}
}

func TestPicturesAreDrawnAnew(t *testing.T) {
	drawn := func(width int, encode func(*bytes.Buffer, image.Image) error) []byte {
		var out bytes.Buffer
		err := encode(&out, image.NewRGBA(image.Rect(0, 0, width, 32)))
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	asPNG := func(out *bytes.Buffer, i image.Image) error { return png.Encode(out, i) }
	o := newOperator(t)
	o.banks("Good", "Photo", "Huge", "Wide", "Drawing", "Missing", "Had")
	o.server.Pictures = map[string][]byte{
		"/brands/Good":  append(drawn(32, asPNG), "<script>"...),
		"/brands/Photo": drawn(32, func(out *bytes.Buffer, i image.Image) error { return jpeg.Encode(out, i, nil) }),
		"/brands/Huge":  make([]byte, 2<<20), "/brands/Wide": drawn(5000, asPNG), "/brands/Drawing": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
		"/brands/Had": drawn(32, asPNG),
	}
	o.server.Banks[0].Logo += "/"
	o.server.Pictures["/brands/Good/-/resize/256x/"] = o.server.Pictures["/brands/Good"]
	fates, ids := o.run()
	if !strings.HasPrefix(fates, "added Good") {
		t.Fatal(fates)
	}
	for name, want := range map[string]bool{"Good": true, "Photo": true, "Huge": false, "Wide": false, "Drawing": false, "Missing": false} {
		content, err := os.ReadFile(filepath.Join(o.Logos, string(ids[name])+".png"))
		if (err == nil) != want || bytes.Contains(content, []byte("script")) {
			t.Errorf("%s: %d bytes, %v", name, len(content), err)
		}
		if want {
			_, err = png.Decode(bytes.NewReader(content))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	mine := filepath.Join(o.Logos, string(ids["Had"])+".png")
	err := os.WriteFile(mine, []byte("mine"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	o.run()
	if content, _ := os.ReadFile(mine); string(content) != "mine" {
		t.Error("the operator's picture was replaced")
	}
}
