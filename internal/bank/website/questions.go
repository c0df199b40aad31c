package website

import (
	"strconv"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin"
)

// The challenges for a form of questions that a bank asks its customer. The questions
// depend on the bank, so the inputs are numbered from firstInput on, in the form's
// order; 303 to 309 belong to the reference conversation.
var (
	aboutQuestions = oxlin.CredentialDefinition{
		ID: "310", Type: oxlin.CredentialInfo, Regexp: ".*",
		Label: "La connexion à votre banque demande une réponse à chacune de ces questions.",
	}
	answersWrong = oxlin.CredentialDefinition{
		ID: "311", Type: oxlin.CredentialError, Regexp: ".*",
		Label: "Une réponse au moins est fausse. Encore {remaining_attempts} tentatives",
	}
	confirmAnswers = oxlin.CredentialDefinition{ID: "312", Type: oxlin.CredentialOKCancel, Regexp: ".*", Label: "Valider"}
)

const firstInput = 313

// input is one question of a form.
type input struct {
	// Name is the name of the form's field.
	Name string `json:"name"`
	// Layout is the form's date format, as a layout of package time; empty for other
	// inputs.
	Layout string `json:"layout,omitempty"`
	// asked is the challenge without its id.
	asked oxlin.CredentialDefinition
}

func inputID(i int) oxlin.CredentialID { return oxlin.CredentialID(strconv.Itoa(firstInput + i)) }

// aDay matches a date as clients send it.
const aDay = `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`

// layouts maps the date formats in data-date to layouts.
var layouts = map[string]string{"jj/mm/aaaa": "02/01/2006"}

// inputs returns the questions of a form: all fields that a customer fills in. A field
// of an unsupported kind is a failure, because the form needs an answer to it.
func (p *page) inputs(selector string) ([]input, error) {
	var all []input
	for _, element := range p.Find(selector).Find("input[name], select[name], textarea[name]").EachIter() {
		kind := goquery.NodeName(element)
		if kind == "input" {
			kind = strings.ToLower(element.AttrOr("type", "text"))
		}
		switch kind {
		case "hidden", "submit", "button", "reset", "image":
			continue
		}
		one := input{Name: element.AttrOr("name", ""), asked: oxlin.CredentialDefinition{Label: p.labelOf(element)}}
		day, isDay := element.Attr("data-date")
		numeric := element.AttrOr("inputmode", "") == "numeric"
		switch {
		case kind == "text" && isDay:
			one.asked.Type, one.Layout = oxlin.CredentialDate, layouts[day]
			one.asked.Label += " (AAAA-MM-JJ)"
		case kind == "text" && numeric:
			one.asked.Type = oxlin.CredentialNumeric
		case kind == "text":
			one.asked.Type = oxlin.CredentialText
		case kind == "password" && numeric:
			one.asked.Type = oxlin.CredentialNumericPassword
		case kind == "password":
			one.asked.Type, one.asked.Encrypt = oxlin.CredentialPassword, true
		}
		if one.asked.Type == "" || isDay && one.Layout == "" {
			return nil, nonsense("a question of an unknown kind")
		}
		one.asked.Regexp = formOf(one.asked.Type, element.AttrOr("pattern", ""))
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, nonsense("a form that asks nothing")
	}
	return all, nil
}

// labelOf returns the label of an element of a form.
func (p *page) labelOf(element *goquery.Selection) string {
	id := element.AttrOr("id", "")
	return textOf(p.Find("label[for]").FilterFunction(func(_ int, label *goquery.Selection) bool {
		return label.AttrOr("for", "") == id
	}).First())
}

// formOf returns the regular expression of an answer: the input's own pattern, which
// covers the whole answer, else that of its kind.
func formOf(kind oxlin.CredentialType, pattern string) string {
	switch {
	case kind == oxlin.CredentialDate:
		return aDay
	case pattern != "":
		return "^(?:" + pattern + ")$"
	case kind == oxlin.CredentialNumeric, kind == oxlin.CredentialNumericPassword:
		return "^[0-9]+$"
	}
	return ".+"
}

// challenges returns the questions of a place as challenges.
func (where place) challenges() []oxlin.Challenge {
	all := []oxlin.Challenge{challenge(aboutQuestions)}
	if where.attempts > 0 {
		all = append(all, challenge(answersWrong, "remaining_attempts", strconv.Itoa(where.attempts)))
	}
	for i, one := range where.inputs {
		one.asked.ID = inputID(i)
		all = append(all, challenge(one.asked))
	}
	return append(all, challenge(confirmAnswers))
}

// filled returns the form with the customer's answers. A date that cannot be parsed is
// sent unchanged: the bank rejects it.
func (q question) filled(answers map[oxlin.CredentialID]oxlin.Secret) form {
	f := q.Next
	for i, one := range q.Inputs {
		answer := answers[inputID(i)].Reveal()
		day, err := oxlin.ParseDate(answer)
		if one.Layout != "" && err == nil && !day.IsZero() {
			answer = day.Midnight(time.UTC).Format(one.Layout)
		}
		f = f.with(one.Name, answer)
	}
	return f
}
