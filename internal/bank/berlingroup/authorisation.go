package berlingroup

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/bank/notation"
	"github.com/oxlin/oxlin/internal/bank/psd2"
)

// actions are the links that ask for a step of an authorisation here.
var actions = []string{
	"startAuthorisation", "startAuthorisationWithPsuIdentification", "startAuthorisationWithPsuAuthentication",
	"startAuthorisationWithEncryptedPsuAuthentication", "startAuthorisationWithAuthenticationMethodSelection",
	"startAuthorisationWithTransactionAuthorisation", "updatePsuIdentification", "updatePsuAuthentication",
	"updateEncryptedPsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction",
}

func hasAction(links psd2.Links) bool {
	return slices.ContainsFunc(actions, func(name string) bool { return links.To(name).Href != "" })
}

// method is a way to approve.
type method struct {
	ID   psd2.ID   `json:"authenticationMethodId"`
	Type psd2.Text `json:"authenticationType"`
	Name psd2.Text `json:"name"`
}

// challengeData holds the picture, the text or the numbers that the user needs for a code.
type challengeData struct {
	Image      psd2.Text       `json:"image"`
	ImageLink  psd2.Text       `json:"imageLink"`
	Data       json.RawMessage `json:"data"`
	Length     psd2.Text       `json:"otpMaxLength"`
	Format     psd2.Text       `json:"otpFormat"`
	Additional psd2.Text       `json:"additionalInformation"`
}

// authorisation begins the approval with a password, or goes on with it, as the links of an
// answer say.
func (c consents) authorisation(ctx context.Context, input bank.Input, w way, answer consentAnswer, password oxlin.Secret) (bank.Step, error) {
	psuData := map[string]any{"psuData": map[string]string{"password": password.Reveal()}}
	to := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return answer.links.To(name).Href != "" })
	}
	w.AuthorisationID = firstOf(string(answer.AuthorisationID), w.AuthorisationID, authorisationIn(answer.links))
	send := func(method string, body any) (bank.Step, error) {
		op := opAuthorisation
		resource := c.authorisationPath(w)
		var headers map[string]string
		if method == http.MethodPost {
			op, resource = opStart, c.consentPath(w, "/authorisations")
			headers = c.redirectHeaders(input.Journey)
			w.AuthorisationID = ""
		}
		next, err := c.ask(ctx, w, input.PSU, psd2.Request{Op: op, Method: method, Resource: resource, Body: body}, headers)
		if err != nil {
			return nil, err
		}
		return c.afterStep(ctx, input, w, next, password)
	}
	switch {
	case to("startAuthorisationWithPsuAuthentication", "startAuthorisationWithEncryptedPsuAuthentication") && !password.IsZero():
		return send(http.MethodPost, psuData)
	case to("updatePsuAuthentication", "updateEncryptedPsuAuthentication") && !password.IsZero():
		return send(http.MethodPut, psuData)
	case c.bank.config.Consent.Explicit && w.AuthorisationID == "" && !password.IsZero():
		return send(http.MethodPost, psuData)
	case to("startAuthorisation", "startAuthorisationWithPsuIdentification", "startAuthorisationWithPsuAuthentication"),
		c.bank.config.Consent.Explicit && w.AuthorisationID == "":
		return send(http.MethodPost, map[string]any{})
	case to("updatePsuIdentification"):
		return send(http.MethodPut, map[string]any{})
	}
	return c.afterStep(ctx, input, w, answer, password)
}

// afterStep reads the answer to a step of an authorisation.
func (c consents) afterStep(ctx context.Context, input bank.Input, w way, answer consentAnswer, password oxlin.Secret) (bank.Step, error) {
	// The id of the authorisation is that of its beginning: some banks give others later,
	// which they do not know.
	w.AuthorisationID = firstOf(w.AuthorisationID, string(answer.AuthorisationID), authorisationIn(answer.links))
	w.follow(c, answer.links)
	err := input.Keep(ctx, w.secret())
	if err != nil {
		return nil, err
	}
	status := c.bank.config.Consent.stateOf(answer.SCAStatus)
	switch {
	case status == "finalised", status == "exempted":
		return c.finish(ctx, input, w)
	case status == "failed":
		return nil, &bank.Failure{Kind: bank.ChallengeRejected, BankCode: status}
	case answer.links.To("scaRedirect").Href != "":
		w.Stage = stageRedirect
		return c.sendTo(answer.links.To("scaRedirect").Href, input, w)
	case answer.links.To("scaOAuth").Href != "":
		if c.bank.config.Consent.Discover || c.bank.config.OAuth.AuthorizeURL == "" {
			err = c.discover(ctx, &w, answer.links.To("scaOAuth").Href)
			if err != nil {
				return nil, err
			}
		}
		w.Stage = stageOAuth
		return c.login(ctx, input, w)
	case answer.links.To("updatePsuAuthentication").Href != "" && !password.IsZero():
		return c.authorisation(ctx, input, w, consentAnswer{links: psd2.Links{"updatepsuauthentication": answer.links.To("updatePsuAuthentication")}}, password)
	}
	methods := methodsIn(answer.Methods)
	challenge := messagesOf(answer)
	asksCode := answer.links.To("authoriseTransaction").Href != "" || len(answer.Challenge) > 0 && string(answer.Challenge) != "null"
	switch {
	case answer.links.To("selectAuthenticationMethod").Href != "" || len(methods) > 0 && !asksCode:
		return c.askMethod(ctx, input, w, methods)
	case asksCode && answer.approach != "decoupled":
		w.Stage = stageCode
		return bank.Question{Challenges: append(challenge, codeOfChallenge(answer)), State: w.secret()}, nil
	case status != "" || answer.approach == "decoupled":
		return c.wait(w, stageSCA, answer)
	}
	return nil, psd2.Nonsense(errNoLink)
}

