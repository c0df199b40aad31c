package vault_test

import (
	"os"
	"path/filepath"
	"slices"
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
			key, err := vault.Rotate(options, false)
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
			mac, err := before.MAC([]byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			known, err := after.Proves(mac, []byte("x"))
			if err != nil || !known {
				t.Errorf("what was recognised before is not recognised any more: %v", err)
			}
		})
	}
}

// The key of keyed hashes can be replaced: older hashes are recognised until their key is dropped.
func TestTheKeyOfKeyedHashesIsReplaced(t *testing.T) {
	ctx, options, password := t.Context(), vault.Options{KeyFile: filepath.Join(t.TempDir(), "master.key")}, oxlin.NewSecret("right")
	type made struct {
		mac  []byte
		hash string
		id   uint32
	}
	var all []made
	for range 3 {
		v := open(t, options)
		mac, err := v.MAC([]byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		hash, err := v.HashPassword(ctx, vault.Asker{}, password)
		if err != nil {
			t.Fatal(err)
		}
		names, err := v.IDs()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, made{mac, hash, names.Hashing})
		_, err = vault.Rotate(options, true)
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all[0].mac) != 32 || len(all[1].mac) != 36 {
		t.Errorf("the first key marks its hashes, or the next does not: %d, %d", len(all[0].mac), len(all[1].mac))
	}
	dropped := map[int]bool{}
	for _, drop := range [][]int{nil, {1}, {0, 2}} {
		var ids []uint32
		for _, i := range drop {
			ids, dropped[i] = append(ids, all[i].id), true
		}
		_, err := vault.Drop(options, ids)
		if err != nil {
			t.Fatal(err)
		}
		v := open(t, options)
		names, err := v.IDs()
		if err != nil {
			t.Fatal(err)
		}
		for i, one := range all {
			known, err := v.Proves(one.mac, []byte("x"))
			if err != nil || known == dropped[i] {
				t.Errorf("after dropping %v, hash %d is recognised: %t, %v", drop, i, known, err)
			}
			right, err := v.CheckPassword(ctx, vault.Asker{}, one.hash, password)
			if err != nil || right == dropped[i] || v.IsCurrent(one.hash) {
				t.Errorf("after dropping %v, the password of hash %d is right: %t, %v", drop, i, right, err)
			}
			wrong, err := v.CheckPassword(ctx, vault.Asker{}, one.hash, oxlin.NewSecret("wrong"))
			if err != nil || wrong {
				t.Errorf("a wrong password is right: %v", err)
			}
			if !strings.HasPrefix(one.hash, names.PasswordsOf(one.id)) {
				t.Errorf("the hash %q does not begin with the mark of %d", one.hash, one.id)
			}
		}
		fresh, err := v.HashPassword(ctx, vault.Asker{}, password)
		if err != nil || !v.IsCurrent(fresh) {
			t.Errorf("a fresh hash is not current: %v", err)
		}
	}
}

// A value under a newer master key is the same value, and opens in its place only.
func TestAResealedValueIsTheSame(t *testing.T) {
	options := vault.Options{KeyFile: filepath.Join(t.TempDir(), "master.key")}
	place := vault.Place{Table: "t", Column: "c", Row: "1"}
	before := open(t, options)
	sealed, err := before.Seal([]byte("value"), place)
	if err != nil {
		t.Fatal(err)
	}
	again, err := before.Reseal(sealed)
	if err != nil || again != nil {
		t.Errorf("the present key resealed its own value: %v", err)
	}
	_, err = vault.Rotate(options, false)
	if err != nil {
		t.Fatal(err)
	}
	after := open(t, options)
	again, err = after.Reseal(sealed)
	if err != nil {
		t.Fatal(err)
	}
	names, err := after.IDs()
	if id, ok := vault.KeyOf(again); err != nil || !ok || id != names.Sealing || !slices.Contains(names.Older, must(vault.KeyOf(sealed))) {
		t.Errorf("the keys are %+v, and the value needs %d", names, id)
	}
	_, err = vault.Drop(options, names.Older)
	if err != nil {
		t.Fatal(err)
	}
	alone := open(t, options)
	plain, err := alone.Open(again, place)
	if err != nil || string(plain) != "value" {
		t.Errorf("it opens as %q, %v", plain, err)
	}
	_, err = alone.Open(again, vault.Place{Table: "t", Column: "c", Row: "2"})
	if err == nil {
		t.Error("it opens in another place")
	}
	for name, value := range map[string][]byte{"the older value": sealed, "nothing": nil, "text": []byte("a text that is not sealed"), "a part": again[:20]} {
		fresh, err := alone.Reseal(value)
		if fresh != nil || err == nil && name != "a part" {
			t.Errorf("%s was resealed: %v", name, err)
		}
	}
}

// must returns the id of a value that has one.
func must(id uint32, ok bool) uint32 {
	if !ok {
		panic("not sealed")
	}
	return id
}

func TestWhereThereIsNoKeyNoneIsRotated(t *testing.T) {
	directory := t.TempDir()
	for _, file := range []string{filepath.Join(directory, "master.key"), filepath.Join(directory, "nowhere", "master.key")} {
		_, err := vault.Rotate(vault.Options{KeyFile: file}, false)
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
