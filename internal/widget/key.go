package widget

import (
	"encoding/json"

	"github.com/oxlin/oxlin/internal/vault"
)

// serveKey returns the key with which a form's script encrypts secrets.
func (w *Widget) serveKey(x *exchange) error {
	err := w.open(x)
	if err != nil {
		return err
	}
	key, err := w.options.Service.Keys.ForPages(x.ctx, x.session.caller())
	if err != nil {
		return err
	}
	point, err := vault.PublicPoint(key.Public)
	if err != nil {
		return err
	}
	x.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(x).Encode(map[string]string{
		"key_id": key.ID.String(), "fingerprint": point.Fingerprint, "point": point.Base64,
	})
}
