package directory

import (
	"testing"

	"github.com/oxlin/oxlin/internal/vault"
)

func TestTheStoredPlaceOfASetting(t *testing.T) {
	if place := settingPlace("shop", "sms_pin"); place != (vault.Place{Table: "clients", Column: "settings", Row: "shop/sms_pin"}) {
		t.Errorf("sealed settings would be looked for in %+v", place)
	}
}
