package vault

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/oxlin/oxlin"
)

// Vault seals and opens values. Each sealed value has a key of its own, which is sealed
// with the master key beside it (envelope encryption). It is safe for concurrent use.
type Vault struct{ master master }

// Options name the source of the master key. Socket has precedence over Key, and Key over Command.
// Without them, KeyFile is read; if it does not exist, it is created with mode 0600.
type Options struct {
	// Socket is the path of the keeper's socket. The key stays in the keeper's process.
	Socket string
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

// absent returns the content of a key file that does not exist.
func (o Options) absent() func(path string) ([]byte, error) {
	if !o.Existing {
		return createKeyFile
	}
	return func(path string) ([]byte, error) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
}

// Open returns a vault. Nodes that share a database must share the key. A keeper that is away is
// no error yet.
func Open(options Options) (*Vault, error) {
	if options.Socket != "" {
		return &Vault{newRemote(options.Socket)}, nil
	}
	master, err := OpenMaster(options)
	if err != nil {
		return nil, err
	}
	return &Vault{master}, nil
}

// Check returns ErrAway while the master key cannot be used.
func (v *Vault) Check() error {
	_, err := v.master.Names()
	return err
}

// Away reports whether the last operation found the keeper of the master key away. It asks nobody.
func (v *Vault) Away() bool {
	r, ok := v.master.(*remote)
	return ok && r.failing.Load()
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
	key, err := v.master.fresh()
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s: %w", where.Table, where.Column, err)
	}
	defer clear(key.plain)
	sealed, err := key.seal(plain, where.associatedData())
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s: %w", where.Table, where.Column, err)
	}
	return sealed, nil
}

// Open decrypts bytes that were sealed for the same place, with the present key or an
// older one of the keyset. Changed or moved bytes do not open: the error is ErrUnopened. ErrAway
// says nothing about the bytes.
func (v *Vault) Open(sealed []byte, where Place) ([]byte, error) {
	opened, err := v.OpenAll([]Sealed{{sealed, where}})
	if err != nil {
		return nil, err
	}
	return opened[0].Plain, opened[0].Err
}

// Sealed is a sealed value with its place.
type Sealed struct {
	Value []byte
	Place Place
}

// Opened is a value that OpenAll has decrypted. Err is ErrUnopened or nil.
type Opened struct {
	Plain []byte
	Err   error
}

// OpenAll is Open for many values, which takes a keeper as long as one. Its own error says nothing
// about a single one of them.
func (v *Vault) OpenAll(list []Sealed) ([]Opened, error) {
	opened := make([]Opened, len(list))
	var wrapped, rests [][]byte
	var at []int
	for i, one := range list {
		key, rest, err := parseEnvelope(one.Value)
		if err != nil {
			opened[i].Err = unopened(one.Place)
			continue
		}
		wrapped, rests, at = append(wrapped, key), append(rests, rest), append(at, i)
	}
	if len(at) == 0 {
		return opened, nil
	}
	keys, err := v.master.Unwrap(wrapped)
	if err != nil {
		return nil, fmt.Errorf("open %s.%s: %w", list[at[0]].Place.Table, list[at[0]].Place.Column, err)
	}
	for j, i := range at {
		opened[i].Plain, err = openEnvelope(keys[j], rests[j], list[i].Place.associatedData())
		clear(keys[j])
		if err != nil {
			opened[i] = Opened{Err: unopened(list[i].Place)}
		}
	}
	return opened, nil
}

func unopened(where Place) error {
	return fmt.Errorf("open %s.%s: %w", where.Table, where.Column, ErrUnopened)
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
	all, err := v.master.Hashes([][]byte{data})
	if err != nil {
		return nil, fmt.Errorf("keyed hash: %w", err)
	}
	return all[0], nil
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

var (
	// ErrAway means that the keeper of the master key does not answer. The same call may succeed
	// later, and nothing is known about what it was for. It is the cause of a CodeUnavailable.
	ErrAway = errors.New("the keeper of the master key does not answer")
	// ErrUnopened means that a value can never be opened here. A caller that goes on without a
	// value does so for this error alone.
	ErrUnopened = errors.New("sealed with another key, for another place, or changed since")
)
