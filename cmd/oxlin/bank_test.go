package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
)

func TestBankListTellsWhatIsMissing(t *testing.T) {
	providers := []oxlin.Provider{
		{ID: "1", Name: "Open", CountryCode: "FRA", BankCodes: []string{"10107"}, ChannelDefinitions: []oxlin.ChannelDefinition{{Mode: oxlin.ModeRedirect}}},
		{ID: "2", Name: "Closed", BranchName: "East", CountryCode: "FRA", Lacks: []string{"a setting", "a certificate"}, ChannelDefinitions: []oxlin.ChannelDefinition{{Mode: oxlin.ModeEmbedded}}},
		{ID: "3", Name: "Unknown", CountryCode: "BEL"},
	}
	for _, test := range []struct {
		lacking bool
		want    []string
	}{
		{false, []string{"1 Open FRA 10107 REDIRECT offered", "2 Closed East FRA EMBEDDED not configured a setting; a certificate", "3 Unknown BEL no interface"}},
		{true, []string{"2 Closed East FRA EMBEDDED not configured a setting; a certificate", "3 Unknown BEL no interface"}},
	} {
		var out strings.Builder
		err := writeBanks(&out, providers, test.lacking)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n")[1:] {
			got = append(got, strings.Join(strings.Fields(line), " "))
		}
		if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
			t.Errorf("lacking %t: got\n%s", test.lacking, strings.Join(got, "\n"))
		}
	}
}

func TestBankCheckFailsIfAServerIsNotReached(t *testing.T) {
	reached := catalogue.Contact{
		Definition: "101", Name: "base_url", Address: "https://a.example", Status: 401, TLS: "TLS 1.3", Until: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC),
	}
	away := catalogue.Contact{Definition: "101", Name: "token_url", Address: "https://b.example", Err: errors.New("no answer within 15s")}
	var out strings.Builder
	err := writeContacts(&out, []catalogue.Contact{reached})
	if err != nil || !strings.Contains(out.String(), "HTTP 401") || !strings.Contains(out.String(), "2027-01-02") {
		t.Errorf("%v\n%s", err, out.String())
	}
	err = writeContacts(&out, []catalogue.Contact{reached, away})
	if !errors.Is(err, errUnreached) || !strings.Contains(out.String(), "no answer within 15s") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
