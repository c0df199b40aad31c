package vault

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/oxlin/oxlin/internal/store/storetest"
)

// TestStoredJSON holds the master key's file.
func TestStoredJSON(t *testing.T) {
	storetest.Stored[keyText](t, `{"sealing": {"primaryKeyId": 1, "key": []}, "recognition": {"primaryKeyId": 2, "key": []}, "unmarked": 3}`)
}

// The content of a key file does not stay in memory once the keys are read from it.
func TestTheTextOfAKeyFileIsOverwritten(t *testing.T) {
	text, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	for name, given := range map[string][]byte{
		"plain": bytes.Clone(text), "with blanks": append(bytes.Clone(text), "  \n"...),
		"in base64": []byte(base64.StdEncoding.EncodeToString(text)), "not a key": []byte(`{"sealing": "secret"}`),
	} {
		_, err := parseKeys(given)
		if (err != nil) != (name == "not a key") {
			t.Errorf("%s: %v", name, err)
		}
		if len(bytes.Trim(given, "\x00")) > 0 {
			t.Errorf("%s: the text stays", name)
		}
	}
}
