package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"

	"github.com/oxlin/oxlin"
)

// keys are the two keysets of a key file. A keyset has one primary key, which
// seals, and older ones, which still open: rotation adds a key in front.
type keys struct {
	sealing *keyset.Handle
	// recognition is never rotated, because stored MACs are compared for years.
	recognition *keyset.Handle
}

// keyText is the JSON of a key file; each member is a keyset as tink writes it.
type keyText struct {
	Sealing     json.RawMessage `json:"sealing"`
	Recognition json.RawMessage `json:"recognition"`
}

// readKeys reads the keys from the source in the options. For a key file that does not
// exist, absent returns the content.
func readKeys(options Options, absent func(path string) ([]byte, error)) (keys, error) {
	if !options.Key.IsZero() {
		return parseKeys([]byte(options.Key.Reveal()))
	}
	if options.Command != "" {
		text, err := exec.Command("sh", "-c", options.Command).Output()
		if err != nil {
			return keys{}, fmt.Errorf("the command that prints it: %w", err)
		}
		return parseKeys(text)
	}
	if options.KeyFile == "" {
		return keys{}, errors.New("neither a key nor a key file is given")
	}
	text, err := os.ReadFile(options.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = absent(options.KeyFile)
	}
	if err != nil {
		return keys{}, err
	}
	return parseKeys(text)
}

// createKeyFile makes a new key file. If another process was faster, its file is kept.
func createKeyFile(path string) ([]byte, error) {
	text, err := newKeys()
	if err != nil {
		return nil, err
	}
	err = writeKeyFile(path, text, os.Link)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

// writeKeyFile writes a key file completely or not at all; place moves the written file
// to its path.
func writeKeyFile(path string, text []byte, place func(from, to string) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".master.key-*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return place(file.Name(), path)
}

// Rotate adds a new master key, which seals from now on; the older keys still open
// the values that they sealed. A key file is replaced. For other sources the new
// content is returned, and the caller replaces the old one. Processes use the new key
// from their next start. A missing key file is an error.
func Rotate(options Options) (oxlin.Secret, error) {
	present, err := readKeys(options, func(path string) ([]byte, error) { return nil, fmt.Errorf("there is none at %s", path) })
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("master key: %w", err)
	}
	manager := keyset.NewManagerFromHandle(present.sealing)
	id, err := manager.Add(aead.XChaCha20Poly1305KeyTemplate())
	if err == nil {
		err = manager.SetPrimary(id)
	}
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("rotate the master key: %w", err)
	}
	present.sealing, err = manager.Handle()
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("rotate the master key: %w", err)
	}
	text, err := present.marshal()
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("rotate the master key: %w", err)
	}
	if !options.Key.IsZero() || options.Command != "" {
		return oxlin.NewSecret(base64.StdEncoding.EncodeToString(text)), nil
	}
	err = writeKeyFile(options.KeyFile, text, os.Rename)
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("rotate the master key: %w", err)
	}
	return oxlin.Secret{}, nil
}

func newKeys() ([]byte, error) {
	sealing, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return nil, err
	}
	recognition, err := keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return nil, err
	}
	return keys{sealing, recognition}.marshal()
}

func (k keys) marshal() ([]byte, error) {
	var sealing, recognition bytes.Buffer
	err := errors.Join(
		insecurecleartextkeyset.Write(k.sealing, keyset.NewJSONWriter(&sealing)),
		insecurecleartextkeyset.Write(k.recognition, keyset.NewJSONWriter(&recognition)),
	)
	if err != nil {
		return nil, err
	}
	return json.Marshal(keyText{sealing.Bytes(), recognition.Bytes()})
}

// parseKeys parses a key file's content, plain or in base64. Its errors never quote
// the content.
func parseKeys(text []byte) (keys, error) {
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("{")) {
		decoded, err := base64.StdEncoding.DecodeString(string(text))
		if err != nil {
			return keys{}, errors.New("neither JSON nor base64")
		}
		text = decoded
	}
	var members keyText
	err := json.Unmarshal(text, &members)
	if err != nil {
		return keys{}, errors.New("not the JSON of a key file")
	}
	sealing, err := readKeyset(members.Sealing)
	if err != nil {
		return keys{}, fmt.Errorf("sealing: %w", err)
	}
	recognition, err := readKeyset(members.Recognition)
	if err != nil {
		return keys{}, fmt.Errorf("recognition: %w", err)
	}
	return keys{sealing, recognition}, nil
}

func readKeyset(text json.RawMessage) (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		return nil, errors.New("not a keyset")
	}
	return handle, nil
}
