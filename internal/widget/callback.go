package widget

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// callbackPath is the redirect URI given to banks (contract §6.2).
const callbackPath = "/oauth2/aisp"

// serveCallback handles the redirect from a bank. An authorization that a client began
// ends with a redirect to the client (contract §11, "Mode A"). One that a flow began
// continues the flow in the browser that left; another browser is asked first.
func (w *Widget) serveCallback(x *exchange) error {
	if x.request.Method == http.MethodHead {
		return x.head()
	}
	query, fragment := x.request.URL.Query(), url.Values(nil)
	ways := ways{w}
	if query.Has("fragment") {
		var err error
		fragment, err = url.ParseQuery(query.Get("fragment"))
		if err != nil {
			return oxlin.DefaultError(oxlin.CodeAuthorizationExpired)
		}
		query.Del("fragment")
	}
	state := cmp.Or(fragment.Get("state"), query.Get("state"))
	switch {
	case len(fragment) > 0:
	case query.Has("state"):
		if !x.request.URL.Query().Has("fragment") && !query.Has("code") && !query.Has("error") && w.options.Service.Ways.WantsFragment(x.ctx, state) {
			return w.serveFragment(x)
		}
	case query.Has("way"):
		return ways.serve(x)
	case query.Has("back"):
		return w.serveBack(x)
	case query.Has("ask"):
		return questions{w}.serve(x)
	case len(x.request.URL.Query()) == 0 && w.options.Service.Ways.ReadsFragments():
		return w.serveFragment(x)
	}
	browser := w.departures().of(x.request, state)
	back, err := w.options.Service.Authorizations.Finish(x.ctx, connect.Callback{
		State: state, Query: query, Fragment: fragment, Browser: browser, PSU: w.browser(x.request),
		Continue: func(ctx context.Context, back connect.CallbackResult) (string, error) {
			return w.continueFlow(ctx, x.request, back)
		},
	})
	if oxlin.AsError(err).Code == oxlin.CodeUnavailable {
		return w.serveInterrupted(x, err)
	}
	if err != nil {
		return err
	}
	if !back.Question.IsZero() {
		x.line.Add(slog.String("return", "held"))
		x.redirect(callbackPath + "?" + url.Values{"ask": {back.Question.Reveal()}}.Encode())
		return nil
	}
	if back.Status == connect.StatusOnward {
		x.redirect(ways.target(x, back, connect.Visitor{Browser: browser}))
		return nil
	}
	if back.FlowID == 0 {
		x.redirect(clientReturn(back))
		return nil
	}
	x.line.Add(slog.String("flow", back.FlowID.String()))
	if back.Bound {
		w.departures().set(x, back.Key, browser, connect.RepeatTime) // until nobody repeats the callback
	} else {
		x.line.Add(slog.String("return", "elsewhere"))
	}
	x.redirect(back.Continued)
	return nil
}

// clientReturn returns the address of the client at which an authorization that it began ends.
func clientReturn(back connect.CallbackResult) string {
	address := back.URI
	if address == "" {
		address = successPath
	}
	end := ending{Status: back.Status, Result: back.Result, Description: back.ErrorDescription, ConnectionID: back.ConnectionID}
	return withParameters(address, end.parameters(back.QueueID, back.ClientState))
}

// serveInterrupted renders a page that loads the callback again by itself, because its work
// is not done: the database is away.
func (w *Widget) serveInterrupted(x *exchange, err error) error {
	x.line.Fail("", err)
	wait := max(1, int(math.Ceil(oxlin.AsError(err).RetryAfter.Seconds())))
	web.SetRetryAfter(x.Header(), time.Duration(wait)*time.Second)
	w.render(x, http.StatusServiceUnavailable, page.Frame{Language: w.language(x)}, page.Interrupted{Seconds: wait})
	return nil
}

