package directory_test

import (
	"crypto/rand"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/platformtest"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// declared are settings of each kind that clients may have.
var declared = []oxlin.Setting{
	{Name: "sms_number", Check: func(value string) error {
		if !strings.HasPrefix(value, "+") {
			return oxlin.Invalid("number", "%q is no number.", value)
		}
		return nil
	}},
	{Name: "sms_pin", Kind: oxlin.SettingSecret, Check: func(value string) error {
		if len(value) < 4 {
			return fmt.Errorf("the PIN %s is too short", value)
		}
		return nil
	}},
	{Name: "sms_night", Kind: oxlin.SettingSwitch},
}

func newClients(t *testing.T, db *store.DB) *directory.Clients {
	t.Helper()
	v := platformtest.NewVault(t)
	log := audit.New(audit.Options{DB: db, Vault: v, Now: time.Now, Log: platformtest.Quiet})
	return directory.NewClients(db, v, log, time.Now, rand.Reader, declared...)
}

func secret(value string) oxlin.Secret { return oxlin.NewSecret(value) }

func TestASettingIsCheckedByItsDeclaration(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clients := newClients(t, db)
		changing, _, err := clients.Create(t.Context(), directory.NewClient{Name: "Shop"})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct{ name, value, message string }{
			{"sms_number", "+33", ""},
			{"sms_number", "", ""},
			{"sms_number", "33", `"33" is no number.`},
			{"sms_number", "+3\n3", "A setting is one line of text."},
			{"sms_number", "+\xff", "A setting is one line of text."},
			{"sms_pin", "1234", ""},
			{"sms_pin", "123", "The value is refused."},
			{"sms_night", "yes", ""},
			{"sms_night", "", ""},
			{"sms_night", "no", `A switch is "yes" or empty.`},
			{"sms_colour", "red", "There is no such setting."},
		} {
			values := map[string]oxlin.Secret{row.name: secret(row.value)}
			created, _, err := clients.Create(t.Context(), directory.NewClient{Name: "Shop", Settings: values})
			if got := messageOf(err); got != row.message || err != nil && oxlin.AsError(err).Field != row.name {
				t.Errorf("created with %s=%q: %v", row.name, row.value, err)
			}
			if err == nil {
				value, err := clients.Value(created, row.name)
				if err != nil || value.Reveal() != row.value || created.Settings.Has(row.name) != (row.value != "") {
					t.Errorf("%s=%q is stored as %v, %v", row.name, row.value, created.Settings, err)
				}
			}
			changed, err := clients.Set(changing, values)
			if err == nil {
				err = clients.Change(t.Context(), changed)
			}
			if got := messageOf(err); got != row.message {
				t.Errorf("changed to %s=%q: %v", row.name, row.value, err)
			}
			stored, readErr := clients.Get(t.Context(), changing.ID)
			value, openErr := clients.Value(stored, row.name)
			if readErr != nil || openErr != nil || (value.Reveal() == row.value) != (err == nil) {
				t.Errorf("changed to %s=%q: stored %v, %v, %v", row.name, row.value, stored.Settings, readErr, openErr)
			}
			changing = stored
		}
	})
}

func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return oxlin.AsError(err).Message
}

func TestASecretSettingIsSealed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clients := newClients(t, db)
		asked := directory.NewClient{Name: "Shop", Settings: map[string]oxlin.Secret{"sms_pin": secret("canary-7391"), "sms_number": secret("+33")}}
		c, _, err := clients.Create(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		if printed := fmt.Sprintf("%v %+v %#v %+v", c, c, c, asked); strings.Contains(printed, "canary") {
			t.Errorf("it prints: %s", printed)
		}
		stored, err := db.Read().Client(t.Context(), c.ID)
		if err != nil || len(stored.Settings["sms_pin"].Sealed) == 0 || stored.Settings["sms_pin"].Value != "" || stored.Settings["sms_number"].Value != "+33" {
			t.Errorf("stored %+v, %v", stored.Settings, err)
		}
		// The same value changes nothing; the others stay.
		same, err := clients.Set(stored, map[string]oxlin.Secret{"sms_pin": secret("canary-7391")})
		if err != nil || !reflect.DeepEqual(same, stored) {
			t.Errorf("set to the same value: %+v, %v", same.Settings, err)
		}
		// Sealed bytes do not open as another client's.
		stolen := stored
		stolen.ID = "other"
		_, err = clients.Value(stolen, "sms_pin")
		if err == nil {
			t.Error("the secret opens as another client's")
		}
		removed, err := clients.Set(stored, map[string]oxlin.Secret{"sms_pin": {}})
		if err != nil || removed.Settings.Has("sms_pin") || !removed.Settings.Has("sms_number") || !stored.Settings.Has("sms_pin") {
			t.Errorf("removed: %+v of %+v, %v", removed.Settings, stored.Settings, err)
		}
	})
}

// A setting that no room declares today, and a value that its declaration refuses today,
// were stored by another release: they stay.
func TestSettingsOfAnotherReleaseStay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		clients := newClients(t, db)
		before := oxlin.Settings{"telegraph_wire": {Value: "7"}, "sms_number": {Value: "unknown"}}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return tx.SaveClient(t.Context(), oxlin.Client{ID: "shop", Name: "Shop", Settings: before})
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := clients.Get(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		c.Name = "Store"
		c, err = clients.Set(c, map[string]oxlin.Secret{"sms_number": secret("unknown"), "sms_night": secret("yes")})
		if err != nil {
			t.Fatal(err)
		}
		err = clients.Change(t.Context(), c)
		after, readErr := clients.Get(t.Context(), "shop")
		before["sms_night"] = oxlin.SettingValue{Value: "yes"}
		if err != nil || readErr != nil || after.Name != "Store" || !reflect.DeepEqual(after.Settings, before) {
			t.Errorf("stored %+v, %v, %v", after, err, readErr)
		}
	})
}
