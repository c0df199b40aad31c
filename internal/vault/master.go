package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// master does what takes the master key: it wraps and unwraps the keys of values, and makes keyed
// hashes. It is a Master in this process, or a remote one, whose errors are ErrAway.
type master interface {
	// fresh returns a new key for one value.
	fresh() (dataKey, error)
	// Unwrap returns the data keys in their order, nil for one that no master key has wrapped.
	Unwrap(wrapped [][]byte) ([][]byte, error)
	// Rewrap wraps data keys with the newest master key. The error of one is ErrUnopened; a key
	// that is wrapped so already is nil.
	Rewrap(wrapped [][]byte) ([]Rewrapped, error)
	// Hashes returns the keyed hashes of each of data with each key, the newest key first.
	Hashes(data [][]byte) ([][][]byte, error)
	// Names names the keys.
	Names() (IDs, error)
}

// Rewrapped is a data key under the newest master key.
type Rewrapped struct {
	// Wrapped is nil for a key that was so already, and one that is lost.
	Wrapped []byte
	// Lost is set for a key that no master key has wrapped.
	Lost bool
}

// IDs are the names of the keys of a key file. They are no secrets: a sealed value begins
// with that of its key.
type IDs struct {
	// Sealing is the key that seals; Older are those that still open.
	Sealing uint32   `json:"sealing"`
	Older   []uint32 `json:"older"`
	// Hashing is the key of new keyed hashes; OlderHashing are those that are still compared.
	Hashing      uint32   `json:"hashing"`
	OlderHashing []uint32 `json:"older_hashing"`
	// Unmarked is the key whose hashes carry no mark: that of before the first rotation.
	Unmarked uint32 `json:"unmarked"`
}

// hashSize is the length of a keyed hash without its mark, and markSize that of a mark.
const hashSize, markSize = sha256.Size, 4

// Mark returns with what a stored hash of a key begins; nil for the one without a mark.
func (i IDs) Mark(id uint32) []byte {
	if id == i.Unmarked {
		return nil
	}
	return binary.BigEndian.AppendUint32(nil, id)
}

// Master is the master key in the memory of this process.
type Master struct {
	wrapping tink.AEAD
	// macKeys are those of recognition, the newest first.
	macKeys []macKey
	names   IDs
}

type macKey struct{ mark, key []byte }

// OpenMaster reads the master key, for a process that does nothing else with it.
func OpenMaster(options Options) (*Master, error) {
	keys, err := readKeys(options, options.absent())
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	master, err := hold(keys)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return master, nil
}

func hold(k keys) (*Master, error) {
	wrapping, err := aead.New(k.sealing)
	if err != nil {
		return nil, err
	}
	recognition, err := prf.NewPRFSet(k.recognition)
	if err != nil {
		return nil, err
	}
	h := &Master{wrapping: wrapping, names: IDs{Hashing: recognition.PrimaryID, Unmarked: k.unmarked}}
	if h.names.Unmarked == 0 {
		h.names.Unmarked = recognition.PrimaryID
	}
	primary, err := k.sealing.Primary()
	if err != nil {
		return nil, err
	}
	h.names.Sealing = primary.KeyID()
	for i := range k.sealing.Len() {
		entry, err := k.sealing.Entry(i)
		if err != nil {
			return nil, err
		}
		if entry.KeyID() != h.names.Sealing {
			h.names.Older = append(h.names.Older, entry.KeyID())
		}
	}
	for id := range recognition.PRFs {
		if id != recognition.PrimaryID {
			h.names.OlderHashing = append(h.names.OlderHashing, id)
		}
	}
	slices.Sort(h.names.OlderHashing)
	for _, id := range append([]uint32{recognition.PrimaryID}, h.names.OlderHashing...) {
		key, err := recognition.PRFs[id].ComputePRF([]byte("oxlin mac"), hashSize)
		if err != nil {
			return nil, err
		}
		h.macKeys = append(h.macKeys, macKey{h.names.Mark(id), key})
	}
	return h, nil
}

