package postman

import (
	"bytes"
	"encoding/json"
)

// schema is Postman's name for the format that Collection writes.
const schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

type collection struct {
	Info struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Version     string `json:"version"`
		Schema      string `json:"schema"`
	} `json:"info"`
	Auth      *auth   `json:"auth"`
	Items     []item  `json:"item"`
	Variables []field `json:"variable"`
}

// item is a folder, which has items, or a request.
type item struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Items       []item   `json:"item,omitempty"`
	Events      []event  `json:"event,omitempty"`
	Request     *request `json:"request,omitempty"`
}

type request struct {
	Method      string  `json:"method"`
	Description string  `json:"description,omitempty"`
	Auth        *auth   `json:"auth,omitempty"`
	Header      []field `json:"header"`
	Body        *body   `json:"body,omitempty"`
	URL         address `json:"url"`
}

type auth struct {
	Type   string  `json:"type"`
	Bearer []field `json:"bearer,omitempty"`
	Basic  []field `json:"basic,omitempty"`
}

type address struct {
	Raw      string   `json:"raw"`
	Host     []string `json:"host"`
	Path     []string `json:"path"`
	Query    []field  `json:"query,omitempty"`
	Variable []field  `json:"variable,omitempty"`
}

type body struct {
	Mode       string         `json:"mode"`
	Raw        string         `json:"raw,omitempty"`
	URLEncoded []field        `json:"urlencoded,omitempty"`
	Options    map[string]any `json:"options,omitempty"`
}

// event is a script that runs after the response has arrived.
type event struct {
	Listen string `json:"listen"`
	Script script `json:"script"`
}

type script struct {
	Type string   `json:"type"`
	Exec []string `json:"exec"`
}

// field is a named value in any part of a collection.
type field struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	Type        string `json:"type,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
}

func bearer(variable string) *auth {
	return &auth{Type: "bearer", Bearer: []field{{Key: "token", Value: use(variable), Type: "string"}}}
}

// use returns a reference to a variable.
func use(variable string) string { return "{{" + variable + "}}" }

func write(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	return out.Bytes(), err
}
