package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/gopenpgp/v3/armor"
	"github.com/ProtonMail/gopenpgp/v3/crypto"
	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/omit"
	"github.com/oxlin/oxlin/internal/vault"
)

// What CheckMessage and Decrypt say to a client. They say nothing else.
const (
	notArmored   = "The value has to be an OpenPGP message in ASCII armor."
	tooLarge     = "The OpenPGP message is too large: 16384 bytes are the limit."
	damaged      = "The OpenPGP message is damaged or not complete."
	notEncrypted = "The OpenPGP message is not encrypted."
	anotherKey   = "The OpenPGP message is encrypted for another key."
	doesNotOpen  = "The OpenPGP message does not open: it is damaged or encrypted for another key."
)

var (
	keysMade    = time.Date(2026, 3, 14, 15, 9, 26, 535_000_000, time.UTC)
	keysExpire  = time.Date(2027, 3, 14, 15, 9, 26, 0, time.UTC)
	whileItIsOn = keysMade.AddDate(0, 6, 0)
)

var algorithms = []vault.KeyAlgorithm{vault.RSA, vault.Curve25519, vault.P256}

type pair struct {
	public  string
	private oxlin.Secret
}

func newPair(t testing.TB, algorithm vault.KeyAlgorithm) pair {
	t.Helper()
	public, private, err := vault.NewKey(t.Context(), algorithm, keysMade, keysExpire)
	if err != nil {
		t.Fatal(err)
	}
	return pair{public, private}
}

// pairs are made once, and are the same in all tests.
var pairs = sync.OnceValues(func() (map[vault.KeyAlgorithm]pair, error) {
	made := map[vault.KeyAlgorithm]pair{}
	for _, algorithm := range algorithms {
		public, private, err := vault.NewKey(context.Background(), algorithm, keysMade, keysExpire)
		if err != nil {
			return nil, err
		}
		made[algorithm] = pair{public, private}
	}
	return made, nil
})

func pairOf(t testing.TB, algorithm vault.KeyAlgorithm) pair {
	t.Helper()
	made, err := pairs()
	if err != nil {
		t.Fatal(err)
	}
	return made[algorithm]
}

// message encrypts with our own library.
func message(t testing.TB, public, plain string) string {
	t.Helper()
	key, err := crypto.NewKeyFromArmored(public)
	if err != nil {
		t.Fatal(err)
	}
	encryption, err := crypto.PGP().Encryption().Recipient(key).EncryptionTime(whileItIsOn.Unix()).New()
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := encryption.Encrypt([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	armored, err := encrypted.Armor()
	if err != nil {
		t.Fatal(err)
	}
	return armored
}

// run runs a program and gives what it writes.
func run(t testing.TB, stdin string, name string, args ...string) (string, error) {
	t.Helper()
	omit.Without(t, 1, "openpgp", name)
	command := exec.CommandContext(t.Context(), name, args...)
	command.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", name, err, stderr.String())
	}
	return stdout.String(), err
}

// gpgOptions run GnuPG in a directory of its own, where its clock stands still.
func gpgOptions(t testing.TB, at time.Time) []string {
	t.Helper()
	home := t.TempDir()
	err := os.Chmod(home, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"--homedir", home, "--batch", "--no-autostart", "--faked-system-time", at.UTC().Format("20060102T150405!")}
}

// gpg encrypts for a public key with GnuPG, at an instant by its clock.
func gpg(t testing.TB, public, plain string, at time.Time, args ...string) (string, error) {
	t.Helper()
	common := gpgOptions(t, at)
	_, err := run(t, public, "gpg", append(common, "--import")...)
	if err != nil {
		return "", err
	}
	encrypt := []string{"--trust-model", "always", "--armor", "--default-recipient", "Oxlin", "--encrypt"}
	return run(t, plain, "gpg", slices.Concat(common, args, encrypt)...)
}

// openpgpjs encrypts with the npm package; options are those of encrypt.js.
func openpgpjs(t testing.TB, public, plain string, at time.Time, options ...string) (string, error) {
	t.Helper()
	const program = "testdata/openpgpjs/encrypt.js"
	_, err := os.Stat(filepath.Join(filepath.Dir(program), "node_modules", "openpgp"))
	if err != nil {
		omit.Skip(t, 1, "the npm package openpgp is not installed (.ci/openpgp)")
	}
	input := map[string]any{"publicKey": public, "text": plain, "date": at}
	for _, option := range options {
		input[option] = true
	}
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, string(text), "node", program)
}

