package api_test

import (
	"strings"
	"testing"

	"github.com/ProtonMail/gopenpgp/v3/crypto"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/api"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	w := oneWorld(t, func(*api.Options) {})
	_, token := w.user(t, licensed)
	for _, row := range []struct{ body, field string }{
		{`{}`, "type"},
		{`{"type":"RSA"}`, "type"},
		{`{"type":1}`, "type"},
	} {
		w.send(t, request{method: "POST", path: "/v2.1/keys", token: token, body: row.body}).wantError(t, 400, oxlin.CodeInvalidRequest, row.field)
	}
	// A key needs no agreement: it lets nobody into a bank.
	_, widgetOnly := w.user(t, unlicensed)
	location := w.send(t, request{method: "POST", path: "/v2.1/keys", token: widgetOnly, body: `{"type":"PGP"}`}).want(t, 201).Header.Get("Location")
	got := w.send(t, request{method: "GET", path: "/v2.1" + location, token: widgetOnly}).want(t, 200).object(t)
	if location != "/keys/"+got["id"].(string) || got["type"] != "PGP" {
		t.Errorf("%s: %v", location, got)
	}
	public := got["public_key"].(string)
	key, err := crypto.NewKeyFromArmored(public)
	if err != nil || key.IsPrivate() || !strings.HasPrefix(public, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n") {
		t.Fatalf("%v: %s", err, public)
	}
	expires := int64(got["expiration_date"].(float64))
	if expires != now.AddDate(0, 0, 30).Unix() || !key.CanEncrypt(expires-1) || key.CanEncrypt(expires+1) {
		t.Errorf("expires at %d, and the key says otherwise", expires)
	}
	for _, path := range []string{location, "/keys/2", "/keys/x", "/keys/-1"} {
		w.send(t, request{method: "GET", path: "/v2.1" + path, token: token}).wantError(t, 404, oxlin.CodeNotFound, "")
	}
}
