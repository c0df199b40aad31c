package vault

import (
	"bytes"
	"context"
	stdcrypto "crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/ecdh"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/ProtonMail/gopenpgp/v3/armor"
	"github.com/ProtonMail/gopenpgp/v3/constants"
	"github.com/ProtonMail/gopenpgp/v3/crypto"
	"github.com/ProtonMail/gopenpgp/v3/profile"

	"github.com/oxlin/oxlin"
)

// KeyAlgorithm is the algorithm of an OpenPGP key pair.
type KeyAlgorithm string

const (
	// RSA of 3072 bits, in one key without a subkey. Every client can encrypt for it,
	// including the oldest BouncyCastle, which takes the first RSA key that it finds.
	// It signs nothing but itself.
	RSA KeyAlgorithm = "RSA"
	// Curve25519 is small and fast to make. GnuPG 2.1, OpenPGP.js 4 and BouncyCastle
	// (from 2021 on) read it.
	Curve25519 KeyAlgorithm = "CURVE25519"
	// P256 is fast to make, and browsers encrypt for it without a library: WebCrypto has
	// no RSA with OpenPGP's padding, and Curve25519 not everywhere.
	P256 KeyAlgorithm = "P256"
)

const (
	rsaBits = 3072
	// keyOwner is the user id of every key: it names the platform, not the user.
	keyOwner = "Oxlin"
	// clockTolerance is how far a client's clock may be behind ours: a
	// client refuses a key from the future.
	clockTolerance = time.Hour
	// maxMessage bounds a message in bytes, before and after decryption.
	maxMessage = 16 << 10
	// anyTime makes the library ignore expiry.
	anyTime = 0
)

// keySlot limits the process to making one RSA key at a time, so that a burst of
// requests does not occupy all processors.
var keySlot = make(chan struct{}, 1)

// NewKey makes an OpenPGP key pair, both armored, which clients use until the
// instant expires, to the second. Keys are of version 4, the only one that GnuPG
// takes. The libraries read randomness from the operating system.
//
// An RSA key takes some tenths of a second. NewKey waits for its turn until ctx is
// done; once begun, a key is finished.
func NewKey(ctx context.Context, algorithm KeyAlgorithm, now, expires time.Time) (public string, private oxlin.Secret, err error) {
	created := now.Add(-clockTolerance)
	lifetime := expires.Unix() - created.Unix()
	if !expires.After(now) || lifetime > math.MaxInt32 {
		return "", oxlin.Secret{}, fmt.Errorf("new OpenPGP key: it cannot expire on %s", expires.UTC().Format(time.DateOnly))
	}
	var key *crypto.Key
	switch algorithm {
	case RSA:
		key, err = newRSAKey(ctx, created, uint32(lifetime))
	case Curve25519, P256:
		key, err = newCurveKey(algorithm, created, int32(lifetime))
	default:
		err = fmt.Errorf("unknown algorithm %q", algorithm)
	}
	if err != nil {
		return "", oxlin.Secret{}, fmt.Errorf("new OpenPGP key: %w", err)
	}
	public, err = key.GetArmoredPublicKey()
	if err != nil {
		return "", oxlin.Secret{}, fmt.Errorf("new OpenPGP key: %w", err)
	}
	armored, err := key.Armor()
	if err != nil {
		return "", oxlin.Secret{}, fmt.Errorf("new OpenPGP key: %w", err)
	}
	return public + "\n", oxlin.NewSecret(armored), nil
}

// newCurveKey makes a key that signs, with a subkey for which clients encrypt.
func newCurveKey(algorithm KeyAlgorithm, created time.Time, lifetime int32) (*crypto.Key, error) {
	curves := profile.Default()
	if algorithm == P256 {
		curves.SetKeyAlgorithm = func(config *packet.Config, _ int8) {
			config.Algorithm, config.Curve = packet.PubKeyAlgoECDSA, packet.CurveNistP256
		}
	}
	return crypto.PGPWithProfile(curves).KeyGeneration().
		AddUserId(keyOwner, "").
		GenerationTime(created.Unix()).
		Lifetime(lifetime).
		New().GenerateKey()
}