// continueFlow records in a flow that the user has returned from the bank, and returns
// the address at which their browser continues. It runs outside of the request. A browser
// that has not left gets no address with a session.
func (w *Widget) continueFlow(ctx context.Context, r *http.Request, back connect.CallbackResult) (string, error) {
	f, err := w.recordReturn(ctx, back)
	if err != nil {
		return "", err
	}
	switch {
	case f.requested.CallbackURL != "" && (back.Bound || !back.Repeated):
		return f.requested.CallbackURL, nil
	case f.InFrame || !back.Bound:
		client, err := w.clientOf(ctx, f)
		if err != nil {
			return "", err
		}
		// The page has its own address, which can be reloaded.
		address := appearance(client, f.requested)
		address.Set("back", back.Status)
		address.Set("lng", w.language(&exchange{request: r, flow: f}))
		if !back.Bound {
			address.Set("elsewhere", "true")
		}
		return callbackPath + "?" + address.Encode(), nil
	}
	id, err := w.options.Vault.OpenSecret(f.Session, flowPlace(f.ID))
	if err != nil {
		return "", err
	}
	return f.Entry.path(f.V21) + "?" + url.Values{"session_id": {id.Reveal()}, "flow": {f.ID.String()}}.Encode(), nil
}

// serveBack renders the page in the bank's tab: the flow continues in the other tab.
func (w *Widget) serveBack(x *exchange) error {
	frame := w.outside(x)
	frame.Self = x.request.URL.Path + "?" + x.request.URL.Query().Encode()
	query := x.request.URL.Query()
	w.render(x, http.StatusOK, frame, page.BackFromBank{Status: query.Get("back"), Elsewhere: query.Has("elsewhere")})
	return nil
}

// recordReturn records in the flow that the user has returned from the bank. It tries
// again if another request, for example from a page in a frame, saved the flow first.
func (w *Widget) recordReturn(ctx context.Context, back connect.CallbackResult) (*flow, error) {
	for {
		f, err := w.flow(ctx, back.FlowID)
		if err != nil {
			return nil, err
		}
		if !f.noteReturn(back) {
			return f, nil
		}
		err = w.options.DB.Write(ctx, anew(f, func(tx *store.Tx) error { return w.save(ctx, tx, f) }))
		if !errors.Is(err, errStale) {
			return f, err
		}
	}
}

func (w *Widget) clientOf(ctx context.Context, f *flow) (oxlin.Client, error) {
	reader := w.options.DB.Read()
	row, err := reader.WidgetSession(ctx, f.SessionHash)
	if err != nil {
		return oxlin.Client{}, err
	}
	return reader.Client(ctx, row.ClientID)
}

// browser returns the user whose browser sent a request, or nil if their address is not
// known: a bank must not be given a wrong one.
func (w *Widget) browser(r *http.Request) *oxlin.PSU {
	address := web.ClientAddress(r, w.options.TrustProxy)
	if address == "" {
		return nil
	}
	psu := oxlin.NewPSU(address, r.UserAgent(), func(name string) string {
		switch name {
		case "Http-Method":
			return r.Method
		case "Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language":
			return r.Header.Get(name)
		}
		return "" // a device's id, a place and a port are not known, and a referer would be our own page
	})
	return &psu
}

// serveSuccess renders the last page for clients without a redirect URI (contract §6.2).
func (w *Widget) serveSuccess(x *exchange) error {
	query := x.request.URL.Query()
	end := ending{Status: query.Get("status"), Result: query.Get("result")}
	if end.Status != "error" && end.Status != "cancelled" {
		end.Status = "success"
	}
	if query.Has("session_id") {
		var err error
		x.session, err = w.session(x.ctx, x.request)
		if err != nil && oxlin.AsError(err).Code == oxlin.CodeInternal {
			return err
		}
	}
	frame := w.outside(x)
	frame.Self = x.request.URL.Path + "?" + query.Encode()
	w.render(x, http.StatusOK, frame, page.Done{Status: end.Status, Result: end.Result})
	return nil
}

// serveTerms renders the full terms (contract §1).
func (w *Widget) serveTerms(x *exchange) error {
	frame := page.Frame{Language: w.language(x), Self: x.request.URL.Path}
	w.render(x, http.StatusOK, frame, page.TermsText{Version: oxlin.TermsVersion})
	return nil
}
