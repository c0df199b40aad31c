package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/oxlin/oxlin"
)

// Vault seals and opens. Each sealed value has a key of its own, which is sealed
// with the master key beside it (envelope encryption). It is safe for concurrent use.
type Vault struct {
	sealing tink.AEAD
	macKey  []byte
}

// Options say where the master key is. Key wins over Command; without both KeyFile
// is read, and created with mode 0600 where it does not exist.
type Options struct {
	// Key is the content of a key file, as it is or in base64: the way for a
	// process without a disk of its own (OXLIN_MASTER_KEY).
	Key oxlin.Secret
	// Command is run by the shell and prints that content: the way to a key
	// management service, by the service's own client.
	Command string
	// KeyFile is the path of the key file.
	KeyFile string
}

// Open makes a vault. Nodes that share a database must share the key.
func Open(options Options) (*Vault, error) {
	keys, err := readKeys(options, createKeyFile)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	master, err := aead.New(keys.sealing)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	sealing := aead.NewKMSEnvelopeAEAD2(aead.XChaCha20Poly1305KeyTemplate(), master)
	recognition, err := prf.NewPRFSet(keys.recognition)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	macKey, err := recognition.ComputePrimaryPRF([]byte("oxlin mac"), sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return &Vault{sealing, macKey}, nil
}

// Place is where sealed bytes are stored. They open there and nowhere else.
type Place struct {
	Table, Column string
	// Row is the row's id, or what else names it for good.
	Row string
}

// associatedData writes a place so that no two places look the same.
func (p Place) associatedData() []byte {
	var data []byte
	for _, part := range []string{p.Table, p.Column, p.Row} {
		data = binary.AppendUvarint(data, uint64(len(part)))
		data = append(data, part...)
	}
	return data
}

// Seal encrypts bytes for a place. Sealing twice gives different bytes.
func (v *Vault) Seal(plain []byte, where Place) ([]byte, error) {
	sealed, err := v.sealing.Encrypt(plain, where.associatedData())
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s: %w", where.Table, where.Column, err)
	}
	return sealed, nil
}

// Open decrypts what was sealed for the same place, with the present key or with
// an older one of the keyset. What was changed or moved does not open.
func (v *Vault) Open(sealed []byte, where Place) ([]byte, error) {
	plain, err := v.sealing.Decrypt(sealed, where.associatedData())
	if err != nil {
		return nil, fmt.Errorf("open %s.%s: %w", where.Table, where.Column, errors.New("sealed with another key, for another place, or changed since"))
	}
	return plain, nil
}

// SealSecret is Seal for a secret text.
func (v *Vault) SealSecret(secret oxlin.Secret, where Place) ([]byte, error) {
	return v.Seal([]byte(secret.Reveal()), where)
}

// OpenSecret is Open for a secret text.
func (v *Vault) OpenSecret(sealed []byte, where Place) (oxlin.Secret, error) {
	plain, err := v.Open(sealed, where)
	return oxlin.NewSecret(string(plain)), err
}

// MAC is a keyed hash: it recognises a value again without keeping it. The same
// data always give the same 32 bytes, also after the sealing key was rotated, so
// data begin with what the hash is for.
func (v *Vault) MAC(data []byte) []byte {
	mac := hmac.New(sha256.New, v.macKey)
	mac.Write(data)
	return mac.Sum(nil)
}
