package passkey_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"testing"

	"github.com/oxlin/oxlin/internal/web/passkey"
	"github.com/oxlin/oxlin/internal/web/passkey/passkeytest"
)

var party = passkey.Party{ID: "console.example", Origins: []string{"https://console.example", "https://console.example:8443"}}

func signers(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"ES256": ec, "EdDSA": ed, "RS256": long}
}

func TestAnAuthenticatorIsVerified(t *testing.T) {
	t.Parallel()
	challenge, other := []byte("a challenge of this test"), []byte("another challenge")
	for name, signer := range signers(t) {
		device := passkeytest.New(t, party.ID, party.Origins[0], signer)
		key, err := party.Register(challenge, device.Create(challenge))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, row := range []struct {
			fact string
			want bool
			make func() passkey.Assertion
		}{
			{"right", true, func() passkey.Assertion { return device.Get(challenge) }},
			{"at the other address", true, func() passkey.Assertion {
				return device.With(func(d *passkeytest.Device) { d.Origin = party.Origins[1] }).Get(challenge)
			}},
			{"another challenge", false, func() passkey.Assertion { return device.Get(other) }},
			{"another page", false, func() passkey.Assertion {
				return device.With(func(d *passkeytest.Device) { d.Origin = "https://console.example.evil.test" }).Get(challenge)
			}},
			{"plain HTTP", false, func() passkey.Assertion {
				return device.With(func(d *passkeytest.Device) { d.Origin = "http://console.example" }).Get(challenge)
			}},
			{"in a frame of another site", false, func() passkey.Assertion {
				return device.With(func(d *passkeytest.Device) { d.CrossOrigin = true }).Get(challenge)
			}},
			{"of another site", false, func() passkey.Assertion {
				return device.With(func(d *passkeytest.Device) { d.Party = "example" }).Get(challenge)
			}},
			{"nobody present", false, func() passkey.Assertion {
				return device.With(func(d *passkeytest.Device) { d.Absent = true }).Get(challenge)
			}},
			{"no PIN", true, func() passkey.Assertion {
				return device.With(func(d *passkeytest.Device) { d.Unverified = true }).Get(challenge)
			}},
			{"a registration", false, func() passkey.Assertion {
				made := device.Create(challenge)
				return passkey.Assertion{ID: made.ID, ClientData: made.ClientData, AuthenticatorData: made.AuthenticatorData}
			}},
			{"changed data", false, func() passkey.Assertion {
				a := device.Get(challenge)
				a.AuthenticatorData[36]++
				return a
			}},
			{"data that go on", false, func() passkey.Assertion {
				a := device.Get(challenge)
				a.AuthenticatorData = append(a.AuthenticatorData, 0)
				return a
			}},
			{"changed client data", false, func() passkey.Assertion {
				a := device.Get(challenge)
				a.ClientData = append(a.ClientData, ' ')
				return a
			}},
			{"no signature", false, func() passkey.Assertion {
				a := device.Get(challenge)
				a.Signature = nil
				return a
			}},
			{"too short", false, func() passkey.Assertion {
				a := device.Get(challenge)
				a.AuthenticatorData = a.AuthenticatorData[:36]
				return a
			}},
			{"another's key", false, func() passkey.Assertion {
				return passkeytest.New(t, party.ID, party.Origins[0], nil).Get(challenge)
			}},
		} {
			_, err := party.Verify(challenge, key, row.make())
			if (err == nil) != row.want {
				t.Errorf("%s, %s: %v", name, row.fact, err)
			}
		}
		strict := party
		strict.Verified = true
		for _, unverified := range []bool{false, true} {
			asked := device.With(func(d *passkeytest.Device) { d.Unverified = unverified })
			_, err := strict.Verify(challenge, key, asked.Get(challenge))
			_, made := strict.Register(challenge, asked.Create(challenge))
			if (err != nil) != unverified || (made != nil) != unverified {
				t.Errorf("%s, where a PIN is required: %v, %v", name, err, made)
			}
		}
		if _, err := party.Verify(nil, key, device.Get(nil)); err == nil {
			t.Errorf("%s: no challenge is one", name)
		}
	}
}

func TestARegistrationIsVerified(t *testing.T) {
	t.Parallel()
	challenge := []byte("a challenge of this test")
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		fact   string
		want   bool
		device func() *passkeytest.Device
		change func(*passkey.Registration)
	}{
		{"right", true, nil, nil},
		{"another curve", false, func() *passkeytest.Device { return passkeytest.New(t, party.ID, party.Origins[0], p384) }, nil},
		{"another site", false, func() *passkeytest.Device { return passkeytest.New(t, "example", party.Origins[0], nil) }, nil},
		{"another page", false, func() *passkeytest.Device { return passkeytest.New(t, party.ID, "https://evil.test", nil) }, nil},
		{"another id", false, nil, func(r *passkey.Registration) { r.ID = []byte("other") }},
		{"no id", false, nil, func(r *passkey.Registration) { r.ID = nil }},
		{"no key", false, nil, func(r *passkey.Registration) { r.PublicKey = nil }},
		{"a key that goes on", false, nil, func(r *passkey.Registration) { r.PublicKey = append(r.PublicKey, 0) }},
		{"no credential in the data", false, nil, func(r *passkey.Registration) { r.AuthenticatorData = r.AuthenticatorData[:50] }},
		{"an assertion", false, nil, func(r *passkey.Registration) {
			r.ClientData = passkeytest.New(t, party.ID, party.Origins[0], nil).Get(challenge).ClientData
		}},
	} {
		device := passkeytest.New(t, party.ID, party.Origins[0], nil)
		if row.device != nil {
			device = row.device()
		}
		made := device.Create(challenge)
		if row.change != nil {
			row.change(&made)
		}
		_, err := party.Register(challenge, made)
		if (err == nil) != row.want {
			t.Errorf("%s: %v", row.fact, err)
		}
	}
}

// Whatever a browser sends, an answer that verifies has the challenge, the page and the
// signature.
func FuzzAnswers(f *testing.F) {
	challenge := []byte("a challenge of this test")
	device := passkeytest.New(f, party.ID, party.Origins[0], nil)
	made, given := device.Create(challenge), device.Get(challenge)
	key, err := party.Register(challenge, made)
	if err != nil {
		f.Fatal(err)
	}
	for _, answer := range []any{made, given} {
		text, err := json.Marshal(answer)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(`{"id":"AA","client_data":"e30"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := passkey.ReadRegistration(text); err == nil {
			_, _ = party.Register(challenge, r) // it does not panic
		}
		a, err := passkey.ReadAssertion(text)
		if err != nil {
			return
		}
		_, err = party.Verify(challenge, key, a)
		if err == nil && (string(a.ClientData) != string(given.ClientData) || string(a.AuthenticatorData) != string(given.AuthenticatorData)) {
			t.Errorf("nobody has signed %s", text)
		}
	})
}
