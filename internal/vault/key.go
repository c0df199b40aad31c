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
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"github.com/oxlin/oxlin"
)

// keys are the two keysets of a key file. A keyset has one primary key, which
// seals, and older ones, which still open: rotation adds a key in front.
type keys struct {
	sealing *keyset.Handle
	// recognition makes keyed hashes with its primary key. Hashes of the older keys are
	// compared with what those make.
	recognition *keyset.Handle
	// unmarked is the id of the key of recognition whose hashes carry no mark: the one that
	// was alone before the first rotation.
	unmarked uint32
}

// keyText is the JSON of a key file; each member is a keyset as tink writes it.
type keyText struct {
	Sealing     json.RawMessage `json:"sealing"`
	Recognition json.RawMessage `json:"recognition"`
	// Unmarked is written by the first rotation of recognition. It stays when that key goes.
	Unmarked uint32 `json:"unmarked,omitempty"`
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
	defer clear(text)
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
// the values that they sealed. With hashes, it adds a new key of keyed hashes too. A key file
// is replaced. For other sources the new content is returned, and the caller replaces the old
// one. Processes use the new key from their next start. A missing key file is an error.
func Rotate(options Options, hashes bool) (oxlin.Secret, error) {
	return change(options, "rotate the master key", func(k *keys) error {
		var err error
		k.sealing, err = inFront(k.sealing, aead.XChaCha20Poly1305KeyTemplate())
		if err != nil || !hashes {
			return err
		}
		if k.unmarked == 0 {
			primary, err := k.recognition.Primary()
			if err != nil {
				return err
			}
			k.unmarked = primary.KeyID()
		}
		k.recognition, err = inFront(k.recognition, prf.HMACSHA256PRFKeyTemplate())
		return err
	})
}

// Drop takes older keys away, by their ids. What they sealed never opens again, and no hash
// of theirs is recognised. The newest keys stay. Like Rotate, it replaces a key file, or returns
// the new content.
func Drop(options Options, ids []uint32) (oxlin.Secret, error) {
	return change(options, "drop older keys", func(k *keys) error {
		var err error
		k.sealing, err = without(k.sealing, ids)
		if err == nil {
			k.recognition, err = without(k.recognition, ids)
		}
		return err
	})
}

func inFront(handle *keyset.Handle, template *tinkpb.KeyTemplate) (*keyset.Handle, error) {
	manager := keyset.NewManagerFromHandle(handle)
	id, err := manager.Add(template)
	if err == nil {
		err = manager.SetPrimary(id)
	}
	if err != nil {
		return nil, err
	}
	return manager.Handle()
}

func without(handle *keyset.Handle, ids []uint32) (*keyset.Handle, error) {
	primary, err := handle.Primary()
	if err != nil {
		return nil, err
	}
	manager := keyset.NewManagerFromHandle(handle)
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, err
		}
		if entry.KeyID() != primary.KeyID() && slices.Contains(ids, entry.KeyID()) {
			err = manager.Delete(entry.KeyID())
			if err != nil {
				return nil, err
			}
		}
	}
	return manager.Handle()
}

// change reads the keys, changes them, and writes or returns them.
func change(options Options, what string, f func(k *keys) error) (oxlin.Secret, error) {
	present, err := readKeys(options, func(path string) ([]byte, error) { return nil, fmt.Errorf("there is none at %s", path) })
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("master key: %w", err)
	}
	err = f(&present)
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("%s: %w", what, err)
	}
	text, err := present.marshal()
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("%s: %w", what, err)
	}
	if !options.Key.IsZero() || options.Command != "" {
		return oxlin.NewSecret(base64.StdEncoding.EncodeToString(text)), nil
	}
	err = writeKeyFile(options.KeyFile, text, os.Rename)
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("%s: %w", what, err)
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
	return keys{sealing: sealing, recognition: recognition}.marshal()
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
	return json.Marshal(keyText{sealing.Bytes(), recognition.Bytes(), k.unmarked})
}

// parseKeys parses a key file's content, plain or in base64, and overwrites it. Its errors never
// quote the content.
func parseKeys(text []byte) (keys, error) {
	defer clear(text)
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("{")) {
		decoded, err := base64.StdEncoding.DecodeString(string(text))
		if err != nil {
			return keys{}, errors.New("neither JSON nor base64")
		}
		defer clear(decoded)
		text = decoded
	}
	var members keyText
	err := json.Unmarshal(text, &members)
	defer func() {
		clear(members.Sealing)
		clear(members.Recognition)
	}()
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
	return keys{sealing, recognition, members.Unmarked}, nil
}

func readKeyset(text json.RawMessage) (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		return nil, errors.New("not a keyset")
	}
	return handle, nil
}
