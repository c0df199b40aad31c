package store_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// The address of webhooks was a column of clients before it was a setting.
func TestWebhookAddressesSurviveTheMigration(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), address, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = db.MigrateTo(t.Context(), 32)
			if err != nil {
				t.Fatal(err)
			}
			addresses := map[string]string{"none": "", "plain": "https://client.test/hook?key=1", "odd": `https://é.test/"quoted"\'/%C3%A9`}
			for id, address := range addresses {
				execute(t, db, fmt.Sprintf(`INSERT INTO clients (id, name, secret_hashes, redirect_uris, any_redirect_uri, licensed, webhook_url, theme, created_at)
					VALUES ('%s', 'Client', '[]', '[]', FALSE, FALSE, '%s', '{}', 0)`, id, strings.ReplaceAll(address, "'", "''")))
			}
			err = db.Migrate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for id, address := range addresses {
				want := oxlin.Settings{}
				if address != "" {
					want["webhook_url"] = oxlin.SettingValue{Value: address}
				}
				got := must[oxlin.Client](t)(db.Read().Client(t.Context(), oxlin.ClientID(id))).Settings
				same := func(a, b oxlin.SettingValue) bool { return a.Value == b.Value && len(a.Sealed)+len(b.Sealed) == 0 }
				if !maps.EqualFunc(got, want, same) {
					t.Errorf("%s has the settings %v, want %v", id, got, want)
				}
			}
		})
	}
}
