package vault

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/oxlin/oxlin"
)

// Vault seals and opens values. Each sealed value has a key of its own, which is sealed
// with the master key beside it (envelope encryption). It is safe for concurrent use.
type Vault struct {
	sealing tink.AEAD
	master  master
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
	master, err := hold(keys)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return newVault(master), nil
}

func newVault(m master) *Vault {
	return &Vault{aead.NewKMSEnvelopeAEAD2(aead.XChaCha20Poly1305KeyTemplate(), m), m}
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
	plain := []byte(secret.Reveal())
	defer clear(plain)
	return v.Seal(plain, where)
}

// OpenSecret is Open for a secret text.
func (v *Vault) OpenSecret(sealed []byte, where Place) (oxlin.Secret, error) {
	plain, err := v.Open(sealed, where)
	defer clear(plain)
	return oxlin.NewSecret(string(plain)), err
}

// MAC returns the keyed hash of the newest key: it identifies a value that is not stored. Data
// begin with the purpose of the hash, so that equal values for different purposes have different
// hashes. The hash changes when the key of keyed hashes is rotated, and begins with a mark of its
// key: what is stored or given away is compared by MACs or Proves.
func (v *Vault) MAC(data []byte) ([]byte, error) {
	all, err := v.MACs(data)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// MACs returns the keyed hash of each key that is not dropped, that of MAC first: a stored
// one is among them, whenever it was stored.
func (v *Vault) MACs(data []byte) ([][]byte, error) {
	all, err := v.master.hashes(data)
	if err != nil {
		return nil, fmt.Errorf("keyed hash: %w", err)
	}
	return all, nil
}

// Proves reports whether mac is a keyed hash of data, by any key that is not dropped.
func (v *Vault) Proves(mac, data []byte) (bool, error) {
	all, err := v.MACs(data)
	if err != nil {
		return false, err
	}
	same := false
	for _, one := range all {
		same = hmac.Equal(one, mac) || same
	}
	return same, nil
}

// Bits returns the 256 bits of a keyed hash, without its mark.
func Bits(mac []byte) [hashSize]byte { return [hashSize]byte(mac[len(mac)-hashSize:]) }

// ErrAway means that the holder of the master key does not answer. The same call may succeed later.
var ErrAway = errors.New("the holder of the master key does not answer")

// errNotSealed: the bytes are no sealed value.
var errNotSealed = errors.New("it is not sealed")