// Hashes implements master.
func (m *Master) Hashes(data [][]byte) ([][][]byte, error) {
	all := make([][][]byte, len(data))
	for i, one := range data {
		all[i] = make([][]byte, len(m.macKeys))
		for j, k := range m.macKeys {
			mac := hmac.New(sha256.New, k.key)
			mac.Write(one)
			all[i][j] = mac.Sum(slices.Clone(k.mark))
		}
	}
	return all, nil
}

// Names implements master.
func (m *Master) Names() (IDs, error) { return m.names, nil }

// Wrap wraps data keys with the newest master key.
func (m *Master) Wrap(plain [][]byte) ([][]byte, error) {
	wrapped := make([][]byte, len(plain))
	for i, key := range plain {
		var err error
		wrapped[i], err = m.wrapping.Encrypt(key, nil)
		if err != nil {
			return nil, err
		}
	}
	return wrapped, nil
}

// Unwrap implements master.
func (m *Master) Unwrap(wrapped [][]byte) ([][]byte, error) {
	plain := make([][]byte, len(wrapped))
	for i, key := range wrapped {
		opened, err := m.wrapping.Decrypt(key, nil)
		if err == nil {
			plain[i] = opened
		}
	}
	return plain, nil
}

// Rewrap implements master.
func (m *Master) Rewrap(wrapped [][]byte) ([]Rewrapped, error) {
	list := make([]Rewrapped, len(wrapped))
	for i, key := range wrapped {
		if len(key) < wrappedHead || key[0] != wrappedForm {
			list[i].Lost = true
			continue
		}
		if binary.BigEndian.Uint32(key[1:]) == m.names.Sealing {
			continue
		}
		plain, err := m.wrapping.Decrypt(key, nil)
		if err != nil {
			list[i].Lost = true
			continue
		}
		list[i].Wrapped, err = m.wrapping.Encrypt(plain, nil)
		clear(plain)
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (m *Master) fresh() (dataKey, error) {
	plain, err := newDataKey()
	if err != nil {
		return dataKey{}, err
	}
	wrapped, err := m.Wrap([][]byte{plain})
	if err != nil {
		return dataKey{}, err
	}
	return dataKey{plain, wrapped[0]}, nil
}

// dekLength is how many bytes at the beginning of a sealed value tell the length of its
// wrapped key, which begins with a byte for the format and the id of the key that wraps it.
const (
	dekLength   = 4
	wrappedHead = 5
	wrappedForm = 1
)

// Wrapping returns the bytes from dekLength on with which a sealed value of a key begins.
// They tell a database which values another key has sealed.
func Wrapping(id uint32) []byte { return binary.BigEndian.AppendUint32([]byte{wrappedForm}, id) }

// KeyOf returns the id of the key that a sealed value needs.
func KeyOf(sealed []byte) (id uint32, ok bool) {
	if len(sealed) < dekLength+wrappedHead || sealed[dekLength] != wrappedForm {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[dekLength+1:]), true
}

// Reseal wraps the key of a sealed value with the present master key. The value itself is
// encrypted as before, by its own key, and stays bound to its place. It returns nil for a
// value that needs nothing. ErrUnopened means that no key of the key file opens the value.
func (v *Vault) Reseal(sealed []byte) ([]byte, error) {
	wrapped, rest, err := parseEnvelope(sealed)
	if err != nil {
		return nil, fmt.Errorf("reseal: %w", err)
	}
	again, err := v.master.Rewrap([][]byte{wrapped})
	switch {
	case err != nil:
		return nil, fmt.Errorf("reseal: %w", err)
	case again[0].Lost:
		return nil, fmt.Errorf("reseal: %w", ErrUnopened)
	case again[0].Wrapped == nil:
		return nil, nil
	}
	return envelope(again[0].Wrapped, rest), nil
}

// IDs returns the names of the keys.
func (v *Vault) IDs() (IDs, error) { return v.master.Names() }