func TestWhatClientsEncryptOpens(t *testing.T) {
	type encrypt func(t testing.TB, public, plain string, at time.Time) (string, error)
	withGPG := func(args ...string) encrypt {
		return func(t testing.TB, public, plain string, at time.Time) (string, error) {
			return gpg(t, public, plain, at, args...)
		}
	}
	withJS := func(options ...string) encrypt {
		return func(t testing.TB, public, plain string, at time.Time) (string, error) {
			return openpgpjs(t, public, plain, at, options...)
		}
	}
	clients := []struct {
		name    string
		encrypt encrypt
	}{
		{"GnuPG", withGPG()},
		{"GnuPG, recipient hidden", withGPG("--throw-keyids")},
		{"GnuPG, ZIP", withGPG("--compress-algo", "zip")},
		{"GnuPG, ZLIB", withGPG("--compress-algo", "zlib")},
		{"GnuPG, BZIP2", withGPG("--compress-algo", "bzip2")},
		{"GnuPG, triple DES", withGPG("--cipher-algo", "3DES")},
		{"GnuPG, with headers", withGPG("--emit-version", "--comment", "a client: 1.0")},
		{"OpenPGP.js", withJS("binary")},
		{"OpenPGP.js, text", withJS()},
		{"OpenPGP.js, signed text", withJS("signed")},
		{"OpenPGP.js, recipient hidden", withJS("binary", "hidden")},
		{"OpenPGP.js, signed", withJS("binary", "signed")},
		{"ourselves", func(t testing.TB, public, plain string, _ time.Time) (string, error) {
			return message(t, public, plain), nil
		}},
	}
	for _, client := range clients {
		for _, algorithm := range algorithms {
			t.Run(client.name+", "+string(algorithm), func(t *testing.T) {
				t.Parallel()
				plain := " Süße \"Kirschen\" 42\n" // a line's end belongs to it
				key := pairOf(t, algorithm)
				armored, err := client.encrypt(t, key.public, plain, whileItIsOn)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(client.name, "text") {
					plain = strings.ReplaceAll(plain, "\n", "\r\n") // the text that it encrypted
				}
				opens(t, key, armored, plain)
			})
		}
	}
}

func TestWhatCameInClearIsEncryptedAsClientsDo(t *testing.T) {
	for _, algorithm := range algorithms {
		key := pairOf(t, algorithm)
		rapid.Check(t, func(r *rapid.T) {
			plain := rapid.String().Draw(r, "plain")
			armored, err := vault.Encrypt(key.public, oxlin.NewSecret(plain))
			if err != nil {
				r.Fatal(err)
			}
			opens(t, key, armored, plain)
		})
	}
	// The keys expired long ago; the row of a key decides whether it is used.
	expired, err := os.ReadFile("testdata/recorded/RSA.public.asc")
	if err != nil {
		t.Fatal(err)
	}
	private, err := os.ReadFile("testdata/recorded/RSA.private.asc")
	if err != nil {
		t.Fatal(err)
	}
	armored, err := vault.Encrypt(string(expired), oxlin.NewSecret("plain"))
	if err != nil {
		t.Fatal(err)
	}
	opens(t, pair{string(expired), oxlin.NewSecret(string(private))}, armored, "plain")
}

func TestOnlyWhatOpensIsEncrypted(t *testing.T) {
	key := pairOf(t, vault.RSA)
	_, err := vault.Encrypt(key.public, oxlin.NewSecret(strings.Repeat("a", 16<<10)))
	refused(t, err, tooLarge)
	_, err = vault.Encrypt("canary", oxlin.NewSecret("plain"))
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}

