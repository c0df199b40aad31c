package page

import (
	"strings"

	"github.com/a-h/templ"

	"github.com/oxlin/oxlin"
)

// input is a field with the ways in which a browser can help to fill it in.
type input struct {
	Field
	// kind and mode are the input's type and inputmode, complete its autocomplete.
	kind, mode, complete string
	// code is a short number to be read off another screen.
	code bool
	// said is what the bank found wrong with the answer before, in the user's language.
	said string
}

// asked gives a field its input.
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

// credentials are the inputs of a login. The first that is no secret is what a
// password manager files the others under.
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

// answers are the inputs of a challenge. A number is a code that was just sent.
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

// reported gives the inputs of a challenge and what stands above them. Where there is one
// input alone, what the bank found wrong is about it, and stands beside it. Where there is
// something wrong with what was typed since, what the bank found before is out of date.
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

// attributes are those of the input element.
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

// problem is what is wrong with the field, as the user reads it.
func (in input) problem(d drawing) string {
	if in.said != "" {
		return in.said
	}
	return d.text("field." + in.Problem)
}

// wrong are the inputs with a problem.
func wrong(inputs []input) []input {
	var all []input
	for _, in := range inputs {
		if in.wrong() {
			all = append(all, in)
		}
	}
	return all
}

// keyed tells a form where the key is that its values are encrypted with.
func keyed(address string) templ.Attributes {
	if address == "" {
		return nil
	}
	return templ.Attributes{"data-key": address}
}