// newRSAKey makes the key by hand, because the library would add a subkey: twice
// the time, and the wrong one of two keys for a client that takes the first.
func newRSAKey(ctx context.Context, created time.Time, lifetime uint32) (*crypto.Key, error) {
	select {
	case keySlot <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-keySlot }()
	err := ctx.Err() // both may have been ready; the caller is gone
	if err != nil {
		return nil, err
	}
	pair, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, err
	}
	primary := packet.NewRSAPrivateKey(created, pair)
	user := packet.NewUserId(keyOwner, "", "")
	isPrimary := true
	// Old and new clients support AES-256 with a modification detection code and
	// without compression.
	signature := &packet.Signature{
		Version:                   4,
		SigType:                   packet.SigTypePositiveCert,
		PubKeyAlgo:                packet.PubKeyAlgoRSA,
		Hash:                      stdcrypto.SHA256,
		CreationTime:              created,
		KeyLifetimeSecs:           &lifetime,
		IssuerKeyId:               &primary.KeyId,
		IssuerFingerprint:         primary.Fingerprint,
		IsPrimaryId:               &isPrimary,
		FlagsValid:                true,
		FlagCertify:               true,
		FlagEncryptCommunications: true,
		FlagEncryptStorage:        true,
		PreferredSymmetric:        []uint8{uint8(packet.CipherAES256), uint8(packet.CipherAES128)},
		PreferredCompression:      []uint8{uint8(packet.CompressionNone)},
		SEIPDv1:                   true,
	}
	err = signature.SignUserId(user.Id, &primary.PublicKey, primary, nil)
	if err != nil {
		return nil, err
	}
	entity := &openpgp.Entity{PrimaryKey: &primary.PublicKey, PrivateKey: primary}
	entity.Identities = map[string]*openpgp.Identity{user.Id: {
		Primary: entity, Name: user.Id, UserId: user,
		SelfCertifications: []*packet.VerifiableSignature{packet.NewVerifiableSig(signature)},
	}}
	return crypto.NewKeyFromEntity(entity)
}

// CheckMessage reports whether a text is a complete OpenPGP message in ASCII armor
// that is encrypted for the key, without decrypting it. A message with a hidden
// recipient passes. The key's expiry is not checked here; the key's row has it. Errors
// are the client's fault, may be shown, and quote nothing of the text.
func CheckMessage(public, message string) error {
	key, err := crypto.NewKeyFromArmored(public)
	if err != nil {
		return fmt.Errorf("check OpenPGP message: public key: %w", err)
	}
	packets, err := unarmor(message)
	if err != nil {
		return err
	}
	recipients, err := readRecipients(packets)
	if err != nil {
		return err
	}
	entity := key.GetEntity()
	ids := []uint64{entity.PrimaryKey.KeyId, 0}
	for _, subkey := range entity.Subkeys {
		ids = append(ids, subkey.PublicKey.KeyId)
	}
	if !slices.ContainsFunc(recipients, func(id uint64) bool { return slices.Contains(ids, id) }) {
		return oxlin.Errorf(oxlin.CodeInvalidRequest, "The OpenPGP message is encrypted for another key.")
	}
	return nil
}

// Encrypt encrypts a clear text for a key of NewKey, as the user's browser or the
// integrator's program would have done, and returns an armored message. The key's
// expiry is not checked. A text too long for Decrypt is the client's fault.
func Encrypt(public string, clear oxlin.Secret) (string, error) {
	key, err := crypto.NewKeyFromArmored(public)
	if err != nil {
		return "", fmt.Errorf("encrypt OpenPGP message: public key: %w", err)
	}
	encryption, err := crypto.PGP().Encryption().Recipient(key).EncryptionTime(anyTime).New()
	if err != nil {
		return "", fmt.Errorf("encrypt OpenPGP message: %w", err)
	}
	encrypted, err := encryption.Encrypt([]byte(clear.Reveal()))
	if err != nil {
		return "", fmt.Errorf("encrypt OpenPGP message: %w", err)
	}
	message, err := encrypted.Armor()
	if err != nil {
		return "", fmt.Errorf("encrypt OpenPGP message: %w", err)
	}
	if len(message) > maxMessage {
		return "", tooLarge()
	}
	return message, nil
}

// Point is the public part of a P256 key, for a script that encrypts without an
// OpenPGP library (RFC 6637). The hash is SHA-512, and the cipher AES-256.
type Point struct {
	// Fingerprint is that of the key to encrypt for, 40 hexadecimal digits. A message
	// carries the last 16.
	Fingerprint string
	// Base64 is the point on the curve without compression, 65 bytes, in base64.
	Base64 string
}