// GnuPG says the same of the key.
func TestPublicPoint(t *testing.T) {
	public := pairOf(t, vault.P256).public
	got, err := vault.PublicPoint(public)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := run(t, public, "gpg", append(gpgOptions(t, whileItIsOn), "--verbose", "--debug", "0x0002", "--list-packets")...)
	if err != nil {
		t.Fatal(err)
	}
	_, subkey, _ := strings.Cut(packets, ":public sub key packet:")
	number := func(name string) string {
		_, digits, _ := strings.Cut(subkey, "\n\t"+name+": ")
		digits, _, _ = strings.Cut(digits, "\n")
		digits, _, _ = strings.Cut(digits, " ")
		return strings.ToLower(digits)
	}
	point, err := base64.StdEncoding.DecodeString(got.Base64)
	// The parameters: SHA-512 and AES-256 (RFC 6637 §9).
	if err != nil || len(point) != 65 || number("pkey[1]") != hex.EncodeToString(point) || number("pkey[2]") != "03010a09" {
		t.Errorf("the point is %x, %v\n%s", point, err, subkey)
	}
	if len(got.Fingerprint) != 40 || !strings.HasSuffix(got.Fingerprint, strings.ToLower(number("keyid"))) {
		t.Errorf("the fingerprint is %s\n%s", got.Fingerprint, subkey)
	}
	for name, other := range map[string]string{"RSA": pairOf(t, vault.RSA).public, "another curve": pairOf(t, vault.Curve25519).public, "no key": "canary"} {
		_, err := vault.PublicPoint(other)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// opens checks a message that is taken and opened.
func opens(t testing.TB, key pair, armored, plain string) {
	t.Helper()
	err := vault.CheckMessage(key.public, armored)
	if err != nil {
		t.Errorf("not taken: %v\n%s", err, armored)
	}
	got, err := vault.Decrypt(key.private, armored)
	if err != nil || got.Reveal() != plain {
		t.Errorf("opened %q (%v), encrypted %q\n%s", got.Reveal(), err, plain, armored)
	}
}

// Among them are messages without a modification detection code. The keys have
// expired long since, and open all the same.
func TestWhatOlderClientsEncryptedOpens(t *testing.T) {
	for _, algorithm := range []vault.KeyAlgorithm{vault.RSA, vault.Curve25519} {
		read := func(path string) string {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		prefix := filepath.Join("testdata", "recorded", string(algorithm))
		key := pair{read(prefix + ".public.asc"), oxlin.NewSecret(read(prefix + ".private.asc"))}
		paths, err := filepath.Glob(prefix + ".*-*.asc")
		if err != nil || len(paths) != 4 {
			t.Fatalf("%d messages, %v; want 4", len(paths), err)
		}
		for _, path := range paths {
			t.Run(filepath.Base(path), func(t *testing.T) { opens(t, key, read(path), "Süße Kirschen 42") })
		}
	}
}

func TestKeyAsGnuPGSeesIt(t *testing.T) {
	for algorithm, want := range map[vault.KeyAlgorithm][]string{
		vault.RSA:        {"pub 3072 1 ec"},
		vault.Curve25519: {"pub 255 22 sc", "sub 255 18 e"},
		vault.P256:       {"pub 256 19 sc", "sub 256 18 e"},
	} {
		public := pairOf(t, algorithm).public
		if !strings.HasPrefix(public, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n") || !strings.HasSuffix(public, "\n-----END PGP PUBLIC KEY BLOCK-----\n") {
			t.Errorf("%s: not armored as in the contract:\n%s", algorithm, public)
		}
		listing, err := run(t, public, "gpg", append(gpgOptions(t, whileItIsOn), "--show-keys", "--with-colons")...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(listing) {
			field := strings.Split(line, ":")
			switch field[0] {
			case "pub":
				if field[6] != fmt.Sprint(keysExpire.Unix()) {
					t.Errorf("%s: expires at %s, want %d", algorithm, field[6], keysExpire.Unix())
				}
				fallthrough
			case "sub":
				// Of the capabilities, the small letters are this key's own.
				own := strings.Map(func(r rune) rune {
					if r < 'a' {
						return -1
					}
					return r
				}, field[11])
				got = append(got, strings.Join([]string{field[0], field[2], field[3], own}, " "))
			case "uid":
				if field[9] != "Oxlin" {
					t.Errorf("%s: user id %q", algorithm, field[9])
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: GnuPG sees %q, want %q", algorithm, got, want)
		}
	}
}

func TestClientsUseAKeyUntilItExpires(t *testing.T) {
	clients := map[string]func(t testing.TB, public, plain string, at time.Time, options ...string) (string, error){
		"GnuPG": gpg, "OpenPGP.js": openpgpjs,
	}
	for name, encrypt := range clients {
		for _, algorithm := range algorithms {
			t.Run(name+", "+string(algorithm), func(t *testing.T) {
				t.Parallel()
				key := pairOf(t, algorithm)
				for clock, works := range map[time.Time]bool{
					keysMade.Add(-59 * time.Minute): true, // the client's clock is slow
					keysExpire.Add(-time.Second):    true,
					keysExpire.Add(time.Second):     false,
				} {
					_, err := encrypt(t, key.public, "plain", clock)
					if (err == nil) != works {
						t.Errorf("at %s: %v", clock, err)
					}
				}
			})
		}
	}
}

func TestKeyHasToExpireLaterAndWithinALifetime(t *testing.T) {
	for _, expires := range []time.Time{{}, keysMade, keysMade.AddDate(100, 0, 0)} {
		_, _, err := vault.NewKey(t.Context(), vault.Curve25519, keysMade, expires)
		if err == nil {
			t.Errorf("made one that expires %s", expires)
		}
	}
	_, _, err := vault.NewKey(t.Context(), "DSA", keysMade, keysExpire)
	if err == nil {
		t.Error("made a DSA key")
	}
}

func TestNobodyWaitsForAKeyThatIsNotWanted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := vault.NewKey(ctx, vault.RSA, keysMade, keysExpire)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A careless client changes the text around the packets. They are the same.
func TestArmorIsReadKindly(t *testing.T) {
	key := pairOf(t, vault.RSA)
	armored := message(t, key.public, "plain")
	lines := strings.Split(armored, "\n")
	body := slices.IndexFunc(lines, func(line string) bool { return line == "" }) + 1
	withoutChecksum := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return len(line) == 5 && line[0] == '=' })
	withChecksum := slices.Insert(slices.Clone(withoutChecksum), len(withoutChecksum)-1, "=AAAA")
	for name, text := range map[string]string{
		"as it is":               armored,
		"CR LF":                  strings.Join(lines, "\r\n"),
		"CR":                     strings.Join(lines, "\r"),
		`\n, escaped twice`:      strings.Join(lines, `\n`),
		`\r\n, escaped twice`:    strings.Join(lines, `\r\n`) + `\r\n`,
		"escaped, then a line":   strings.Join(lines, `\n`) + "\n",
		"space around":           "\n\t " + strings.Join(lines, " \n  ") + "\n\n",
		"a Version header":       strings.Join(slices.Insert(slices.Clone(lines), body-1, "Version: BCPG v1.43"), "\n"),
		"without a checksum":     strings.Join(withoutChecksum, "\n"),
		"with a wrong checksum":  strings.Join(withChecksum, "\n"),
		"without the end's line": strings.Join(lines[:len(lines)-1], "\n"),
	} {
		t.Run(name, func(t *testing.T) { opens(t, key, text, "plain") })
	}
}

func TestRefusedMessages(t *testing.T) {
	key := pairOf(t, vault.Curve25519)
	good := message(t, key.public, "canary")
	packets, err := armor.Unarmor(good)
	if err != nil {
		t.Fatal(err)
	}
	wrap := func(packets []byte) string {
		text, err := armor.ArmorPGPMessage(packets)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	literal := append([]byte{0xcb, 12, 'b', 0, 0, 0, 0, 0}, "canary"...)
	withPassphrase := func() string {
		encryption, err := crypto.PGP().Encryption().Password([]byte("canary")).New()
		if err != nil {
			t.Fatal(err)
		}
		encrypted, err := encryption.Encrypt([]byte("canary"))
		if err != nil {
			t.Fatal(err)
		}
		return wrap(encrypted.Bytes())
	}
	for _, test := range []struct {
		name, text     string
		check, decrypt string
	}{
		{"plain text", "canary", notArmored, notArmored},
		{"nothing", "", notArmored, notArmored},
		{"a key", key.public, notArmored, notArmored},
		{"our private key", key.private.Reveal(), notArmored, notArmored},
		{"text before the armor", "canary\n" + good, notArmored, notArmored},
		{"too large", good + strings.Repeat("canary\n", 3000), tooLarge, tooLarge},
		{"armor of nothing", "-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----", damaged, damaged},
		{"the first line alone", "-----BEGIN PGP MESSAGE-----", damaged, damaged},
		{"not base64", strings.Replace(good, "\n\n", "\n\n!canary!", 1), damaged, damaged},
		{"not packets", wrap([]byte("canary")), damaged, damaged},
		{"cut off", wrap(packets[:len(packets)-1]), damaged, damaged},
		{"without its data", wrap(packets[:96]), damaged, damaged},
		{"something behind", wrap(slices.Concat(packets, literal)), damaged, damaged},
		{"armored, but not encrypted", wrap(literal), notEncrypted, notEncrypted},
		{"encrypted for another key", message(t, newPair(t, vault.Curve25519).public, "canary"), anotherKey, doesNotOpen},
		{"encrypted for a key of another kind", message(t, pairOf(t, vault.RSA).public, "canary"), anotherKey, doesNotOpen},
		{"encrypted with a passphrase", withPassphrase(), anotherKey, doesNotOpen},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := vault.CheckMessage(key.public, test.text)
			refused(t, err, test.check)
			plain, err := vault.Decrypt(key.private, test.text)
			refused(t, err, test.decrypt)
			if !plain.IsZero() {
				t.Errorf("opened %q", plain.Reveal())
			}
		})
	}
}

// refused checks an error that is shown to a client.
func refused(t testing.TB, err error, sentences ...string) {
	t.Helper()
	var shown *oxlin.Error
	if !errors.As(err, &shown) || shown.Code != oxlin.CodeInvalidRequest || shown.Err != nil || !slices.Contains(sentences, shown.Message) {
		t.Errorf("%v; want %q", err, sentences)
	}
}

// For whom a message is shows on receipt only where it says so.
func TestHiddenRecipientShowsWhenOpened(t *testing.T) {
	armored, err := gpg(t, pairOf(t, vault.RSA).public, "plain", whileItIsOn, "--throw-keyids")
	if err != nil {
		t.Fatal(err)
	}
	key := newPair(t, vault.Curve25519)
	err = vault.CheckMessage(key.public, armored)
	if err != nil {
		t.Error(err)
	}
	_, err = vault.Decrypt(key.private, armored)
	refused(t, err, doesNotOpen)
}

func TestWhatGrowsWhenOpenedIsRefused(t *testing.T) {
	key := pairOf(t, vault.RSA)
	armored, err := gpg(t, key.public, strings.Repeat("a", 10<<20), whileItIsOn, "--compress-algo", "bzip2")
	if err != nil {
		t.Fatal(err)
	}
	err = vault.CheckMessage(key.public, armored)
	if err != nil {
		t.Fatal(err)
	}
	_, err = vault.Decrypt(key.private, armored)
	refused(t, err, doesNotOpen)
}

// Whatever bit of a message is turned, no other text comes out.
func TestChangedMessageOpensToNothingElse(t *testing.T) {
	key := pairOf(t, vault.Curve25519)
	packets, err := armor.Unarmor(message(t, key.public, "plain"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range packets {
		for bit := range 8 {
			changed := slices.Clone(packets)
			changed[i] ^= 1 << bit
			text, err := armor.ArmorPGPMessage(changed)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := vault.Decrypt(key.private, text)
			if err == nil && plain.Reveal() != "plain" {
				t.Errorf("byte %d, bit %d: opened %q", i, bit, plain.Reveal())
			}
		}
	}
}

func TestBadStoredKeyIsOurFaultAndIsNotQuoted(t *testing.T) {
	key := pairOf(t, vault.Curve25519)
	armored := message(t, key.public, "plain")
	for name, private := range map[string]string{"text": "canary", "nothing": "", "the public key": key.public} {
		_, err := vault.Decrypt(oxlin.NewSecret(private), armored)
		var shown *oxlin.Error
		if err == nil || errors.As(err, &shown) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// everySentence lists the errors about a message.
var everySentence = []string{notArmored, tooLarge, damaged, notEncrypted, anotherKey, doesNotOpen}

// foreign checks a message of which nothing is known.
func foreign(t testing.TB, key pair, text string) {
	t.Helper()
	unfit := vault.CheckMessage(key.public, text)
	if unfit != nil {
		refused(t, unfit, everySentence...)
	}
	_, err := vault.Decrypt(key.private, text)
	if err != nil {
		refused(t, err, everySentence...)
	}
	if unfit != nil && err == nil {
		t.Errorf("%v, and yet it opened", unfit)
	}
}

// FuzzForeignText gives any text, and any bytes in armor, for a message.
func FuzzForeignText(f *testing.F) {
	keys, err := pairs()
	if err != nil {
		f.Fatal(err)
	}
	for _, algorithm := range slices.Sorted(maps.Keys(keys)) {
		text := message(f, keys[algorithm].public, "plain")
		packets, err := armor.Unarmor(text)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(text))
		f.Add(packets)
		f.Add(packets[:len(packets)/2])
	}
	f.Fuzz(func(t *testing.T, given []byte) {
		armored, err := armor.ArmorPGPMessage(given)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			foreign(t, key, string(given))
			foreign(t, key, armored)
		}
	})
}

// FuzzForeignSession gives anything for the session key, properly encrypted for our
// key, and for the packets behind it: anybody can, for the key is public.
func FuzzForeignSession(f *testing.F) {
	key := pairOf(f, vault.RSA)
	parsed, err := crypto.NewKeyFromArmored(key.public)
	if err != nil {
		f.Fatal(err)
	}
	public, isRSA := parsed.GetEntity().PrimaryKey.PublicKey.(*rsa.PublicKey)
	if !isRSA {
		f.Fatal("not an RSA key")
	}
	for cipher, length := range map[byte]int{2: 24, 3: 16, 7: 16, 8: 24, 9: 32} {
		session := append([]byte{cipher}, make([]byte, length)...)
		f.Add(session, append([]byte{0xc9, 40}, make([]byte, 40)...))    // without a detection code
		f.Add(session, append([]byte{0xd2, 60, 1}, make([]byte, 59)...)) // with one
	}
	f.Fuzz(func(t *testing.T, session, data []byte) {
		if len(session) == 0 || len(session) > 100 {
			t.Skip("not the length of a session key")
		}
		var checksum uint16
		for _, octet := range session[1:] {
			checksum += uint16(octet)
		}
		//lint:ignore SA1019 it is what OpenPGP is made of
		sealed, err := rsa.EncryptPKCS1v15(rand.Reader, public, binary.BigEndian.AppendUint16(slices.Clone(session), checksum))
		if err != nil {
			t.Fatal(err)
		}
		number := new(big.Int).SetBytes(sealed)
		packet := []byte{3} // the version, whose key, RSA, and a number with its length in bits
		packet = binary.BigEndian.AppendUint64(packet, parsed.GetKeyID())
		packet = append(packet, 1)
		packet = binary.BigEndian.AppendUint16(packet, uint16(number.BitLen()))
		packet = append(packet, number.Bytes()...)
		all := append([]byte{0xc1, 0xff}, binary.BigEndian.AppendUint32(nil, uint32(len(packet)))...)
		text, err := armor.ArmorPGPMessage(slices.Concat(all, packet, data))
		if err != nil {
			t.Fatal(err)
		}
		foreign(t, key, text)
	})
}
