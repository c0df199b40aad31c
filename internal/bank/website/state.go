package website

import (
	"encoding/json"

	"github.com/oxlin/oxlin"
)

// savedSession is the content of bank.Access.Token: the data that a login saves for the
// calls after it, and for the next login.
type savedSession struct {
	Cookies []cookie `json:"cookies,omitempty"`
	// Notes are the recipe's own data, such as a device's token outside the cookies.
	Notes map[string]string `json:"notes,omitempty"`
	// From is the page that the customer saw last.
	From referrer `json:"from,omitzero"`
	// Proof recognises the credentials by which the session was opened, without holding them.
	Proof string `json:"proof,omitempty"`
}

// question is the content of bank.Question.State: the login that waits for the
// customer's answer. Any process can continue it.
type question struct {
	Session savedSession `json:"session"`
	Step    placeKind    `json:"step"`
	Next    form         `json:"next"`
	Field   string       `json:"field,omitempty"`
	Phone   string       `json:"phone,omitempty"`
	Inputs  []input      `json:"inputs,omitempty"`
}

func seal(state any) oxlin.Secret {
	text, err := json.Marshal(state)
	if err != nil {
		panic(err) // texts and times always marshal
	}
	return oxlin.NewSecret(string(text))
}

// open decodes a text of seal; ok is false for any other text.
func open[T any](secret oxlin.Secret) (state T, ok bool) {
	err := json.Unmarshal([]byte(secret.Reveal()), &state)
	return state, err == nil
}
