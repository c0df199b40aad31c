package website

import (
	"strconv"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
)

// The reference conversation about an SMS code (contract §4.10): ids, types,
// regular expressions and labels are part of the contract.
var (
	aboutPhone = oxlin.CredentialDefinition{
		ID: "303", Type: oxlin.CredentialInfo, Regexp: ".*",
		Label: "La connexion à Banque demande la saisie d’un code envoyé par SMS sur votre téléphone au {phone}. Souhaitez vous recevoir ce code maintenant ?",
	}
	sendCode = oxlin.CredentialDefinition{ID: "304", Type: oxlin.CredentialOKCancel, Regexp: ".*", Label: "Envoyer le SMS"}
	codeSent = oxlin.CredentialDefinition{
		ID: "305", Type: oxlin.CredentialInfo, Regexp: ".*",
		Label: "Un code a été envoyé par SMS sur votre téléphone au {phone}.",
	}
	typeCode    = oxlin.CredentialDefinition{ID: "306", Type: oxlin.CredentialNumeric, Regexp: "^[0-9]{6}$", Label: "Code"}
	confirmCode = oxlin.CredentialDefinition{ID: "307", Type: oxlin.CredentialOKCancel, Regexp: ".*", Label: "Valider"}
	codeTimeout = oxlin.CredentialDefinition{
		ID: "308", Type: oxlin.CredentialTimeout, Regexp: ".*",
		Label: "Il vous reste {timeout} pour valider votre code.",
	}
	codeWrong = oxlin.CredentialDefinition{
		ID: "309", Type: oxlin.CredentialError, Regexp: ".*",
		Label: "Code invalide. Encore {remaining_attempts} tentatives",
	}
)

// usualTimeout is the lifetime of a code if the site does not give one.
const usualTimeout = 2 * time.Minute

func challenge(definition oxlin.CredentialDefinition, params ...string) oxlin.Challenge {
	c := oxlin.Challenge{CredentialDefinition: definition}
	for i := 0; i+1 < len(params); i += 2 {
		c.Params = map[string]string{params[i]: params[i+1]}
	}
	return c
}

// ask returns the bank's question to the customer.
func ask(s *session, where place) *bank.Question {
	q := &bank.Question{State: seal(question{
		Session: s.save(), Step: where.at, Next: where.next, Field: where.field, Phone: where.phone, Inputs: where.inputs,
	})}
	switch where.at {
	case atOffer:
		q.Challenges = []oxlin.Challenge{challenge(aboutPhone, "phone", where.phone), challenge(sendCode)}
		return q
	case atQuestions:
		q.Challenges = where.challenges()
		return q
	}
	q.Timeout = where.timeout
	if q.Timeout <= 0 {
		q.Timeout = usualTimeout
	}
	q.Challenges = append(q.Challenges, challenge(codeSent, "phone", where.phone))
	if where.attempts > 0 {
		q.Challenges = append(q.Challenges, challenge(codeWrong, "remaining_attempts", strconv.Itoa(where.attempts)))
	}
	q.Challenges = append(q.Challenges, challenge(typeCode),
		challenge(codeTimeout, "timeout", strconv.Itoa(int(q.Timeout.Seconds()))), challenge(confirmCode))
	return q
}

// agreed reports whether the customer confirmed the step.
func (q question) agreed(answers map[oxlin.CredentialID]oxlin.Secret) bool {
	button := sendCode.ID
	switch q.Step {
	case atCode:
		button = confirmCode.ID
	case atQuestions:
		button = confirmAnswers.ID
	}
	return answers[button].Reveal() == "true"
}

// answered returns the form with the customer's answer.
func (q question) answered(answers map[oxlin.CredentialID]oxlin.Secret) form {
	switch q.Step {
	case atCode:
		return q.Next.with(q.Field, answers[typeCode.ID].Reveal())
	case atQuestions:
		return q.filled(answers)
	}
	return q.Next
}