// PublicPoint returns the point of an armored public key's encryption key. A key that
// is not P256 is an error.
func PublicPoint(public string) (Point, error) {
	key, err := crypto.NewKeyFromArmored(public)
	if err != nil {
		return Point{}, fmt.Errorf("public point: %w", err)
	}
	encryption, err := key.GetEntity().EncryptionKeyWithError(time.Time{}, nil)
	if err != nil {
		return Point{}, fmt.Errorf("public point: %w", err)
	}
	pair, isCurve := encryption.PublicKey.PublicKey.(*ecdh.PublicKey)
	if !isCurve || pair.GetCurve().GetCurveName() != elliptic.P256().Params().Name {
		return Point{}, errors.New("public point: not a P256 key")
	}
	return Point{
		Fingerprint: hex.EncodeToString(encryption.PublicKey.Fingerprint),
		Base64:      base64.StdEncoding.EncodeToString(pair.MarshalPoint()),
	}, nil
}

// Decrypt opens an armored message with the private key that NewKey made, at the moment
// of use, also after the key has expired. The plain text is returned byte for byte.
// Signatures are not checked.
//
// A message without a modification detection code is opened too: BouncyCastle omits it
// by default, and the example in Oxlin's documentation lacks it (contract §3.5). This
// is no weakness here: the key is public, so an attacker who can change such a message
// can also replace it. All failures return the same error, which gives an attacker no
// hint.
func Decrypt(private oxlin.Secret, message string) (oxlin.Secret, error) {
	key, err := crypto.NewKeyFromArmored(private.Reveal())
	if err != nil || !key.IsPrivate() {
		return oxlin.Secret{}, errors.New("open OpenPGP message: the private key cannot be read")
	}
	packets, err := unarmor(message)
	if err != nil {
		return oxlin.Secret{}, err
	}
	_, err = readRecipients(packets) // the library would return what is not encrypted at all
	if err != nil {
		return oxlin.Secret{}, err
	}
	decryption, err := crypto.PGP().Decryption().
		DecryptionKey(key).
		InsecureDisableUnauthenticatedMessagesCheck().
		DisableAutomaticTextSanitize().
		MaxDecompressedMessageSize(maxMessage).
		New()
	if err != nil {
		return oxlin.Secret{}, errors.New("open OpenPGP message: the private key does not fit")
	}
	plain, err := decryption.Decrypt(packets, crypto.Bytes)
	if err != nil {
		return oxlin.Secret{}, oxlin.Errorf(oxlin.CodeInvalidRequest, "The OpenPGP message does not open: it is damaged or encrypted for another key.")
	}
	return oxlin.NewSecret(string(plain.Bytes())), nil
}

// unarmor returns the packets of an armored message, with any line endings, also
// with those that a client escaped twice on their way into JSON. The library asks
// neither for a checksum nor for headers.
func unarmor(message string) ([]byte, error) {
	if len(message) > maxMessage {
		return nil, tooLarge()
	}
	text := strings.TrimSpace(message)
	if !strings.ContainsAny(text, "\r\n") {
		text = strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(text)
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	if !strings.HasPrefix(text, "-----BEGIN "+constants.PGPMessageHeader+"-----") {
		return nil, oxlin.Errorf(oxlin.CodeInvalidRequest, "The value has to be an OpenPGP message in ASCII armor.")
	}
	packets, err := armor.Unarmor(text)
	if err != nil {
		return nil, damaged()
	}
	return packets, nil
}

// readRecipients returns the ids of the keys that open a message, 0 for a hidden one.
// The encrypted data must be complete and come last.
func readRecipients(message []byte) ([]uint64, error) {
	rest := bytes.NewReader(message)
	packets := packet.NewReader(rest)
	var ids []uint64
	var data io.Reader
	for data == nil {
		next, err := packets.Next()
		if err != nil {
			return nil, damaged()
		}
		switch next := next.(type) {
		case *packet.EncryptedKey:
			ids = append(ids, next.KeyId)
		case *packet.SymmetricKeyEncrypted: // opens with a passphrase, which is unknown here
		case *packet.SymmetricallyEncrypted:
			data = next.Contents
		case *packet.AEADEncrypted:
			data = next.Contents
		default:
			return nil, oxlin.Errorf(oxlin.CodeInvalidRequest, "The OpenPGP message is not encrypted.")
		}
	}
	_, err := io.Copy(io.Discard, data)
	if err != nil || rest.Len() > 0 {
		return nil, damaged()
	}
	return ids, nil
}

func tooLarge() error {
	return oxlin.Errorf(oxlin.CodeInvalidRequest, "The OpenPGP message is too large: %d bytes are the limit.", maxMessage)
}

func damaged() error {
	return oxlin.Errorf(oxlin.CodeInvalidRequest, "The OpenPGP message is damaged or not complete.")
}
