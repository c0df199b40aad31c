package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault"
)

func open(t testing.TB, options vault.Options) *vault.Vault {
	t.Helper()
	v, err := vault.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func places() *rapid.Generator[vault.Place] {
	// Short texts make equal places, and places that differ only in where one part ends.
	part := rapid.StringMatching(`[ab\x00]{0,2}`)
	return rapid.Custom(func(t *rapid.T) vault.Place {
		return vault.Place{Table: part.Draw(t, "table"), Column: part.Draw(t, "column"), Row: part.Draw(t, "row")}
	})
}

func TestSealedOpensInItsPlaceOnly(t *testing.T) {
	v := open(t, vault.Options{KeyFile: filepath.Join(t.TempDir(), "master.key")})
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		here, there := places().Draw(t, "here"), places().Draw(t, "there")
		sealed, err := v.Seal(plain, here)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.Open(sealed, here)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened %x (%v), sealed %x", got, err, plain)
		}
		again, err := v.Seal(plain, here)
		if err != nil || bytes.Equal(again, sealed) {
			t.Fatalf("sealed twice as %x (%v)", again, err)
		}
		changed := bytes.Clone(sealed)
		changed[rapid.IntRange(0, len(changed)-1).Draw(t, "changed byte")] ^= 1
		_, err = v.Open(changed, here)
		if err == nil {
			t.Fatalf("%x opens, and was sealed as %x", changed, sealed)
		}
		_, err = v.Open(sealed, there)
		if (err == nil) != (here == there) {
			t.Fatalf("sealed for %q, opened at %q: %v", here, there, err)
		}
	})
}

