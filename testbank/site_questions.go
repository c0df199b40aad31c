package testbank

import (
	"net/http"
	"net/url"
	"strings"
)

// Four questions in one form: with the scenario questions the first web site asks
// them where it would else offer an SMS.

// stepQuestions answers them.
const stepQuestions step = "questions"

// The answers that are right for everybody.
const (
	memorableWord  = "soleil"
	secondPassword = "sesame"
	pinCode        = "2468"
)

// birthDay is when the customer was born: as the file tells, else on this day.
func (c *customer) birthDay() string {
	if on := c.file.Owner.BirthDate; !on.IsZero() {
		return on.On(c.Anchor).French()
	}
	return "14/07/1989"
}

// knows says whether all four answers are right.
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

// preferQuestions puts the questions in the place of the SMS for a customer with
// the scenario, and gives the visit.
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

// checkAnswers takes note of right or wrong answers. Right ones make the device
// known, and token is then what it is known by; with no attempt left the visit is
// over.
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
		c.showWith(http.StatusUnprocessableEntity, "questions", siteView{Left: left})
	default:
		c.visit = visit{}
		c.say(http.StatusForbidden, "echec-authentification", "Authentification refusée", "Trop de réponses erronées. Reconnectez-vous pour recommencer.")
	}
}
