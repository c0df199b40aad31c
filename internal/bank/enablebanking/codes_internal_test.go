package enablebanking

import (
	"os"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/oxlin/oxlin/internal/bank/banktest"
)

// errorCodes returns the codes of the official file.
func errorCodes(t *testing.T) (codes []string) {
	t.Helper()
	text, err := os.ReadFile(banktest.Shared(t, 40, "specs", "enable-banking-api.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Components struct {
			Schemas map[string]struct {
				Enum []string `yaml:"enum"`
			} `yaml:"schemas"`
		} `yaml:"components"`
	}
	err = yaml.Unmarshal(text, &file)
	if err != nil || len(file.Components.Schemas["ErrorCode"].Enum) < 30 {
		t.Fatalf("%v, %d codes", err, len(file.Components.Schemas["ErrorCode"].Enum))
	}
	return file.Components.Schemas["ErrorCode"].Enum
}

// No code of the official file is left to its HTTP status.
func TestEachOfficialCodeHasAMeaning(t *testing.T) {
	for _, code := range errorCodes(t) {
		if codes[code] == "" && code != "WEBHOOK_URI_NOT_ALLOWED" { // payments have webhooks, and the status refuses
			t.Errorf("%s means nothing of ours", code)
		}
	}
}
