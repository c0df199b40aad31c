package page

import (
	"strings"

	"github.com/a-h/templ"

	"github.com/oxlin/oxlin"
)

// input is a field with the attributes of its input element.
type input struct {
	Field
	// kind and mode are the input's type and inputmode, complete its autocomplete.
	kind, mode, complete string
	// code is set for a short number that the user copies from another device.
	code bool
	// said is the bank's error for the previous answer, in the user's language.
	said string
}

// asked returns the input of a field.
func asked(field Field) input {
	in := input{Field: field, kind: "text", complete: "off"}
	switch field.Type {
	case oxlin.CredentialPassword:
		in.kind = "password"
	case oxlin.CredentialNumericPassword:
		in.kind, in.mode = "password", "numeric"
	case oxlin.CredentialNumeric:
		in.mode = "numeric"
	case oxlin.CredentialDate:
		in.kind = "date"
	}
	return in
}

// credentials returns the inputs of a login. The first one that is not secret is the user
// name for password managers.
func credentials(fields []Field) []input {
	var all []input
	named := false
	for _, field := range fields {
		in := asked(field)
		switch {
		case in.secret():
			in.complete = "current-password"
		case in.kind == "text" && !named:
			in.complete, named = "username", true
		}
		all = append(all, in)
	}
	return all
}

// answers returns the inputs of a challenge. A numeric one is a one-time code.
func answers(fields []Field) []input {
	var all []input
	for _, field := range fields {
		in := asked(field)
		if in.mode == "numeric" && !in.secret() {
			in.complete, in.code = "one-time-code", true
		}
		all = append(all, in)
	}
	return all
}

// reported returns the inputs of a challenge and the notes above them. If there is only
// one input, the bank's error is shown next to it. If the new answer has an error, the
// bank's earlier error is omitted.
func (d drawing) reported(v Challenge) (inputs []input, above []Note) {
	inputs = answers(v.Fields)
	typedWrong := len(wrong(inputs)) > 0
	for _, note := range v.Notes {
		switch {
		case note.Error && typedWrong:
		case note.Error && len(inputs) == 1:
			inputs[0].said = strings.TrimSpace(inputs[0].said + " " + d.label(note.Text))
		default:
			above = append(above, note)
		}
	}
	return inputs, above
}

func (in input) secret() bool { return in.kind == "password" }

func (in input) wrong() bool { return in.Problem != "" || in.said != "" }

func (in input) id() string { return string(in.ID) }

// attributes returns the attributes of the input element.
func (in input) attributes() templ.Attributes {
	all := templ.Attributes{"type": in.kind, "autocomplete": in.complete}
	if in.mode != "" {
		all["inputmode"] = in.mode
	}
	if in.kind == "text" {
		all["autocapitalize"], all["autocorrect"], all["spellcheck"] = "none", "off", "false"
	}
	if in.code {
		all["class"] = "code"
	}
	if in.Value != "" && !in.secret() && !in.Encrypt {
		all["value"] = in.Value
	}
	if in.Encrypt {
		all["data-encrypt"] = true
	}
	var described []string
	if in.wrong() {
		all["aria-invalid"] = "true"
		described = append(described, in.id()+"-problem")
	}
	if in.Masked != "" {
		described = append(described, in.id()+"-help")
	}
	if len(described) > 0 {
		all["aria-describedby"] = strings.Join(described, " ")
	}
	return all
}

// problem returns the error text of the field.
func (in input) problem(d drawing) string {
	if in.said != "" {
		return in.said
	}
	return d.text("field." + in.Problem)
}

// wrong returns the inputs with an error.
func wrong(inputs []input) []input {
	var all []input
	for _, in := range inputs {
		if in.wrong() {
			all = append(all, in)
		}
	}
	return all
}

// keyed returns the attribute with the address of the key for a form's secrets.
func keyed(address string) templ.Attributes {
	if address == "" {
		return nil
	}
	return templ.Attributes{"data-key": address}
}
