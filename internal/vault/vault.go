package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/oxlin/oxlin"
)

// Vault seals and opens values. Each sealed value has a key of its own, which is sealed
// with the master key beside it (envelope encryption). It is safe for concurrent use.
type Vault struct {
	sealing tink.AEAD
	macKey  []byte
}

// Options name the source of the master key. Key has precedence over Command. Without
// both, KeyFile is read; if it does not exist, it is created with mode 0600.
type Options struct {
	// Key is the content of a key file, plain or in base64, for a process without a
	// disk of its own (OXLIN_MASTER_KEY).
	Key oxlin.Secret
	// Command is run by the shell and prints that content. It may be the client of a
	// key management service.
	Command string
	// KeyFile is the path of the key file.
	KeyFile string
	// Existing refuses to create the key file: a new key opens nothing that is sealed
	// already. The error is fs.ErrNotExist.
	Existing bool
}

// Open returns a vault. Nodes that share a database must share the key.
func Open(options Options) (*Vault, error) {
	absent := createKeyFile
	if options.Existing {
		absent = func(path string) ([]byte, error) {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
	}
	keys, err := readKeys(options, absent)
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

// Place identifies where sealed bytes are stored. They do not open for another place.
type Place struct {
	Table, Column string
	// Row is the row's id, or another name of the row that never changes.
	Row string
}

// associatedData encodes a place; different places have different encodings.
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

// Open decrypts bytes that were sealed for the same place, with the present key or an
// older one of the keyset. Changed or moved bytes do not open.
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

// MAC returns a keyed hash of 32 bytes, which identifies a value that is not stored.
// It does not change when the sealing key is rotated. Data begin with the purpose of
// the hash, so that equal values for different purposes have different hashes.
func (v *Vault) MAC(data []byte) []byte {
	mac := hmac.New(sha256.New, v.macKey)
	mac.Write(data)
	return mac.Sum(nil)
}
