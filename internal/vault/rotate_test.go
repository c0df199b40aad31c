package vault_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault"
)

func TestARotatedKeyStillOpensWhatTheOldOneSealed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "master.key")
	place := vault.Place{Table: "t", Column: "c", Row: "1"}
	before := open(t, vault.Options{KeyFile: file})
	old, err := before.Seal([]byte("sealed before"), place)
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	inEnvironment := vault.Options{Key: oxlin.NewSecret(string(first))}
	printed := vault.Options{Command: "cat " + file}
	for name, options := range map[string]vault.Options{"a file": {KeyFile: file}, "a value": inEnvironment, "a command": printed} {
		t.Run(name, func(t *testing.T) {
			key, err := vault.Rotate(options)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(key.String(), key.Reveal()) && !key.IsZero() {
				t.Error("the new key shows itself")
			}
			rotated := options
			if options.KeyFile == "" {
				rotated = vault.Options{Key: key}
			}
			after := open(t, rotated)
			plain, err := after.Open(old, place)
			if err != nil || string(plain) != "sealed before" {
				t.Errorf("after the rotation it opens as %q: %v", plain, err)
			}
			sealed, err := after.Seal([]byte("sealed after"), place)
			if err != nil {
				t.Fatal(err)
			}
			_, err = before.Open(sealed, place)
			if err == nil {
				t.Error("the new key does not seal")
			}
			if string(after.MAC([]byte("x"))) != string(before.MAC([]byte("x"))) {
				t.Error("what was recognised before is not recognised any more")
			}
		})
	}
}

func TestWhereThereIsNoKeyNoneIsRotated(t *testing.T) {
	directory := t.TempDir()
	for _, file := range []string{filepath.Join(directory, "master.key"), filepath.Join(directory, "nowhere", "master.key")} {
		_, err := vault.Rotate(vault.Options{KeyFile: file})
		if err == nil || err.Error() != "master key: there is none at "+file {
			t.Errorf("%s: %v", file, err)
		}
	}
	left, err := os.ReadDir(directory)
	if err != nil || len(left) != 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestACommandThatFailsGivesNoKey(t *testing.T) {
	for _, command := range []string{"exit 3", "echo hello", "true"} {
		_, err := vault.Open(vault.Options{Command: command})
		if err == nil {
			t.Errorf("%q gave a key", command)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	v := open(b, vault.Options{KeyFile: filepath.Join(b.TempDir(), "master.key")})
	record := make([]byte, 500)
	place := vault.Place{Table: "transactions", Column: "raw", Row: "1"}
	for b.Loop() {
		_, err := v.Seal(record, place)
		if err != nil {
			b.Fatal(err)
		}
	}
}
