package widget_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin/internal/scenario"
	"github.com/oxlin/oxlin/internal/store"
)

// Secrets are never in clear in the database or in the log, even without a script to
// encrypt them. The log does not contain the session either.
func TestSecretsAreNowhereInClear(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	const identifier, password, wrong = "dev+questions+sms", "dev-hidden-xyzzy", "wrong-hidden-xyzzy"
	session := p.begin("/widget_session", form("provider_id", "87", "channel_definition_id", "8700"))
	b := p.browser()
	b.open(session.Links["add_connection"])
	b.signIn(identifier, wrong).want("login")
	b.signIn(identifier, password).want("login")
	b.signIn(identifier, "dev").want("challenge")
	b.goOn("313", "soleil", "314", "sesame", "315", "2468", "316", "1988-02-29").want("loading")
	err := w.DB.Close()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(w.path + "*")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]byte{"the log": []byte(w.Log.String())}
	for _, file := range files {
		texts[filepath.Base(file)], err = os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range texts {
		for _, secret := range []string{identifier, password, wrong, "sesame", session.ID, p.access, p.refresh} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds %s in clear", name, secret)
			}
		}
	}
	if !bytes.Contains(texts["test.db"], []byte(`"Entry":"add_connection"`)) {
		t.Error("the file of the database was not written: nothing was searched")
	}
	for _, word := range []string{"msg=widget", "entry=add_connection", "client=sandbox", "user=" + p.id.String(), "flow=1", "status=303"} {
		if !strings.Contains(w.Log.String(), word) {
			t.Errorf("the log lacks %q", word)
		}
	}
}

// Keys are created on demand and reused.
func TestKeys(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		p := w.person(t, sandbox)
		b := p.visit("add_connection", "provider_id", "87", "channel_definition_id", "8700").want("login")
		address := w.URL + b.page.Find("form[data-key]").AttrOr("data-key", "")
		type key struct {
			ID          string `json:"key_id"`
			Fingerprint string
			Point       []byte
		}
		var first key
		for i := range 3 {
			b.open(address)
			if b.status != http.StatusOK || b.answer.Get("Content-Type") != "application/json" || b.answer.Get("Cache-Control") != "no-store" {
				t.Fatalf("%d %v", b.status, b.answer)
			}
			var got key
			err := json.Unmarshal([]byte(b.body), &got)
			if err != nil || len(got.Fingerprint) != 40 || len(got.Point) != 65 {
				t.Fatalf("%+v, %v", got, err)
			}
			if i == 0 {
				first = got
			}
			if !reflect.DeepEqual(got, first) {
				t.Errorf("another key: %+v", got)
			}
		}
		if n, err := w.DB.Read().CountKeys(t.Context(), p.id, w.Clock.Now().AddDate(0, 0, -1)); n != 0 || err != nil {
			t.Errorf("%d keys count as the client's own, %v", n, err)
		}
		// A key that is about to expire is not used.
		w.Clock.Advance(30 * 24 * time.Hour)
		b = w.fresh(p).visit("add_connection", "provider_id", "87", "channel_definition_id", "8700").want("login")
		b.open(w.URL + b.page.Find("form[data-key]").AttrOr("data-key", ""))
		var second key
		err := json.Unmarshal([]byte(b.body), &second)
		if err != nil || second.ID == first.ID || bytes.Equal(second.Point, first.Point) {
			t.Errorf("%+v, %v", second, err)
		}
	})
}

