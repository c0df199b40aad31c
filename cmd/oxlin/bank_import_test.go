package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/bank/enablebanking/roster"
)

func TestSettingsMayBeInFiles(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		err := os.WriteFile(path, []byte(text), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("key.pem", "a key\n")
	for text, want := range map[string]string{
		`{"a": "text"}`:              "text",
		`{"a": {"file": "key.pem"}}`: "a key",
		`{"a": {"file": "none"}}`:    "",
		`{"a": {"fill": "secret"}}`:  "",
		`{"a": ["secret"]}`:          "",
		`{"a": "secret"`:             "",
	} {
		settings, err := bankFlags{BankSettings: existingFile(write("settings.json", text))}.settings()
		if (err != nil) != (want == "") || settings["a"] != want {
			t.Errorf("%s: %q, %v", text, settings["a"], err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells a value: %v", err)
		}
	}
}

func TestAnImportSaysWhatIsMissing(t *testing.T) {
	folder := t.TempDir()
	settings := filepath.Join(folder, "settings.json")
	err := os.WriteFile(settings, []byte(`{"enablebanking_application": "an-id"}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for want, command := range map[string]importBanks{
		"not an aggregator":           {From: "enable"},
		"--country is missing":        {From: "enablebanking"},
		"--psu-type is":               {From: "enablebanking", Country: "FR", PSUType: "private"},
		"--providers is missing":      {From: "enablebanking", Country: "FR"},
		`has no "enablebanking_appli`: {From: "enablebanking", Country: "FR", bankFlags: bankFlags{Providers: existingDirectory(folder)}},
		`has no "enablebanking_key"`:  {From: "enablebanking", Country: "FR", bankFlags: bankFlags{Providers: existingDirectory(folder), BankSettings: existingFile(settings)}},
	} {
		_, err := command.options()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// The catalogue that an import compares with lacks what earlier imports have written.
func TestAnImportKnowsTheCatalogueWithoutItself(t *testing.T) {
	folder := t.TempDir()
	settings := filepath.Join(folder, "settings")
	for path, text := range map[string]string{
		settings:                          `{"enablebanking_application": "an-id", "enablebanking_key": "a key"}`,
		filepath.Join(folder, "own.json"): `{"id": "9100", "name": "Own", "country_code": "FRA"}`,
		filepath.Join(folder, "enablebanking-FR-1.json"): `not even JSON`,
	} {
		err := os.WriteFile(path, []byte(text), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	options, err := importBanks{From: "enablebanking", Country: "fr", bankFlags: bankFlags{
		Providers: existingDirectory(folder), BankSettings: existingFile(settings),
	}}.options()
	if err != nil {
		t.Fatal(err)
	}
	own, direct := 0, 0
	for _, provider := range options.Known {
		switch provider.ID {
		case "9100":
			own++
		case "1600":
			direct++
		}
	}
	if own != 1 || direct != 1 || options.Country != "FR" || options.Application.Key != "a key" {
		t.Errorf("the options are %d, %d, %q", own, direct, options.Country)
	}
}

func TestAnImportReportsWhatHasChanged(t *testing.T) {
	var out strings.Builder
	err := writeReport(&out, roster.Report{Unusable: 1, Banks: []roster.Outcome{
		{Fate: roster.Renamed, ID: "7", Name: "New", Former: "Old"}, {Fate: roster.Same, ID: "8", Name: "Quiet"},
		{Fate: roster.Added, ID: "9", Name: "Fresh", Picture: errors.New("too large")},
	}})
	text := out.String()
	if err != nil || !strings.Contains(text, "was Old") || strings.Contains(text, "Quiet") || !strings.Contains(text, "no picture: too large") ||
		!strings.Contains(text, "4 banks: 1 added, 0 joined, 1 renamed, 0 changed, 0 vanished, 1 unchanged, 1 unusable") {
		t.Errorf("%v\n%s", err, text)
	}
}
