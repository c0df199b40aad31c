package synchro_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/vault"
)

// The hash by which an unreadable record is known is made anew from the record, which is sealed.
func TestTheHashesOfUnreadableRecordsFollowTheNewestKey(t *testing.T) {
	b := newScripted(t, "a")
	b.history("a", 3)
	b.begin()
	account := b.account("a")
	options := vault.Options{KeyFile: filepath.Join(t.TempDir(), "master.key")}
	open := func() *vault.Vault {
		t.Helper()
		v, err := vault.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := open()
	raw := []byte(`{"a":1}`)
	for _, text := range [][]byte{raw, []byte(`{"b":2}`)} {
		sealed, err := first.Seal(text, vault.Place{Table: "unreadable_records", Column: "raw", Row: account.ID.String()})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(func(tx *store.Tx) error {
			return tx.SaveUnreadable(t.Context(), account.ID, store.UnreadableRecord{
				Content: hashOf(t, first, text), Reason: "day", SeenAt: b.Clock.Now(), Raw: sealed, CoveredFrom: oxlin.NewDate(2026, 1, 2),
			})
		})
	}
	_, err := vault.Rotate(options, true)
	if err != nil {
		t.Fatal(err)
	}
	second := open()
	for _, step := range []struct {
		looks bool
		want  int
	}{{true, 2}, {false, 2}, {true, 0}, {false, 0}} {
		found, err := synchro.Rehash(t.Context(), b.DB, second, step.looks)
		if err != nil || found != (store.Resealed{Renewed: step.want}) {
			t.Errorf("%+v: %+v, %v", step, found, err)
		}
	}
	records, err := b.DB.Read().UnreadableRecords(t.Context(), account.ID)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records: %v", len(records), err)
	}
	for _, record := range records {
		if len(record.Content) != 36 || record.Reason != "day" || !record.SeenAt.Equal(b.Clock.Now()) || record.CoveredFrom != oxlin.NewDate(2026, 1, 2) {
			t.Errorf("the record is %+v", record)
		}
	}
	if !bytes.Equal(records[0].Content, hashOf(t, second, raw)) && !bytes.Equal(records[1].Content, hashOf(t, second, raw)) {
		t.Error("no record has the newest hash")
	}
}