// If the script encrypts in the browser, the clear text never arrives.
func TestEncryptedInTheBrowser(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	p := w.person(t, sandbox)
	key, err := w.Service.Keys.ForPages(t.Context(), p.caller())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := scenario.Encrypt(key.Public, "dev")
	if err != nil {
		t.Fatal(err)
	}
	send := func(b *browser, id, password string) *browser {
		t.Helper()
		address, values := b.want("login").form("[data-e2e=submit-button]", "300", "dev", "301", password)
		values.Set("key_id", id)
		b.send(http.MethodPost, address, values)
		return b
	}
	visit := func() *browser {
		return p.visit("add_connection", "provider_id", "87", "channel_definition_id", "8700")
	}
	b := send(visit(), key.ID.String(), sealed)
	b.wait().sms("123456").act("consent").wait().wantEnd("success created")
	// A message that cannot be decrypted is asked for again.
	other, err := w.Service.Keys.ForPages(t.Context(), w.person(t, sandbox).caller())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ id, text string }{
		{key.ID.String(), sealed[:len(sealed)/2]}, {key.ID.String(), "-----BEGIN PGP MESSAGE-----\n\nnothing"}, {other.ID.String(), sealed}, {"999999", sealed}, {"", sealed},
	} {
		if b := send(visit(), row.id, row.text); b.at() != "login" || b.status != http.StatusUnprocessableEntity {
			t.Errorf("key %s: %d %s", row.id, b.status, b.at())
		}
	}
	if len(p.connections()) != 1 {
		t.Errorf("%+v", p.connections())
	}
}

// hostile are names with markup and special characters.
const hostile = `<script>alert(1)</script>"' onload="x`

// The names of clients, banks and users are always rendered as text.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	named := client("hostile", hostile, true)
	w.Write(func(tx *store.Tx) error { return tx.SaveClient(t.Context(), named) })
	p := w.person(t, named)
	check := func(b *browser) *browser {
		t.Helper()
		if strings.Contains(b.body, "<script>alert") || b.page.Find("[onload]").Length() > 0 {
			t.Errorf("%s: %s", b.at(), b.body)
		}
		return b
	}
	parameters := []string{
		"terms_header", hostile, "terms_body", hostile + "\n" + hostile, "locale", hostile, "redirect_url", "https://app.example.test/?" + url.QueryEscape(hostile) + hostile,
	}
	b := check(p.visit("add_connection", parameters...))
	search := b.address + "&q=" + url.QueryEscape(hostile)
	b.open(search)
	check(b)
	b.header.Set("X-Fragment", "banks")
	b.open(search)
	check(b)
	b.header.Del("X-Fragment")
	b.open(strings.Replace(search, "q=", "x=", 1))
	check(b.choose("Linxo Test Bank"))
	b.act("authorize").atBank("dev").wait()
	if check(b).page.Find("h1").Text() != hostile {
		t.Errorf("the client's own title is %s", b.page.Find("h1").Text())
	}
	check(b.act("consent").wait().want("done"))
	accounts := p.accounts()
	accounts[0].Name = hostile
	w.Write(func(tx *store.Tx) error { return tx.UpdateAccount(t.Context(), accounts[0]) })
	if b := check(p.visit("manage_accounts").want("accounts")); !strings.Contains(b.text(), hostile) {
		t.Errorf("the account's name is missing: %s", b.text())
	}
}

// An account without a name at its bank has the one that clients see, where the user chooses
// among accounts.
func TestAnAccountWithoutAName(t *testing.T) {
	t.Parallel()
	w := oneWorld(t)
	chooser := client("chooser", "Chooser", true)
	w.Write(func(tx *store.Tx) error { return tx.SaveClient(t.Context(), chooser) })
	p := w.person(t, chooser)
	b := p.visit("add_connection").choose("Linxo Test Bank")
	b.act("authorize").atBank("dev").wait().act("consent").wait().want("done")
	nameless := p.accounts()[0]
	nameless.Name, nameless.Number, nameless.IBAN = "", "", "DE89370400440532013000"
	w.Write(func(tx *store.Tx) error { return tx.UpdateAccount(t.Context(), nameless) })
	b = p.visit("manage_accounts").want("accounts")
	names := b.page.Find(".account .name").Map(func(_ int, name *goquery.Selection) string { return name.Text() })
	if slices.Contains(names, "") || !slices.Contains(names, "Compte courant 3000") {
		t.Errorf("the accounts are named %q", names)
	}
}
