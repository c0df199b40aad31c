package widget

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// questions ask a user who comes back from the bank in another browser than the one that left.
// The address of a question holds a secret that nobody else has, and no page may frame it. No
// answer leads to the flow: its session stays with the browser that left.
type questions struct{ widget *Widget }

// maxAnswer bounds a posted answer in bytes.
const maxAnswer = 4 << 10

// serve renders the question, or how it was answered.
func (q questions) serve(x *exchange) error {
	w := q.widget
	unframed(x)
	if framed(x.request) {
		x.Header().Set("Content-Security-Policy", policy(nil)) // the page has a link only
		w.render(x, http.StatusOK, page.Frame{Language: w.language(x)}, page.AskElsewhere{Target: x.questionAddress()})
		return nil
	}
	asked, err := w.options.Service.Authorizations.Ask(x.ctx, x.questionSecret(), w.tellReturn)
	if err != nil {
		return err
	}
	q.render(x, asked)
	return nil
}

// serveAnswer handles the form of the question. It answers with a page, because form-action
// holds for redirects.
func (q questions) serveAnswer(x *exchange) error {
	w := q.widget
	if x.request.URL.Query().Has("way") {
		return ways{w}.serveAnswer(x)
	}
	unframed(x)
	x.request.Body = http.MaxBytesReader(x, x.request.Body, maxAnswer)
	err := x.request.ParseForm()
	if err != nil {
		return oxlin.Errorf(oxlin.CodeInvalidRequest, "The form cannot be read.")
	}
	secret := x.questionSecret()
	var asked connect.ReturnQuestion
	switch x.request.PostForm.Get("action") {
	case "confirm_return":
		asked, err = q.answer(x, secret, true)
	case "refuse_return":
		asked, err = q.answer(x, secret, false)
	default:
		asked, err = w.options.Service.Authorizations.Ask(x.ctx, secret, w.tellReturn)
	}
	if err != nil {
		return err
	}
	q.render(x, asked)
	return nil
}

// answer gives an answer. It tries again if another request saved the flow first.
func (q questions) answer(x *exchange, secret oxlin.Secret, yes bool) (connect.ReturnQuestion, error) {
	w := q.widget
	for {
		asked, err := w.options.Service.Authorizations.Answer(x.ctx, secret, yes, w.browser(x.request), w.tellReturn)
		if !errors.Is(err, errStale) {
			return asked, err
		}
	}
}

// unframed lets no page frame the response: a click there must be meant for it.
func unframed(x *exchange) {
	x.Header().Set("Content-Security-Policy", policyFor(web.NoAncestors))
}

func (x *exchange) questionSecret() oxlin.Secret {
	return oxlin.NewSecret(x.request.URL.Query().Get("ask"))
}

// questionAddress returns the address of the question of a request.
func (x *exchange) questionAddress() string {
	return x.request.URL.Path + "?" + url.Values{"ask": {x.request.URL.Query().Get("ask")}, "lng": {x.widget.language(x)}}.Encode()
}

// render renders a question or, if it is answered, how.
func (q questions) render(x *exchange, asked connect.ReturnQuestion) {
	w := q.widget
	x.line.Add(slog.String("client", string(asked.Client.ID)))
	provider, _ := w.options.Service.Providers.Get(asked.ProviderID)
	bank := w.bank(provider)
	frame := page.Frame{
		Language: w.language(x), Client: asked.Client.Name, Theme: themeAddress(asked.Client, oxlin.Theme{}), Self: x.questionAddress(),
	}
	if asked.Result.Status == "" {
		x.line.Add(slog.String("return", "asked"))
		w.render(x, http.StatusOK, frame, page.ConfirmReturn{
			Bank: bank, BegunAt: asked.BegunAt, Device: asked.Device, Here: web.DeviceOf(x.request.UserAgent()), Until: asked.Until,
		})
		return
	}
	x.line.Add(slog.String("return", asked.Result.Status))
	view := page.ReturnAnswered{Bank: bank, Status: asked.Result.Status, Unconfirmed: asked.Result.Unconfirmed}
	view.Target = q.after(x, asked.Result)
	w.render(x, http.StatusOK, frame, view)
}

// after returns where the browser goes on after its answer; empty if the flow goes on in
// the browser that left. It never contains the flow's session.
func (q questions) after(x *exchange, result connect.CallbackResult) string {
	if result.FlowID == 0 {
		return clientReturn(result)
	}
	if result.Status != "success" {
		return ""
	}
	f, err := q.widget.flow(x.ctx, result.FlowID)
	if err != nil {
		return "" // the flow has ended meanwhile
	}
	return f.requested.CallbackURL
}

// tellReturn records in a flow how the question about its return ended.
func (w *Widget) tellReturn(ctx context.Context, tx *store.Tx, back connect.CallbackResult) error {
	row, err := tx.Read().WidgetFlow(ctx, back.FlowID)
	if err != nil {
		return err
	}
	f := &flow{WidgetFlow: row}
	err = f.read()
	if err != nil {
		return err
	}
	if !f.noteReturn(back) {
		return nil
	}
	return w.save(ctx, tx, f)
}
