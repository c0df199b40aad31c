package connect

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault"
)

// A process may be killed between the last byte of a file and its name: the next one takes the
// file up if it is whole, and removes it if not. A file on which a process works is left alone.
func TestAFileOfAKilledProcess(t *testing.T) {
	v, err := vault.Open(vault.Options{KeyFile: filepath.Join(t.TempDir(), "master.key")})
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		spoil      func([]byte) []byte
		busy       bool
		want, left int
	}{
		"whole":         {func(b []byte) []byte { return b }, false, 1, 1},
		"half":          {func(b []byte) []byte { return b[:len(b)/2] }, false, 0, 0},
		"empty":         {func([]byte) []byte { return nil }, false, 0, 0},
		"still written": {func(b []byte) []byte { return b[:10] }, true, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSpool(filepath.Join(t.TempDir(), "spool"), v)
			hash := bytes.Repeat([]byte{7}, 32)
			err := s.put(spooledAccess{StateHash: hash, UserID: oxlin.UserID(4)})
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := os.ReadFile(s.path(hash))
			if err == nil {
				err = os.WriteFile(s.path(hash)+newSuffix, row.spoil(sealed), 0o600)
			}
			if err == nil {
				err = os.Remove(s.path(hash))
			}
			if err != nil {
				t.Fatal(err)
			}
			if row.busy {
				done, _ := s.work(hash)
				defer done()
			}
			found, err := s.left()
			if err != nil || len(found) != row.want {
				t.Fatalf("%d files wait, %v; want %d", len(found), err, row.want)
			}
			for _, hash := range found {
				spooled, ok, err := s.find(hash)
				if err != nil || !ok || spooled.UserID != 4 {
					t.Errorf("%+v, %t, %v", spooled, ok, err)
				}
			}
			entries, err := os.ReadDir(s.directory)
			if err != nil || len(entries) != row.left {
				t.Errorf("%d files are left, %v; want %d", len(entries), err, row.left)
			}
		})
	}
}
