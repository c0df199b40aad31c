package website

import (
	"encoding/json"

	"github.com/oxlin/oxlin"
)

// session is what a login leaves behind, and what the next one brings along: the
// text in bank.Access.Token.
type session struct {
	Cookies []cookie `json:"cookies,omitempty"`
	// Notes are the recipe's own: a device's token that is no cookie.
	Notes map[string]string `json:"notes,omitempty"`
}

// question is where a login stands while the customer is asked: the text in
// bank.Question.State. Any process goes on from it.
type question struct {
	Session session   `json:"session"`
	Step    placeKind `json:"step"`
	Next    form      `json:"next"`
	Field   string    `json:"field,omitempty"`
	Phone   string    `json:"phone,omitempty"`
	Inputs  []input   `json:"inputs,omitempty"`
}

func seal(state any) oxlin.Secret {
	text, err := json.Marshal(state)
	if err != nil {
		panic(err) // texts and times always marshal
	}
	return oxlin.NewSecret(string(text))
}

// open reads what seal wrote; ok is false for everything else.
func open[T any](secret oxlin.Secret) (state T, ok bool) {
	err := json.Unmarshal([]byte(secret.Reveal()), &state)
	return state, err == nil
}
