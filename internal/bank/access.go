package bank

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
)

// accessRecord is Access unencrypted. It exists only until it is sealed.
type accessRecord struct {
	Token        string    `json:"token"`
	RefreshToken string    `json:"refresh_token,omitempty"`
	TokenFrom    time.Time `json:"token_from,omitzero"`
	TokenUntil   time.Time `json:"token_until,omitzero"`
	ConsentUntil time.Time `json:"consent_until,omitzero"`
	Refreshed    bool      `json:"refreshed,omitempty"`
	PerDay       int       `json:"per_day,omitempty"`
	State        string    `json:"state,omitempty"`
}

// Encode returns the access unencrypted. The caller seals it at once.
func (a Access) Encode() oxlin.Secret {
	text, err := json.Marshal(accessRecord{
		a.Token.Reveal(), a.RefreshToken.Reveal(), a.TokenFrom, a.TokenUntil, a.ConsentUntil, a.Refreshed, a.UnattendedPerDay, a.State.Reveal(),
	})
	if err != nil {
		panic(err) // strings and times marshal, except years after 9999
	}
	return oxlin.NewSecret(string(text))
}

// DecodeAccess reads the text that Encode returns.
func DecodeAccess(secret oxlin.Secret) (Access, error) {
	var record accessRecord
	err := json.Unmarshal([]byte(secret.Reveal()), &record)
	if err != nil {
		// The cause would quote the secret, so it is left out.
		return Access{}, fmt.Errorf("stored access is not readable")
	}
	return Access{
		oxlin.NewSecret(record.Token), oxlin.NewSecret(record.RefreshToken),
		record.TokenFrom, record.TokenUntil, record.ConsentUntil, record.Refreshed, record.PerDay, oxlin.NewSecret(record.State),
	}, nil
}

// usualMargin is how long before its end a token is renewed, so that it does not end on
// its way to the bank. A short-lived token is used for most of its life.
const (
	usualMargin = time.Minute
	shortMargin = 6 // parts of its life
)

// Due reports whether the token must be refreshed before a call at this time. It never is
// if the bank does not announce an end.
func (a Access) Due(now time.Time) bool {
	if a.TokenUntil.IsZero() {
		return false
	}
	margin := usualMargin
	if life := a.TokenUntil.Sub(a.TokenFrom); !a.TokenFrom.IsZero() && life > 0 {
		margin = min(margin, life/shortMargin)
	}
	return !now.Add(margin).Before(a.TokenUntil)
}
