package widget

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// ways show the pages between leaving for a bank and its access: a question before the
// redirect, or the wait for an approval in the bank's app. They serve flows and authorizations
// of clients alike, because the way is the same. No page may frame them.
type ways struct{ widget *Widget }

// approvalEvery is how often the page of an approval asks again, in seconds.
const approvalEvery = 3

// serve renders the present step of a way, or leads on.
func (s ways) serve(x *exchange) error {
	unframed(x)
	code := oxlin.NewSecret(x.request.URL.Query().Get("way"))
	visitor, err := s.visitor(x, code)
	if err != nil {
		return err
	}
	shown, err := s.widget.options.Service.Ways.Show(x.ctx, code, visitor)
	if oxlin.AsError(err).Code == oxlin.CodeUnavailable {
		return s.widget.serveInterrupted(x, err)
	}
	if err != nil {
		return err
	}
	return s.render(x, shown, visitor, nil)
}

// visitor is the user of a request.
func (s ways) visitor(x *exchange, code oxlin.Secret) (connect.Visitor, error) {
	key, err := s.widget.options.Service.Ways.KeyOf(code)
	if err != nil {
		return connect.Visitor{}, err
	}
	return connect.Visitor{
		Browser: s.widget.departures().value(x.request, key), PSU: s.widget.browser(x.request),
		Continue: func(ctx context.Context, back connect.CallbackResult) (string, error) {
			return s.widget.continueFlow(ctx, x.request, back)
		},
	}, nil
}

// serveAnswer handles the forms of the pages. It answers with a page, because form-action holds
// for redirects.
func (s ways) serveAnswer(x *exchange) error {
	unframed(x)
	x.request.Body = http.MaxBytesReader(x, x.request.Body, maxAnswer)
	err := x.request.ParseForm()
	if err != nil {
		return oxlin.Errorf(oxlin.CodeInvalidRequest, "The form cannot be read.")
	}
	code := oxlin.NewSecret(x.request.URL.Query().Get("way"))
	visitor, err := s.visitor(x, code)
	if err != nil {
		return err
	}
	form, all := x.request.PostForm, s.widget.options.Service.Ways
	if form.Get("action") == "cancel" || form.Get(string(wayOK)) == "false" {
		shown, err := all.Cancel(x.ctx, code, visitor)
		if err != nil {
			return err
		}
		return s.render(x, shown, visitor, nil)
	}
	shown, err := all.Show(x.ctx, code, visitor)
	if err != nil {
		return err
	}
	if !shown.Asks || form.Get("question") == "" {
		return s.render(x, shown, visitor, nil)
	}
	view := s.question(x, shown)
	answers := make(map[oxlin.CredentialID]string)
	for i, field := range view.Fields {
		value := form.Get(string(field.ID))
		definition := definitionOf(shown.Challenges, field.ID)
		switch {
		case value == "" && field.Optional:
			continue
		case value == "":
			view.Fields[i].Problem = "missing"
		case !oxlin.IsText(value), !definition.Matches(value):
			view.Fields[i].Problem = "form"
		}
		if !secret(definition) {
			view.Fields[i].Value = value
		}
		answers[field.ID] = value
	}
	if slices.ContainsFunc(view.Fields, func(f page.Field) bool { return f.Problem != "" }) {
		return s.render(x, shown, visitor, &view)
	}
	for _, challenge := range shown.Challenges {
		if challenge.Type == oxlin.CredentialOKCancel {
			answers[challenge.ID] = "true"
		}
	}
	shown, err = all.Answer(x.ctx, code, answers, visitor)
	if err != nil {
		return err
	}
	return s.render(x, shown, visitor, nil)
}

func definitionOf(challenges []oxlin.Challenge, id oxlin.CredentialID) oxlin.CredentialDefinition {
	i := slices.IndexFunc(challenges, func(c oxlin.Challenge) bool { return c.ID == id })
	if i < 0 {
		return oxlin.CredentialDefinition{ID: id}
	}
	return challenges[i].CredentialDefinition
}

