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

// KeyAlgorithm is what an OpenPGP key pair is made of.
type KeyAlgorithm string

const (
	// RSA of 3072 bits, in one key without a subkey: what every client encrypts
	// for, the oldest BouncyCastle among them, which takes the first RSA key that
	// it finds. Nothing but the key itself is ever signed with it.
	RSA KeyAlgorithm = "RSA"
	// Curve25519 is small, and made in no time; GnuPG 2.1 reads it, OpenPGP.js 4,
	// and BouncyCastle from 2021 on.
	Curve25519 KeyAlgorithm = "CURVE25519"
	// P256 is made in no time as well, and a browser encrypts for it with what it has
	// itself: WebCrypto knows neither RSA as OpenPGP pads it, nor everywhere Curve25519.
	P256 KeyAlgorithm = "P256"
)

const (
	rsaBits = 3072
	// keyOwner is the user id of every key: it names us and not the user.
	keyOwner = "Oxlin"
	// clockTolerance is how far a client's clock may be behind ours: a key from the
	// future encrypts nothing.
	clockTolerance = time.Hour
	// maxMessage bounds a message in bytes, as it comes and as it is opened.
	maxMessage = 16 << 10
	// anyTime makes the library look at no expiry.
	anyTime = 0
)

// keySlot lets one RSA key be made at a time in this process, so that a burst of
// requests takes one processor and not all.
var keySlot = make(chan struct{}, 1)

// NewKey makes an OpenPGP key pair, both armored, which clients use until the
// instant expires, to the second. Keys are of version 4, the only one that GnuPG
// takes. Randomness is the operating system's: the libraries ask for no other.
//
// An RSA key takes some tenths of a second. NewKey waits for its turn until ctx is
// over; once begun, a key is finished.
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
	err := ctx.Err() // both may have been ready, and nobody waits any more
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
	// AES-256 with a modification detection code and without compression is what
	// old and new clients have in common.
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

// CheckMessage says whether a text is a complete OpenPGP message in ASCII armor,
// encrypted for the key, as far as that shows without opening it: a message that
// hides for whom it is passes. It does not look at when the key expires, which its
// row says. Its errors are the client's fault, are meant to be shown, and quote
// nothing of the text.
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

// Encrypt makes an armored message of a clear text for a key that NewKey made, as
// the user's browser or the integrator's program would have: for what comes in
// clear. Like CheckMessage it does not look at when the key expires. A text too
// long for Decrypt is the client's fault.
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

// Point is what encrypting for a P256 key takes: enough for a script that has no
// OpenPGP library (RFC 6637). The hash is SHA-512, and the cipher AES-256.
type Point struct {
	// Fingerprint is that of the key to encrypt for, 40 hexadecimal digits. A message
	// carries the last 16.
	Fingerprint string
	// Base64 is the point on the curve without compression, 65 bytes, in base64.
	Base64 string
}

// PublicPoint gives the point of the armored public key's encryption key. A key of
// another kind than P256 has none, which is an error.
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

// Decrypt opens an armored message with the private key that NewKey made, at the
// moment of use, also after the key has expired. The plain text is what was
// encrypted, byte for byte. A signature is not looked at.
//
// A message without a modification detection code is opened, too: BouncyCastle
// writes none unless it is told to, and the example in Oxlin's documentation has
// none (contract §3.5). Nothing is lost by it here: who can change such a message can
// as well put another one in its place, for the key is public. The errors of what
// does not open are all the same, so that they help nobody to guess.
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

// unarmor gives the packets of an armored message, with any line endings, also
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

// readRecipients reads a message down to its encrypted data, which have to be whole
// and the last: the ids of the keys that open it, 0 for one that is hidden.
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
		case *packet.SymmetricKeyEncrypted: // opens with a passphrase, which nobody told us
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
