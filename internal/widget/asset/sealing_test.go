package asset_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/vault"
)

// key is a user's key pair and its JSON for the script.
type key struct {
	public  string
	private oxlin.Secret
	json    string
}

// theKey is created once for all tests.
var theKey = sync.OnceValues(func() (key, error) {
	now := time.Now()
	public, private, err := vault.NewKey(context.Background(), vault.P256, now, now.AddDate(1, 0, 0))
	if err != nil {
		return key{}, err
	}
	point, err := vault.PublicPoint(public)
	if err != nil {
		return key{}, err
	}
	text, err := json.Marshal(map[string]string{"key_id": "7", "fingerprint": point.Fingerprint, "point": point.Base64})
	return key{public, private, string(text)}, err
})

func aKey(t *testing.T) key {
	t.Helper()
	made, err := theKey()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// serveKey answers at /key.
func (s *site) serveKey(text string) {
	s.mux.HandleFunc("GET /key", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, text)
	})
}

// form has two secrets and another field.
const form = `<main><form method="post" action="/answer" novalidate data-once data-key="/key">
	<input type="hidden" name="attempt" value="42">
	<input id="300" name="300" value="dév &amp; co">
	<input id="301" name="301" type="password" data-encrypt>
	<input id="302" name="302" type="password" data-encrypt pattern="[0-9]+" maxlength="600">
	<button type="submit" id="ok" name="307" value="true">OK</button>
	<button type="submit" id="cancel" name="307" value="false">Cancel</button>
</form></main>`

// fill types into a field.
func fill(id, value string) string {
	text, _ := json.Marshal(value)
	return fmt.Sprintf("document.getElementById(%q).value = %s;", id, text)
}

// opened returns the text of a message that the vault must accept.
func opened(t *testing.T, key key, message string) string {
	t.Helper()
	err := vault.CheckMessage(key.public, message)
	if err != nil {
		t.Errorf("not taken: %v\n%s", err, message)
	}
	plain, err := vault.Decrypt(key.private, message)
	if err != nil {
		t.Errorf("it does not open: %v\n%s", err, message)
	}
	return plain.Reveal()
}

func TestSecretsLeaveTheBrowserEncrypted(t *testing.T) {
	key := aKey(t)
	s := newSite(t)
	s.serveKey(key.json)
	s.page("/login", form)
	tab := newTab(t)
	tab.open(s.address + "/login")
	tab.do(chromedp.SendKeys(chromedp.CSS(`[id="301"]`), "canary é€"))
	tab.run(fill("302", "canary 😀") + `document.getElementById("ok").click();`)
	got := s.posted(tab)
	for id, want := range map[string]string{"301": "canary é€", "302": "canary 😀"} {
		if len(got.form[id]) != 1 {
			t.Fatalf("%s came %d times", id, len(got.form[id]))
		}
		if plain := opened(t, key, got.form.Get(id)); plain != want {
			t.Errorf("%s opens as %q", id, plain)
		}
		got.form.Del(id)
	}
	if strings.Contains(got.body, "canary") {
		t.Errorf("the clear text came, too:\n%s", got.body)
	}
	rest := url.Values{"attempt": {"42"}, "300": {"dév & co"}, "key_id": {"7"}, "307": {"true"}}
	if diff := cmp.Diff(rest, got.form); diff != "" {
		t.Errorf("beside the secrets (-want +got):\n%s", diff)
	}
	tab.waitFor("#arrived")
	s.nothingElse()
}

// An empty field keeps the stored value (contract §4.6), so it is not encrypted.
func TestAnEmptyFieldStaysEmpty(t *testing.T) {
	key := aKey(t)
	s := newSite(t)
	s.serveKey(key.json)
	s.page("/login", form)
	tab := newTab(t)
	tab.open(s.address + "/login")
	tab.run(fill("302", "1234") + `document.getElementById("cancel").click();`)
	got := s.posted(tab)
	if plain := opened(t, key, got.form.Get("302")); plain != "1234" {
		t.Errorf("opens as %q", plain)
	}
	got.form.Del("302")
	rest := url.Values{"attempt": {"42"}, "300": {"dév & co"}, "301": {""}, "key_id": {"7"}, "307": {"false"}}
	if diff := cmp.Diff(rest, got.form); diff != "" {
		t.Errorf("beside the secret (-want +got):\n%s", diff)
	}
}

