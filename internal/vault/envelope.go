package vault

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/oxlin/oxlin/internal/vault/wire"
)

// A sealed value is Tink's envelope: the length of the wrapped data key in four bytes, that key,
// and the value under it. Tink's own type asks for the keys one by one; here those of many values
// are unwrapped at once.

// dataKeys is the kind of the keys of values.
var dataKeys = aead.XChaCha20Poly1305KeyTemplate()

// dataKey is the key of one value.
type dataKey struct{ plain, wrapped []byte }

func newDataKey() ([]byte, error) {
	data, err := registry.NewKeyData(dataKeys)
	if err != nil {
		return nil, err
	}
	return data.GetValue(), nil
}

func aeadOf(key []byte) (tink.AEAD, error) {
	primitive, err := registry.Primitive(dataKeys.GetTypeUrl(), key)
	if err != nil {
		return nil, err
	}
	box, ok := primitive.(tink.AEAD)
	if !ok {
		return nil, errors.New("the key of a value is of another kind")
	}
	return box, nil
}

func (k dataKey) seal(plain, associated []byte) ([]byte, error) {
	box, err := aeadOf(k.plain)
	if err != nil {
		return nil, err
	}
	rest, err := box.Encrypt(plain, associated)
	if err != nil {
		return nil, err
	}
	return envelope(k.wrapped, rest), nil
}

// openEnvelope opens what is behind the wrapped key. A nil key opens nothing.
func openEnvelope(key, rest, associated []byte) ([]byte, error) {
	if key == nil {
		return nil, ErrUnopened
	}
	box, err := aeadOf(key)
	if err != nil {
		return nil, err
	}
	return box.Decrypt(rest, associated)
}

func envelope(wrapped, rest []byte) []byte {
	return slices.Concat(binary.BigEndian.AppendUint32(make([]byte, 0, dekLength), uint32(len(wrapped))), wrapped, rest)
}

// parseEnvelope returns the parts of a sealed value.
func parseEnvelope(sealed []byte) (wrapped, rest []byte, err error) {
	if len(sealed) <= dekLength {
		return nil, nil, ErrUnopened
	}
	n := uint64(binary.BigEndian.Uint32(sealed))
	if n == 0 || n > wire.MostWrapped || n > uint64(len(sealed)-dekLength) {
		return nil, nil, ErrUnopened
	}
	return sealed[dekLength : dekLength+n], sealed[dekLength+n:], nil
}