func FuzzOpenForeignBytes(f *testing.F) {
	v := open(f, vault.Options{KeyFile: filepath.Join(f.TempDir(), "master.key")})
	sealed, err := v.Seal([]byte("plain"), vault.Place{Table: "t"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed[:len(sealed)-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, foreign []byte) {
		_, err := v.Open(foreign, vault.Place{Table: "t"})
		if err == nil && !bytes.Equal(foreign, sealed) {
			t.Fatalf("%x opened", foreign)
		}
	})
}

func TestKeyFileIsCreatedOnceAndForItsOwnerOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "master.key")
	vaults := make([]*vault.Vault, 4)
	var wait sync.WaitGroup
	for i := range vaults { // several processes start at once
		wait.Go(func() { vaults[i], _ = vault.Open(vault.Options{KeyFile: file}) })
	}
	wait.Wait()
	sealed, err := vaults[0].Seal([]byte("plain"), vault.Place{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vaults {
		_, err := v.Open(sealed, vault.Place{})
		if err != nil {
			t.Error(err)
		}
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	rest, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
	if len(rest) != 0 {
		t.Errorf("left behind: %v", rest)
	}
}

func TestKeyIsGivenAsJSONOrBase64(t *testing.T) {
	file := filepath.Join(t.TempDir(), "master.key")
	fromFile := open(t, vault.Options{KeyFile: file})
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := fromFile.SealSecret(oxlin.NewSecret("secret"), vault.Place{Table: "t"})
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{"JSON": string(text), "base64": base64.StdEncoding.EncodeToString(text) + "\n"} {
		secret, err := open(t, vault.Options{Key: oxlin.NewSecret(key)}).OpenSecret(sealed, vault.Place{Table: "t"})
		if err != nil || secret.Reveal() != "secret" {
			t.Errorf("%s: %q, %v", name, secret.Reveal(), err)
		}
	}
}

func TestBadKeyIsRefusedWithoutQuotingIt(t *testing.T) {
	for _, bad := range []string{"hunter2", "{", `{"sealing":"hunter2"}`, `{"sealing":{},"recognition":{}}`, "aHVudGVyMg=="} {
		_, err := vault.Open(vault.Options{Key: oxlin.NewSecret(bad)})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	_, err := vault.Open(vault.Options{})
	if err == nil {
		t.Error("no key at all was accepted")
	}
}

func TestMACDependsOnTheKey(t *testing.T) {
	one := open(t, vault.Options{KeyFile: filepath.Join(t.TempDir(), "a")})
	other := open(t, vault.Options{KeyFile: filepath.Join(t.TempDir(), "b")})
	if bytes.Equal(hashOf(t, one, "x"), hashOf(t, other, "x")) || bytes.Equal(hashOf(t, one, "x"), hashOf(t, one, "y")) {
		t.Error("two MACs are the same")
	}
}

func TestPassword(t *testing.T) {
	v := open(t, vault.Options{KeyFile: filepath.Join(t.TempDir(), "key")})
	ctx := context.Background()
	right := oxlin.NewSecret(strings.Repeat("a", 72) + "é")
	hash, err := v.HashPassword(ctx, vault.Asker{}, right)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "keyed:$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", hash)
	}
	again, err := v.HashPassword(ctx, vault.Asker{}, right)
	if err != nil {
		t.Fatal(err)
	}
	salt := func(hash string) string { return strings.Split(hash, "$")[4] }
	if salt(hash) == salt(again) || len(salt(hash)) != 22 { // 16 bytes in base64
		t.Errorf("the salts of %s and %s", hash, again)
	}
	for _, c := range []struct {
		password oxlin.Secret
		want     bool
	}{{right, true}, {oxlin.NewSecret(strings.Repeat("a", 72)), false}, {oxlin.NewSecret(""), false}} {
		got, err := v.CheckPassword(ctx, vault.Asker{}, hash, c.password)
		if err != nil || got != c.want {
			t.Errorf("got %v, %v; want %v", got, err, c.want)
		}
	}
	other := open(t, vault.Options{KeyFile: filepath.Join(t.TempDir(), "key")})
	if got, err := other.CheckPassword(ctx, vault.Asker{}, hash, right); err != nil || got {
		t.Errorf("with another master key: %v, %v", got, err)
	}
	if got, err := v.CheckPassword(ctx, vault.Asker{}, strings.TrimPrefix(hash, "keyed:"), right); err != nil || got {
		t.Errorf("a keyed hash counts as an older one: %v, %v", got, err)
	}
	// What releases before stored: without the master key.
	const older = "$argon2id$v=19$m=19456,t=2,p=1$MqJ0F+WynmZle3jzRmVjwg$V6c3F57zevbX+V5lnxcBHT2VaoJIMhbwdD7HU1T3lZY"
	for password, want := range map[string]bool{"an older password": true, "another": false} {
		if got, err := v.CheckPassword(ctx, vault.Asker{}, older, oxlin.NewSecret(password)); err != nil || got != want {
			t.Errorf("%s: %v, %v", password, got, err)
		}
	}
	for hash, want := range map[string]bool{
		hash: true, older: false, "keyed:" + older: true, "not a hash": false, "keyed:not a hash": false,
		"keyed:$argon2id$v=19$m=9216,t=4,p=1$MqJ0F+WynmZle3jzRmVjwg$V6c3F57zevbX+V5lnxcBHT2VaoJIMhbwdD7HU1T3lZY":  false,
		"keyed:$argon2id$v=19$m=19456,t=1,p=1$MqJ0F+WynmZle3jzRmVjwg$V6c3F57zevbX+V5lnxcBHT2VaoJIMhbwdD7HU1T3lZY": false,
	} {
		if got := v.IsCurrent(hash); got != want {
			t.Errorf("%s is current: %t", hash, got)
		}
	}
	_, err = v.CheckPassword(ctx, vault.Asker{}, "not a hash", right)
	if err == nil {
		t.Error("a broken hash gave no error")
	}
}

func TestPasswordWaitsNoLongerThanItsContext(t *testing.T) {
	v := open(t, vault.Options{KeyFile: filepath.Join(t.TempDir(), "key")})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := v.HashPassword(ctx, vault.Asker{}, oxlin.NewSecret("x"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestToken(t *testing.T) {
	first, err := vault.NewToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	second, err := vault.NewToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if first == second || !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(first.Reveal()) {
		t.Errorf("%q, %q", first.Reveal(), second.Reveal())
	}
	if len(vault.HashToken(first)) != 32 || bytes.Equal(vault.HashToken(first), vault.HashToken(second)) {
		t.Error("the hashes do not tell the tokens apart")
	}
	_, err = vault.NewToken(strings.NewReader("too short"))
	if err == nil {
		t.Error("a token was made without enough randomness")
	}
}

func hashOf(t *testing.T, v *vault.Vault, text string) []byte {
	t.Helper()
	mac, err := v.MAC([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return mac
}
