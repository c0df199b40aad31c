// Package passkeytest is an authenticator in software, with the browser in front of it.
//
// It must never be part of the platform. Start reading at New.
package passkeytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/oxlin/oxlin/internal/web/passkey"
)

// Device is an authenticator with one passkey.
type Device struct {
	t      testing.TB
	signer crypto.Signer
	id     []byte
	// Party is the host name of the site, and Origin the address of its page.
	Party, Origin string
	// CrossOrigin is set in a frame of another site, Absent if nobody touches the device, and
	// Unverified if it asks for no PIN.
	CrossOrigin, Absent, Unverified bool
	// Count is the last counter; Step is added before each use.
	Count, Step uint32
}

// New returns a device with a new passkey; without a signer, of ES256.
func New(t testing.TB, party, origin string, signer crypto.Signer) *Device {
	t.Helper()
	if signer == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		signer = key
	}
	return &Device{t: t, signer: signer, id: []byte(rand.Text()), Party: party, Origin: origin, Step: 1}
}

// With returns a copy of the device with a change.
func (d *Device) With(change func(*Device)) *Device {
	other := *d
	change(&other)
	return &other
}

// Create answers navigator.credentials.create.
func (d *Device) Create(challenge []byte) passkey.Registration {
	d.t.Helper()
	der, err := x509.MarshalPKIXPublicKey(d.signer.Public())
	if err != nil {
		d.t.Fatal(err)
	}
	attested := append(make([]byte, 16), byte(len(d.id)>>8), byte(len(d.id)))
	return passkey.Registration{
		ID: d.id, ClientData: d.clientData("webauthn.create", challenge), AuthenticatorData: append(d.data(1<<6), append(attested, d.id...)...), PublicKey: der,
	}
}

// Get answers navigator.credentials.get.
func (d *Device) Get(challenge []byte) passkey.Assertion {
	d.t.Helper()
	client, data := d.clientData("webauthn.get", challenge), d.data(0)
	hash := sha256.Sum256(client)
	message, options := append(append([]byte{}, data...), hash[:]...), crypto.SignerOpts(crypto.SHA256)
	if _, ed := d.signer.(ed25519.PrivateKey); ed {
		options = crypto.Hash(0)
	} else {
		sum := sha256.Sum256(message)
		message = sum[:]
	}
	signature, err := d.signer.Sign(rand.Reader, message, options)
	if err != nil {
		d.t.Fatal(err)
	}
	return passkey.Assertion{ID: d.id, ClientData: client, AuthenticatorData: data, Signature: signature}
}

func (d *Device) clientData(kind string, challenge []byte) []byte {
	text, err := json.Marshal(map[string]any{
		"type": kind, "challenge": passkey.Bytes(challenge), "origin": d.Origin, "crossOrigin": d.CrossOrigin,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

func (d *Device) data(flags byte) []byte {
	d.Count += d.Step
	if !d.Absent {
		flags |= 1
	}
	if !d.Unverified {
		flags |= 1 << 2
	}
	party := sha256.Sum256([]byte(d.Party))
	return binary.BigEndian.AppendUint32(append(party[:], flags), d.Count)
}