// some of texts are for the slower programs: the special ones, and one for each length of
// the last cipher block.
const some = 25

// texts are passwords: special ones, some of each length, and fifty random ones.
func texts() []string {
	texts := []string{"", "a", "é", "€", "😀", strings.Repeat("é€😀 x", 100), " \t\r\n ", "\x00", "-----BEGIN PGP MESSAGE-----"}
	for length := 1; length <= 32; length++ {
		texts = append(texts, strings.Repeat("z", length))
	}
	for seed := range 50 {
		texts = append(texts, rapid.StringN(0, 500, -1).Example(seed))
	}
	return texts
}

func TestEveryTextOpensForEveryProgram(t *testing.T) {
	key := aKey(t)
	s := newSite(t)
	s.page("/login", form)
	tab := newTab(t)
	tab.open(s.address + "/login")
	want := texts()
	argument, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	messages := value[[]string](tab, fmt.Sprintf("Promise.all(%s.map((text) => encrypt(%s, text)))", argument, key.json))
	if len(messages) != len(want) {
		t.Fatalf("%d messages of %d texts", len(messages), len(want))
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(messages)))
	if len(distinct) != len(messages) {
		t.Error("two messages are the same")
	}
	t.Run("the vault", func(t *testing.T) {
		for i, message := range messages {
			if plain := opened(t, key, message); plain != want[i] {
				t.Errorf("opens as %q, was %q", plain, want[i])
			}
		}
	})
	t.Run("GnuPG", func(t *testing.T) {
		home := gpgHome(t, key)
		for i, message := range messages[:some] {
			plain := pipe(t, message, "gpg", "--homedir", home, "--batch", "--quiet", "--decrypt")
			if plain != want[i] {
				t.Errorf("opens as %q, was %q", plain, want[i])
			}
		}
	})
	t.Run("OpenPGP.js", func(t *testing.T) {
		input, err := json.Marshal(map[string]any{"privateKey": key.private.Reveal(), "messages": messages[:some]})
		if err != nil {
			t.Fatal(err)
		}
		var plain []string
		err = json.Unmarshal([]byte(pipe(t, string(input), "node", "../../vault/testdata/openpgpjs/decrypt.js")), &plain)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[:some], plain); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// pipe runs a program and returns its output.
func pipe(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	omit.Without(t, 1, "openpgp", name)
	if name == "node" {
		_, err := os.Stat("../../vault/testdata/openpgpjs/node_modules/openpgp")
		if err != nil {
			omit.Skip(t, 1, "the npm package openpgp is not installed (.ci/openpgp)")
		}
	}
	command := exec.CommandContext(t.Context(), name, args...)
	command.Stdin = strings.NewReader(stdin)
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, complaints.String())
	}
	return string(out)
}

// gpgHome returns a directory of GnuPG with the private key. Its agent ends with the test.
func gpgHome(t *testing.T, key key) string {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") // short, because it contains sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	t.Cleanup(func() { exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() })
	err = os.WriteFile(filepath.Join(home, "gpg.conf"), []byte("trust-model always\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	pipe(t, key.private.Reveal(), "gpg", "--homedir", home, "--batch", "--quiet", "--import")
	return home
}

// The server encrypts secrets that arrive in clear. If encryption fails in the browser, the
// form and its button must still be sent.
func TestWithoutEncryptionTheFormGoesAsItIs(t *testing.T) {
	key := aKey(t)
	for _, test := range []struct {
		name string
		// before runs before the script; answer is the response for the key.
		before   string
		answer   http.HandlerFunc
		insecure bool
	}{
		{name: "not in a secure context", insecure: true},
		{name: "without WebCrypto", before: `Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });`},
		{name: "without the event's button", before: `delete SubmitEvent.prototype.submitter;`},
		{name: "without a key", answer: http.NotFound},
		{name: "with a key of another kind", answer: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"key_id":"7"}`) }},
		{name: "with half a key", answer: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"key_id":"7","fingerprint":"0123456789abcdef0123456789abcdef01234567","point":"BAQ="}`)
		}},
		{name: "with a key that never comes", before: hasty, answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{name: "with a hash that fails", before: `SubtleCrypto.prototype.digest = () => Promise.reject(new Error('no'));`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t)
			if test.answer == nil {
				s.serveKey(key.json)
			} else {
				s.mux.HandleFunc("GET /key", test.answer)
			}
			s.mux.HandleFunc("GET /before.js", s.script(test.before))
			s.page("/login", form, "/before.js")
			address := s.address
			if test.insecure {
				address = s.insecure()
			}
			tab := newTab(t)
			tab.open(address + "/login")
			if value[bool](tab, "isSecureContext") == test.insecure {
				t.Fatal("the browser does not see the context as the test does")
			}
			tab.run(fill("301", "secret") + fill("302", "1234") + `document.getElementById("ok").click();`)
			got := s.posted(tab)
			want := url.Values{"attempt": {"42"}, "300": {"dév & co"}, "301": {"secret"}, "302": {"1234"}, "307": {"true"}}
			if diff := cmp.Diff(want, got.form); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			tab.waitFor("#arrived")
			s.nothingElse()
		})
	}
}

