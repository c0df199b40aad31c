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

// master does what takes the master key: it wraps and unwraps the keys of values, as a
// tink.AEAD does, and makes keyed hashes.
type master interface {
	tink.AEAD
	// hashes returns the keyed hash of data with each key, the newest first.
	hashes(data []byte) ([][]byte, error)
	// ids names the keys.
	ids() (IDs, error)
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

// hashSize is the length of a keyed hash without its mark.
const hashSize = sha256.Size

// Mark returns with what a stored hash of a key begins; nil for the one without a mark.
func (i IDs) Mark(id uint32) []byte {
	if id == i.Unmarked {
		return nil
	}
	return binary.BigEndian.AppendUint32(nil, id)
}

// held is the master key in the memory of this process.
type held struct {
	tink.AEAD
	// macKeys are those of recognition, the newest first.
	macKeys []macKey
	names   IDs
}

type macKey struct{ mark, key []byte }

func hold(k keys) (*held, error) {
	wrapping, err := aead.New(k.sealing)
	if err != nil {
		return nil, err
	}
	recognition, err := prf.NewPRFSet(k.recognition)
	if err != nil {
		return nil, err
	}
	h := &held{AEAD: wrapping, names: IDs{Hashing: recognition.PrimaryID, Unmarked: k.unmarked}}
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

func (h *held) hashes(data []byte) ([][]byte, error) {
	list := make([][]byte, len(h.macKeys))
	for i, k := range h.macKeys {
		mac := hmac.New(sha256.New, k.key)
		mac.Write(data)
		list[i] = mac.Sum(slices.Clone(k.mark))
	}
	return list, nil
}

func (h *held) ids() (IDs, error) { return h.names, nil }

// dekLength is how many bytes at the beginning of a sealed value tell the length of its
// wrapped key, which begins with a byte for the format and the id of the key that wraps it.
const (
	dekLength   = 4
	wrappedHead = 5
)

// Wrapping returns the bytes from dekLength on with which a sealed value of a key begins.
// They tell a database which values another key has sealed.
func Wrapping(id uint32) []byte { return binary.BigEndian.AppendUint32([]byte{1}, id) }

// KeyOf returns the id of the key that a sealed value needs.
func KeyOf(sealed []byte) (id uint32, ok bool) {
	if len(sealed) < dekLength+wrappedHead || sealed[dekLength] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[dekLength+1:]), true
}

// Reseal wraps the key of a sealed value with the present master key. The value itself is
// encrypted as before, by its own key, and stays bound to its place. It returns nil for a
// value that needs nothing. An error means that no key of the key file opens the value.
func (v *Vault) Reseal(sealed []byte) ([]byte, error) {
	names, err := v.master.ids()
	if err != nil {
		return nil, err
	}
	id, ok := KeyOf(sealed)
	if !ok {
		return nil, fmt.Errorf("reseal: %w", errNotSealed)
	}
	if id == names.Sealing {
		return nil, nil
	}
	n := binary.BigEndian.Uint32(sealed)
	if uint64(n) > uint64(len(sealed)-dekLength) {
		return nil, fmt.Errorf("reseal: %w", errNotSealed)
	}
	wrapped, rest := sealed[dekLength:dekLength+n], sealed[dekLength+n:]
	key, err := v.master.Decrypt(wrapped, nil)
	if err != nil {
		return nil, fmt.Errorf("reseal: %w", err)
	}
	defer clear(key)
	again, err := v.master.Encrypt(key, nil)
	if err != nil {
		return nil, fmt.Errorf("reseal: %w", err)
	}
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(again))), again, rest), nil
}

// IDs returns the names of the keys.
func (v *Vault) IDs() (IDs, error) { return v.master.ids() }