// authorisationIn returns the id of the authorisation to whose path a link leads; empty without one.
func authorisationIn(links psd2.Links) string {
	for _, name := range append([]string{"scaStatus"}, actions...) {
		path, _, _ := links.To(name).Path()
		_, rest, found := strings.Cut(path, "/authorisations/")
		id, _, _ := strings.Cut(rest, "/")
		if found && id != "" {
			return id
		}
	}
	return ""
}

// follow takes the path of the authorisation from a link, where the data say so.
func (w *way) follow(c consents, links psd2.Links) {
	if !c.bank.config.Consent.FollowLinks {
		return
	}
	for _, name := range []string{"updatePsuAuthentication", "selectAuthenticationMethod", "authoriseTransaction", "scaStatus"} {
		target, err := c.bank.ownPath(links.To(name))
		if err == nil && !target.IsZero() {
			w.Resource = target.Path
			return
		}
	}
}

func (c consents) authorisationPath(w way) string {
	if w.Resource != "" {
		return w.Resource
	}
	return c.consentPath(w, "/authorisations/"+url.PathEscape(w.AuthorisationID))
}

// methodsIn reads the methods of an answer.
func methodsIn(raw json.RawMessage) (methods []method) {
	records, _ := psd2.ReadRecords(raw, "authenticationMethodId", "authenticationType")
	for _, record := range records {
		var one psd2.Optional[method]
		_ = json.Unmarshal(record, &one) // never fails
		if one.Value.ID != "" {
			methods = append(methods, one.Value)
		}
	}
	return methods
}

// askMethod asks the user for a method, unless there is one, or the data name it.
func (c consents) askMethod(ctx context.Context, input bank.Input, w way, methods []method) (bank.Step, error) {
	wanted := c.bank.config.Consent.Method
	for _, one := range methods {
		if len(methods) == 1 || wanted != "" && (strings.EqualFold(string(one.Type), wanted) || string(one.ID) == wanted) {
			return c.selectMethod(ctx, input, w, string(one.ID))
		}
	}
	if len(methods) == 0 {
		return nil, psd2.Nonsense(errNoLink)
	}
	var names, numbers []string
	w.Methods = nil
	for i, one := range methods {
		number := strconv.Itoa(i + 1)
		names = append(names, number+": "+string(psd2.First(one.Name, one.Type)))
		numbers = append(numbers, number)
		w.Methods = append(w.Methods, string(one.ID))
	}
	w.Stage = stageMethod
	return bank.Question{
		Challenges: []oxlin.Challenge{{CredentialDefinition: oxlin.CredentialDefinition{
			ID: "method", Type: oxlin.CredentialNumeric, Regexp: strings.Join(numbers, "|"), Label: strings.Join(names, " · "),
		}}},
		State: w.secret(),
	}, nil
}

// chooseMethod takes the number of a method.
func (c consents) chooseMethod(ctx context.Context, input bank.Input, w way) (bank.Step, error) {
	number, err := strconv.Atoi(strings.TrimSpace(input.Answers["method"].Reveal()))
	if err != nil || number < 1 || number > len(w.Methods) {
		return nil, &bank.Failure{Kind: bank.ChallengeRejected, Err: fmt.Errorf("no method has this number")}
	}
	return c.selectMethod(ctx, input, w, w.Methods[number-1])
}