func TestPressingAgainWhileItEncryptsSendsOnce(t *testing.T) {
	key := aKey(t)
	s := newSite(t)
	asked, comes := make(chan struct{}), make(chan struct{})
	s.mux.HandleFunc("GET /key", func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		wait(r, comes)
		fmt.Fprint(w, key.json)
	})
	s.page("/login", form)
	tab := newTab(t)
	tab.open(s.address + "/login")
	<-asked
	tab.run(fill("301", "secret"))
	tab.do(chromedp.DoubleClick(chromedp.ID("ok")), chromedp.Click(chromedp.ID("cancel")))
	if disabled := value[string](tab, `document.getElementById("ok").getAttribute("aria-disabled")`); disabled != "true" {
		t.Errorf("aria-disabled is %q", disabled)
	}
	close(comes)
	got := s.posted(tab)
	if plain := opened(t, key, got.form.Get("301")); plain != "secret" || !slices.Equal(got.form["307"], []string{"true"}) {
		t.Errorf("opens as %q; the button is %v", plain, got.form["307"])
	}
	tab.waitFor("#arrived")
	s.nothingElse()
}

// A cancellation while the key is loading takes effect.
func TestAnotherFormThatIsSentMeanwhileWins(t *testing.T) {
	s := newSite(t)
	comes := make(chan struct{})
	s.mux.HandleFunc("GET /key", func(w http.ResponseWriter, r *http.Request) {
		wait(r, comes)
		fmt.Fprint(w, aKey(t).json)
	})
	s.page("/login", strings.Replace(form, "</main>", `<form method="post" action="/stay" data-once>
		<button id="leave" name="action" value="cancel">Cancel</button></form></main>`, 1))
	tab := newTab(t)
	tab.open(s.address + "/login")
	tab.run(fill("301", "secret") + `document.getElementById("ok").click(); document.getElementById("leave").click();`)
	got := s.posted(tab)
	if got.path != "/stay" || got.form.Get("action") != "cancel" {
		t.Errorf("got %s %v", got.path, got.form)
	}
	close(comes)
	tab.until(`document.getElementById("301").value === ""`) // encrypted
	value[bool](tab, `fetch("/key").then(() => true)`)       // after all earlier requests
	s.nothingElse()
}

// The browser may restore a page in the state in which it was left.
func TestAFormThatComesBackIsNewAndHasNoSecret(t *testing.T) {
	key := aKey(t)
	s := newSite(t)
	s.serveKey(key.json)
	s.page("/login", strings.Replace(form, "/answer", "/stay", 1))
	tab := newTab(t)
	tab.open(s.address + "/login")
	for _, secret := range []string{"first", "second"} {
		tab.run(fill("301", secret) + `document.getElementById("ok").click();`)
		got := s.posted(tab)
		if plain := opened(t, key, got.form.Get("301")); plain != secret || len(got.form["301"]) != 1 || len(got.form["307"]) != 1 {
			t.Errorf("opens as %q: %v", plain, got.form)
		}
		if kept := value[string](tab, `document.getElementById("301").value`); kept != "" {
			t.Errorf("the page keeps %q", kept)
		}
		tab.run(`dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));`)
		if value[bool](tab, `document.getElementById("ok").hasAttribute("aria-disabled")`) {
			t.Error("its button is still disabled")
		}
	}
	s.nothingElse()
}
