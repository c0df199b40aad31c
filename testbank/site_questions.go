package testbank

import (
	"net/http"
	"net/url"
	"strings"
)

// Four questions in one form: with the scenario questions the first web site asks them
// instead of offering an SMS.

// stepQuestions waits for the answers.
const stepQuestions step = "questions"

// The right answers, the same for every customer.
const (
	memorableWord  = "soleil"
	secondPassword = "sesame"
	pinCode        = "2468"
)

// birthDay returns the customer's day of birth from the file, else a default.
func (c *customer) birthDay() string {
	if on := c.file.Owner.BirthDate; !on.IsZero() {
		return on.On(c.Anchor).French()
	}
	return "14/07/1989"
}

// knows reports whether all four answers are right.
func (c *customer) knows(form url.Values) bool {
	for name, right := range map[string]string{
		"mot": memorableWord, "secret": secondPassword, "pin": pinCode, "naissance": c.birthDay(),
	} {
		if strings.TrimSpace(form.Get(name)) != right {
			return false
		}
	}
	return true
}

// preferQuestions replaces the SMS by the questions for a customer with the scenario,
// and returns the visit.
func (b *Bank) preferQuestions(id string) visit {
	return b.moveVisit(id, func(v *visit) {
		c, known := b.state.Customers[v.Customer]
		if !known || v.Step != stepOffer {
			return
		}
		if _, on := b.scenariosOf(*c).active("questions", b.today()); on {
			v.Step = stepQuestions
		}
	})
}

// checkAnswers records right or wrong answers. Right answers make the device known;
// token is then its secret. After the last wrong attempt the visit ends.
func (b *Bank) checkAnswers(id string, c customer, right bool) (token string, left int) {
	b.moveVisit(id, func(v *visit) {
		if right {
			token = b.recognise(v, c, b.scenariosOf(c))
			return
		}
		v.Wrong++
		left = maxWrongCodes - v.Wrong
	})
	if token == "" && left <= 0 {
		b.endVisit(id)
	}
	return token, left
}

// answers is POST /questions.
func (c *siteCall) answers() {
	if c.r.PostForm.Get("choix") != "valider" {
		c.leave()
		return
	}
	token, left := c.b.checkAnswers(c.id, c.customer, c.customer.knows(c.r.PostForm))
	switch {
	case token != "":
		c.cookie(siteDevice, token, int(deviceLife.Seconds()))
		c.goTo(places[stepInside])
	case left > 0:
		c.showWith(http.StatusUnprocessableEntity, siteQuestions, siteView{Left: left})
	default:
		c.visit = visit{}
		c.say(http.StatusForbidden, "echec-authentification", "Authentification refusée", "Trop de réponses erronées. Reconnectez-vous pour recommencer.")
	}
}
