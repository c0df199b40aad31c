package enablebanking_test

import (
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/datafile"
	"github.com/oxlin/oxlin/internal/bank/enablebanking"
	"github.com/oxlin/oxlin/internal/bank/psd2"

	"github.com/oxlin/oxlin"
)

// Faults of the data are told with their place, and without the key.
func TestFaultsOfTheDataAreTold(t *testing.T) {
	key := newServer(t, time.Now).Key
	for _, test := range []struct {
		from, to, want string
	}{
		{`"FR"`, `"FRA"`, "$.aspsp.country"},
		{`"Village Bank"`, `""`, "$.aspsp.name: a value is missing"},
		{`7776000`, `0`, "$.maximum_consent_validity"},
		{`"personal"`, `"private"`, "$.psu_type"},
		{`"an-id"`, `""`, "$.application: a value is missing"},
		{"BEGIN PRIVATE", "BEGIN CERTIFIED", "$.key: the text is not a PEM file"},
		{`"days": 365`, `"days": -1`, "$.history.days"},
		{`"days": 365`, `"days": 365, "fresh_minutes": -1`, "$.history.fresh_minutes"},
		{`"Europe/Paris"`, `"Paris"`, "$.zone"},
		{`{"X": "refused"}`, `{"X": "odd"}`, "$.codes.X"},
		{`"personal"`, `"personal", "oauth": {}`, "$.oauth: unknown member"},
	} {
		text := `{"application": "an-id", "key": "` + strings.ReplaceAll(key, "\n", `\n`) + `", "aspsp": {"name": "Village Bank", "country": "FR"},
			"psu_type": "personal", "maximum_consent_validity": 7776000, "history": {"days": 365}, "zone": "Europe/Paris", "codes": {"X": "refused"}}`
		if !strings.Contains(text, test.from) {
			t.Fatalf("nothing is %s", test.from)
		}
		tree, err := datafile.Parse([]byte(strings.Replace(text, test.from, test.to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		var report datafile.Report
		enablebanking.Driver().Read(tree, oxlin.ChannelDefinition{}, report.Root())
		faults := report.Faults()
		if len(faults) != 1 || !strings.HasPrefix(faults[0].String(), test.want) || strings.Contains(faults[0].String(), key[30:60]) {
			t.Errorf("%s: %v, want %s", test.to, faults, test.want)
		}
	}
}

// A key of another application, and one whose clock is wrong, are no end of a user's access.
func TestAnApplicationThatIsNotKnownCostsNoAccess(t *testing.T) {
	v := newVisitor(t, nil)
	config := configOf(v.Server)
	config.Key = newServer(t, time.Now).Key
	for name, connector := range map[string]*enablebanking.Connector{
		"another key":  newConnector(t, config, over(t, v.Server), func() time.Time { return autumn }),
		"clock behind": newConnector(t, configOf(v.Server), over(t, v.Server), func() time.Time { return autumn.AddDate(0, 0, -2) }),
	} {
		_, err := connector.Accounts(t.Context(), v.call, "")
		if failure := bank.AsFailure(err); failure.Kind != bank.Refused || failure.BankCode != "UNAUTHORIZED_ACCESS" {
			t.Errorf("%s: %v", name, err)
		}
	}
	config.Key = "nonsense"
	_, err := enablebanking.New(config, psd2.Deps{})
	if err == nil || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a key that is none: %v", err)
	}
}

// A JWT is signed again before it ends, and after the clock went back.
func TestTheApplicationSignsInTime(t *testing.T) {
	v := newVisitor(t, nil)
	var tokens []string
	for _, after := range []time.Duration{0, 20 * time.Minute, 40 * time.Minute, 60 * time.Minute, -time.Hour} {
		v.now = autumn.Add(after)
		v.accounts(t)
		for _, request := range v.Requests() {
			tokens = append(tokens, request.Header.Get("Authorization"))
		}
	}
	if len(tokens) != 5 || tokens[0] != tokens[1] || tokens[2] == tokens[1] || tokens[3] != tokens[2] || tokens[4] == tokens[3] {
		t.Errorf("the tokens are %q", tokens)
	}
}