func (c consents) selectMethod(ctx context.Context, input bank.Input, w way, id string) (bank.Step, error) {
	w.Methods = nil
	answer, err := c.ask(ctx, w, input.PSU, psd2.Request{
		Op: opAuthorisation, Method: http.MethodPut, Resource: c.authorisationPath(w), Body: map[string]string{"authenticationMethodId": id},
	}, nil)
	if err != nil {
		return nil, err
	}
	answer.Methods = nil // they may be listed again
	return c.afterStep(ctx, input, w, answer, oxlin.Secret{})
}

// authorise sends the code.
func (c consents) authorise(ctx context.Context, input bank.Input, w way) (bank.Step, error) {
	answer, err := c.ask(ctx, w, input.PSU, psd2.Request{
		Op: opAuthorisation, Method: http.MethodPut, Resource: c.authorisationPath(w),
		Body: map[string]string{"scaAuthenticationData": strings.TrimSpace(input.Answers["code"].Reveal())},
	}, nil)
	failure, failed := err.(*bank.Failure)
	if failed && failure.Kind == bank.CredentialsRejected {
		failure.Kind = bank.ChallengeRejected // it was the code
	}
	if err != nil {
		return nil, err
	}
	return c.afterStep(ctx, input, w, answer, oxlin.Secret{})
}

// lookAtAuthorisation asks whether the user has approved in an app.
func (c consents) lookAtAuthorisation(ctx context.Context, input bank.Input, w way) (bank.Step, error) {
	answer, err := c.ask(ctx, w, input.PSU, psd2.Request{Op: opAuthorisation, Resource: c.authorisationPath(w)}, nil)
	if err != nil {
		return nil, err
	}
	switch status := c.bank.config.Consent.stateOf(answer.SCAStatus); status {
	case "finalised", "exempted":
		return c.finish(ctx, input, w)
	case "failed":
		return nil, &bank.Failure{Kind: bank.ChallengeCancelled, BankCode: status}
	}
	return c.wait(w, stageSCA, answer)
}

// finish ends an authorisation that is final. The status of the consent need not be asked
// for: the bank has told it.
func (c consents) finish(ctx context.Context, input bank.Input, w way) (bank.Step, error) {
	if c.bank.config.Consent.Check == "consent" {
		w.Stage = stageStatus
		return c.lookAtConsent(ctx, input, w)
	}
	return c.approved(ctx, input, w, consentAnswer{})
}

// messagesOf returns what the user has to see: the bank's sentences, a picture, a start code.
func messagesOf(answer consentAnswer) (shown []oxlin.Challenge) {
	var data psd2.Optional[challengeData]
	if len(answer.Challenge) > 0 {
		_ = json.Unmarshal(answer.Challenge, &data) // never fails
	}
	show := func(id oxlin.CredentialID, label string, params map[string]string) {
		shown = append(shown, oxlin.Challenge{
			CredentialDefinition: oxlin.CredentialDefinition{ID: id, Label: label, Type: oxlin.CredentialInfo}, Params: params,
		})
	}
	for _, sentence := range []psd2.Text{answer.PSUMessage, data.Value.Additional} {
		if sentence != "" {
			show("message", "{text}", map[string]string{"text": notation.Text(string(sentence))})
		}
	}
	for _, line := range psd2.ReadLines(data.Value.Data) {
		show("start_code", "{text}", map[string]string{"text": line})
	}
	image := strings.Join(strings.Fields(string(data.Value.Image)), "")
	if image != "" {
		show("picture", "{image}", map[string]string{"image": "data:" + imageType(image) + ";base64," + image})
	}
	return shown
}

// imageType tells the type of a picture by the first base64 digits of its bytes.
func imageType(digits string) string {
	switch {
	case strings.HasPrefix(digits, "/9j/"):
		return "image/jpeg"
	case strings.HasPrefix(digits, "R0lGOD"):
		return "image/gif"
	}
	return "image/png"
}

// codeOfChallenge is the question for a code.
func codeOfChallenge(answer consentAnswer) oxlin.Challenge {
	var data psd2.Optional[challengeData]
	if len(answer.Challenge) > 0 {
		_ = json.Unmarshal(answer.Challenge, &data) // never fails
	}
	definition := oxlin.CredentialDefinition{ID: "code", Type: oxlin.CredentialText, Regexp: ".+", Label: "{method}"}
	if strings.EqualFold(string(data.Value.Format), "integer") {
		definition.Type, definition.Regexp = oxlin.CredentialNumeric, "[0-9]+"
	}
	var chosen psd2.Optional[method]
	if len(answer.Chosen) > 0 {
		_ = json.Unmarshal(answer.Chosen, &chosen) // never fails
	}
	name := string(psd2.First(chosen.Value.Name, chosen.Value.Type, "TAN"))
	return oxlin.Challenge{CredentialDefinition: definition, Params: map[string]string{"method": name}}
}

func firstOf(texts ...string) string { return psd2.First(texts...) }
