package console_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/operator"
	"github.com/oxlin/oxlin/internal/web/passkey/passkeytest"
)

const (
	passkeysPath = "/console/account/passkeys"
	removePath   = passkeysPath + "/remove"
	factorPath   = "/console/login/factor"
)

// newDevice returns an authenticator in a browser at the world's console.
func (w *world) newDevice(t *testing.T) *passkeytest.Device {
	t.Helper()
	address, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	return passkeytest.New(t, address.Hostname(), w.url, nil)
}

// challenge returns the challenge of a page's form, and nil without one.
func challenge(t *testing.T, p page, action string) []byte {
	t.Helper()
	text, found := p.html.Find(`form[action="` + action + `"]`).Attr("data-challenge")
	if !found {
		return nil
	}
	read, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(read) != 32 {
		t.Fatalf("the challenge %q: %v", text, err)
	}
	return read
}

func asJSON(t *testing.T, answer any) string {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// addPasskey registers a passkey as the page does.
func (w *world) addPasskey(t *testing.T, device *passkeytest.Device, name string) page {
	t.Helper()
	p := w.get(t, "/console/account")
	return w.submit(t, p, passkeysPath, "passkey_name", name, "passkey", asJSON(t, device.Create(challenge(t, p, passkeysPath))))
}

func (w *world) countPasskeys(t *testing.T) int {
	t.Helper()
	operators, err := w.operators.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := w.operators.Passkeys(t.Context(), operators[0])
	if err != nil {
		t.Fatal(err)
	}
	return len(keys)
}

// half logs in up to the second factor, and returns its page.
func (w *world) half(t *testing.T) page {
	t.Helper()
	w.cookie = nil
	w.login(t)
	return w.get(t, factorPath)
}

func (w *world) usePasskey(t *testing.T, p page, device *passkeytest.Device) page {
	t.Helper()
	return w.submit(t, p, factorPath, "passkey", asJSON(t, device.Get(challenge(t, p, factorPath))))
}

// refusals returns the codes of the refusals in the audit log, and the changes of operators.
func (w *world) refusals(t *testing.T) (codes, changes string) {
	t.Helper()
	err := w.Audit.Flush(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines, err := w.Audit.Find(t.Context(), audit.Filter{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		switch {
		case line.Action == audit.OperatorChanged:
			changes += " " + line.Details["changed"]
		case line.Outcome == audit.Refused:
			codes += " " + line.Details["code"]
		}
	}
	return codes, changes
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		fact string
		test func(t *testing.T, w *world, a app, device *passkeytest.Device)
	}{
		{"a passkey takes the place of a code", func(t *testing.T, w *world, _ app, device *passkeytest.Device) {
			p := w.usePasskey(t, w.half(t), device)
			if p.Header.Get("Location") != "/console" || !w.keep(p) || w.get(t, "/console").StatusCode != http.StatusOK {
				t.Errorf("%d %q", p.StatusCode, p.Header.Get("Location"))
			}
			if _, changes := w.refusals(t); !strings.Contains(changes, "passkey-added") {
				t.Errorf("the audit log has %q", changes)
			}
		}},
		{"the code goes on to work", func(t *testing.T, w *world, a app, _ *passkeytest.Device) {
			w.Clock.Advance(time.Minute)
			w.half(t)
			if p := w.factor(t, a.code(w.Clock.Now())); p.Header.Get("Location") != "/console" {
				t.Errorf("%d", p.StatusCode)
			}
		}},
		{"an answer works once, and for its own session", func(t *testing.T, w *world, _ app, device *passkeytest.Device) {
			p := w.half(t)
			answer := asJSON(t, device.Get(challenge(t, p, factorPath)))
			other := w.half(t)
			if p := w.submit(t, other, factorPath, "passkey", answer); p.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("in another session: %d", p.StatusCode)
			}
			p = w.half(t)
			answer = asJSON(t, device.Get(challenge(t, p, factorPath)))
			half := w.cookie
			if p := w.submit(t, p, factorPath, "passkey", answer); !w.keep(p) {
				t.Fatalf("the first time: %d", p.StatusCode)
			}
			w.cookie = half
			if p := w.submit(t, p, factorPath, "passkey", answer); p.StatusCode == http.StatusOK || p.Header.Get("Location") == "/console" {
				t.Errorf("again: %d %q", p.StatusCode, p.Header.Get("Location"))
			}
		}},
		{"a wrong answer spends the challenge", func(t *testing.T, w *world, _ app, device *passkeytest.Device) {
			p := w.half(t)
			right := asJSON(t, device.Get(challenge(t, p, factorPath)))
			for _, wrong := range []string{"x", "{}", asJSON(t, device.Get([]byte("another")))} {
				if p := w.submit(t, p, factorPath, "passkey", wrong); p.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("%s: %d", wrong, p.StatusCode)
				}
			}
			if p := w.submit(t, p, factorPath, "passkey", right); p.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("after wrong ones: %d", p.StatusCode)
			}
			if codes, _ := w.refusals(t); strings.Count(codes, "wrong_factor") != 4 {
				t.Errorf("the audit log has %q", codes)
			}
		}},
		{"a challenge ends after five minutes", func(t *testing.T, w *world, _ app, device *passkeytest.Device) {
			p := w.half(t)
			answer := asJSON(t, device.Get(challenge(t, p, factorPath)))
			w.Clock.Advance(5 * time.Minute)
			if p := w.submit(t, p, factorPath, "passkey", answer); p.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%d", p.StatusCode)
			}
		}},
		{"a counter that goes back is refused and recorded", func(t *testing.T, w *world, _ app, device *passkeytest.Device) {
			p := w.usePasskey(t, w.half(t), device.With(func(d *passkeytest.Device) { d.Count = 50 }))
			if p.Header.Get("Location") != "/console" {
				t.Fatalf("%d", p.StatusCode)
			}
			for _, count := range []uint32{50, 10, 0} {
				copied := device.With(func(d *passkeytest.Device) { d.Count, d.Step = count, 0 })
				if p := w.usePasskey(t, w.half(t), copied); p.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(p.text, "may have been copied") {
					t.Errorf("%d: %d", count, p.StatusCode)
				}
			}
			if codes, _ := w.refusals(t); strings.Count(codes, "passkey_counter") != 3 {
				t.Errorf("the audit log has %q", codes)
			}
		}},
		{"an authenticator without a counter works", func(t *testing.T, w *world, _ app, _ *passkeytest.Device) {
			still := w.newDevice(t).With(func(d *passkeytest.Device) { d.Step = 0 })
			w.addPasskey(t, still, "Still")
			for range 2 {
				if p := w.usePasskey(t, w.half(t), still); p.Header.Get("Location") != "/console" {
					t.Errorf("%d", p.StatusCode)
				}
			}
		}},
		{"another's passkey, and one of another page, open nothing", func(t *testing.T, w *world, _ app, device *passkeytest.Device) {
			for _, wrong := range []*passkeytest.Device{
				w.newDevice(t), device.With(func(d *passkeytest.Device) { d.Origin = "https://evil.test" }), device.With(func(d *passkeytest.Device) { d.Party = "evil.test" }),
			} {
				if p := w.usePasskey(t, w.half(t), wrong); p.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("%s at %s: %d", wrong.Party, wrong.Origin, p.StatusCode)
				}
			}
		}},
		{"a removed passkey opens nothing", func(t *testing.T, w *world, _ app, device *passkeytest.Device) {
			full := w.cookie
			p := w.half(t)
			answer, half := asJSON(t, device.Get(challenge(t, p, factorPath))), w.cookie
			w.cookie = full
			if p := w.submit(t, w.get(t, "/console/account"), removePath); p.Header.Get("Location") != "/console/account?done" {
				t.Fatalf("%d", p.StatusCode)
			}
			w.cookie = half
			if p := w.submit(t, p, factorPath, "passkey", answer); p.Header.Get("Location") != "/console/login" {
				t.Errorf("a session that waits: %d %q", p.StatusCode, p.Header.Get("Location"))
			}
			if challenge(t, w.half(t), factorPath) != nil {
				t.Error("the page asks for it")
			}
			if _, changes := w.refusals(t); !strings.Contains(changes, "passkey-removed") {
				t.Errorf("the audit log has %q", changes)
			}
		}},
		{"a reset takes it away", func(t *testing.T, w *world, _ app, _ *passkeytest.Device) {
			_, err := w.operators.Reset(t.Context(), operator.FirstName)
			if err != nil {
				t.Fatal(err)
			}
			if n := w.countPasskeys(t); n != 0 {
				t.Errorf("%d are left", n)
			}
		}},
		{"it confirms, with the password", func(t *testing.T, w *world, _ app, device *passkeytest.Device) {
			w.seed(t)
			const path = "/console/clients/budget"
			w.Clock.Advance(10 * time.Minute)
			confirm := func(password string) page {
				p := w.get(t, "/console/confirm?back="+path)
				return w.submit(t, p, "/console/confirm", "password", password, "passkey", asJSON(t, device.Get(challenge(t, p, "/console/confirm"))))
			}
			if p := confirm("wrong"); p.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("with a wrong password: %d", p.StatusCode)
			}
			if p := w.submit(t, w.get(t, path), path+"/rotate"); p.StatusCode != http.StatusSeeOther {
				t.Errorf("the secret, before: %d", p.StatusCode)
			}
			if p := confirm(password); p.Header.Get("Location") != path {
				t.Fatalf("%d %s", p.StatusCode, p.text)
			}
			if p := w.submit(t, w.get(t, path), path+"/rotate"); p.StatusCode != http.StatusOK {
				t.Errorf("the secret: %d", p.StatusCode)
			}
		}},
		{"what is refused at the registration", func(t *testing.T, w *world, _ app, device *passkeytest.Device) {
			for fact, add := range map[string]func() page{
				"the same again": func() page { return w.addPasskey(t, device, "Again") },
				"no name":        func() page { return w.addPasskey(t, w.newDevice(t), " ") },
				"a long name":    func() page { return w.addPasskey(t, w.newDevice(t), strings.Repeat("x", 61)) },
				"another page": func() page {
					return w.addPasskey(t, w.newDevice(t).With(func(d *passkeytest.Device) { d.Origin = "https://evil.test" }), "Evil")
				},
				"nothing": func() page { return w.submit(t, w.get(t, "/console/account"), passkeysPath, "passkey_name", "None") },
				"an old page": func() page {
					old := w.get(t, "/console/account")
					w.get(t, "/console/account")
					return w.submit(t, old, passkeysPath, "passkey_name", "Old", "passkey", asJSON(t, w.newDevice(t).Create(challenge(t, old, passkeysPath))))
				},
			} {
				if p := add(); p.StatusCode != http.StatusUnprocessableEntity || p.html.Find("p.bad[role=alert]").Length() == 0 || w.countPasskeys(t) != 1 {
					t.Errorf("%s: %d, %d passkeys", fact, p.StatusCode, w.countPasskeys(t))
				}
			}
			for range 9 {
				w.addPasskey(t, w.newDevice(t), "One more")
			}
			if p := w.addPasskey(t, w.newDevice(t), "Too many"); p.StatusCode != http.StatusUnprocessableEntity || w.countPasskeys(t) != 10 {
				t.Errorf("the eleventh: %d", p.StatusCode)
			}
		}},
	} {
		t.Run(row.fact, func(t *testing.T) {
			t.Parallel()
			w := sqliteWorld(t)
			w.open(t, false)
			a, _ := w.setUp(t)
			device := w.newDevice(t)
			if p := w.addPasskey(t, device, "Blue key"); p.Header.Get("Location") != "/console/account?done" {
				t.Fatalf("%d %s", p.StatusCode, p.text)
			}
			if got := rows(w.get(t, "/console/account").section("Passkeys").Find("table")); len(got) != 1 || got[0][0] != "Blue key" || got[0][1] != "127.0.0.1" {
				t.Fatalf("the list: %v", got)
			}
			row.test(t, w, a, device)
		})
	}
}

func TestAPasskeyNeedsAnAuthenticatorApp(t *testing.T) {
	t.Parallel()
	w := sqliteWorld(t)
	w.open(t, true)
	w.cookie = nil
	w.login(t)
	if p := w.get(t, "/console/account"); challenge(t, p, passkeysPath) != nil {
		t.Error("the page offers one")
	}
	if p := w.post(t, passkeysPath, "passkey_name", "x", "passkey", asJSON(t, w.newDevice(t).Create([]byte("x")))); p.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d", p.StatusCode)
	}
}