// render renders a page, or leads to the next one. In the place of a redirect, the answer to a
// form is a page that leads there.
func (s ways) render(x *exchange, shown connect.WayPage, visitor connect.Visitor, changed *page.Challenge) error {
	w := s.widget
	x.line.Add(slog.String("client", string(shown.Client.ID)))
	provider, _ := w.options.Service.Providers.Get(shown.ProviderID)
	frame := page.Frame{Language: w.language(x), Client: shown.Client.Name, Theme: themeAddress(shown.Client, oxlin.Theme{}), Self: x.wayAddress()}
	if shown.Result.Status != "" {
		target := s.target(x, shown.Result, visitor)
		if x.request.Method != http.MethodPost {
			x.redirect(target)
			return nil
		}
		frame.Self = ""
		w.render(x, http.StatusOK, frame, page.Leaving{Bank: w.bank(provider), Target: target})
		return nil
	}
	if hasPicture(shown.Challenges) {
		x.Header().Set("Content-Security-Policy", withPictures(x.Header().Get("Content-Security-Policy")))
	}
	if shown.Waits {
		view := page.Approval{Bank: w.bank(provider), Until: shown.Until, Seconds: approvalEvery}
		for _, challenge := range shown.Challenges {
			if challenge.Type.IsMessage() && challenge.Type != oxlin.CredentialTimeout {
				view.Notes = append(view.Notes, x.noteOf(challenge))
			}
		}
		w.render(x, http.StatusOK, frame, view)
		return nil
	}
	status := http.StatusOK
	if changed == nil {
		view := s.question(x, shown)
		changed = &view
	} else {
		status = http.StatusUnprocessableEntity
	}
	changed.Bank = w.bank(provider)
	w.render(x, status, frame, *changed)
	return nil
}

// wayOK names the buttons of a question.
const wayOK oxlin.CredentialID = "way"

// question is the view of a question.
func (s ways) question(x *exchange, shown connect.WayPage) page.Challenge {
	left := shown.Until.Sub(s.widget.options.Now())
	view := page.Challenge{Seconds: max(1, int(left/time.Second)), Question: shown.Key, OK: wayOK}
	for _, challenge := range shown.Challenges {
		switch {
		case challenge.Type == oxlin.CredentialTimeout: // shown as the countdown
		case challenge.Type.IsMessage():
			view.Notes = append(view.Notes, x.noteOf(challenge))
		case challenge.Type == oxlin.CredentialOKCancel:
			view.Label = x.labelOf(challenge)
		default:
			field := fieldOf(challenge.CredentialDefinition)
			// The answer goes to the platform alone, over HTTPS; no client has a part in it.
			field.Label, field.Encrypt, field.Optional = x.labelOf(challenge), false, challenge.Matches("")
			view.Fields = append(view.Fields, field)
		}
	}
	return view
}

// target returns where the browser goes from a way: to the bank, to another page of the way, or
// where an authorization ends.
func (s ways) target(x *exchange, back connect.CallbackResult, visitor connect.Visitor) string {
	w := s.widget
	if back.Status == connect.StatusOnward {
		if !visitor.Browser.IsZero() {
			w.departures().set(x, back.Key, visitor.Browser, connect.RepeatTime+time.Hour)
		}
		return back.Address
	}
	switch {
	case !back.Question.IsZero():
		return callbackPath + "?" + url.Values{"ask": {back.Question.Reveal()}}.Encode()
	case back.FlowID == 0:
		return clientReturn(back)
	}
	x.line.Add(slog.String("flow", back.FlowID.String()))
	return back.Continued
}

// wayAddress returns the address of the page of a request.
func (x *exchange) wayAddress() string {
	return x.request.URL.Path + "?" + url.Values{"way": {x.request.URL.Query().Get("way")}, "lng": {x.widget.language(x)}}.Encode()
}

// labelOf returns the text of a challenge with its values.
func (x *exchange) labelOf(challenge oxlin.Challenge) string {
	label := page.Label(x.widget.language(x), challenge.Label)
	for name, value := range challenge.Params {
		label = strings.ReplaceAll(label, "{"+name+"}", value)
	}
	return label
}

// noteOf returns a message with its picture.
func (x *exchange) noteOf(challenge oxlin.Challenge) page.Note {
	return page.Note{Text: x.labelOf(challenge), Error: challenge.Type == oxlin.CredentialError, Image: pictureOf(challenge)}
}

// maxPicture bounds the picture of a challenge (contract §12.17).
const maxPicture = 100_000

// pictureOf returns the picture of a challenge; empty without one that a browser may show.
func pictureOf(challenge oxlin.Challenge) string {
	image := challenge.Params["image"]
	for _, kind := range []string{"png", "jpeg", "gif"} {
		if strings.HasPrefix(image, "data:image/"+kind+";base64,") && len(image) <= maxPicture {
			return image
		}
	}
	return ""
}

func hasPicture(challenges []oxlin.Challenge) bool {
	return slices.ContainsFunc(challenges, func(c oxlin.Challenge) bool { return pictureOf(c) != "" })
}

// withPictures allows the pictures of challenges in a policy.
func withPictures(policy string) string {
	return strings.Replace(policy, "img-src 'self'", "img-src 'self' data:", 1)
}

// serveFragment renders the page that reads the fragment of its address. It loads the same
// address again.
func (w *Widget) serveFragment(x *exchange) error {
	x.Header().Set("Content-Security-Policy", policyFor(web.NoAncestors))
	w.render(x, http.StatusOK, page.Frame{Language: w.language(x)}, page.Fragment{})
	return nil
}
