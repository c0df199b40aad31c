package audit

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
)

// hidden holds the parts of an entry that are sealed with the key of its user.
type hidden struct {
	Source string `json:"source,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (k key) box() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.derive("oxlin audit sealed"))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// hide adds the address and the reason to the members of an entry, sealed.
func (k key) hide(members map[string]string, source, reason string) error {
	if source == "" && reason == "" {
		return nil
	}
	text, err := json.Marshal(hidden{source, reason})
	if err != nil {
		return err
	}
	box, err := k.box()
	if err != nil {
		return err
	}
	members[sealedMember] = base64.StdEncoding.EncodeToString(box.Seal(nil, nil, text, nil))
	return nil
}

// reveal opens what hide has sealed.
func (k key) reveal(sealed string) (hidden, error) {
	var h hidden
	bytes, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return h, err
	}
	box, err := k.box()
	if err != nil {
		return h, err
	}
	text, err := box.Open(nil, nil, bytes, nil)
	if err != nil {
		return h, errors.New("sealed with another key, or changed since")
	}
	err = json.Unmarshal(text, &h)
	return h, err
}
