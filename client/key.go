package client

import (
	"fmt"

	"github.com/ProtonMail/gopenpgp/v3/crypto"
)

// Encrypt returns a user's input as the value of a credential whose definition has
// `encrypt`: an armored OpenPGP message for the key. Send the key's id beside the
// credentials as `key_id` (contract §3.5).
func (k *Key) Encrypt(text string) (string, error) { return Encrypt(k.PublicKey, text) }

// Encrypt encrypts for an armored public key.
func Encrypt(publicKey, text string) (string, error) {
	key, err := crypto.NewKeyFromArmored(publicKey)
	if err != nil {
		return "", fmt.Errorf("public key: %w", err)
	}
	encryption, err := crypto.PGP().Encryption().Recipient(key).New()
	if err != nil {
		return "", err
	}
	message, err := encryption.Encrypt([]byte(text))
	if err != nil {
		return "", err
	}
	return message.Armor()
}
