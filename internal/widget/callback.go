package widget

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// callbackPath is the redirect URI given to banks (contract §6.2).
const callbackPath = "/oauth2/aisp"

// callbackTimeout bounds the work on a callback. It is longer than the timeout of
// requests to a bank and shorter than the server's timeout for a response.
const callbackTimeout = 45 * time.Second

// serveCallback handles the redirect from a bank. An authorization that a client began
// ends with a redirect to the client (contract §11, "Mode A"). One that a flow began
// continues the flow.
func (w *Widget) serveCallback(x *exchange) error {
	if x.request.Method == http.MethodHead {
		return x.head()
	}
	query := x.request.URL.Query()
	if query.Has("back") && !query.Has("state") {
		return w.serveBack(x)
	}
	back, err := w.callback(x)
	if err != nil {
		return err
	}
	if back.flow == nil {
		address := back.URI
		if address == "" {
			address = successPath
		}
		end := ending{Status: back.Status, Result: back.Result, Description: back.ErrorDescription, ConnectionID: back.ConnectionID}
		x.redirect(withResult(address, end, back.QueueID))
		return nil
	}
	f := back.flow
	x.flow = f
	switch {
	case f.requested.CallbackURL != "":
		x.redirect(f.requested.CallbackURL)
	case f.InFrame:
		client, err := w.clientOf(x, f)
		if err != nil {
			return err
		}
		// The page has its own address, which can be reloaded.
		address := appearance(client, f.requested)
		address.Set("back", back.Status)
		address.Set("lng", w.language(x))
		x.redirect(callbackPath + "?" + address.Encode())
	default:
		id, err := w.options.Vault.OpenSecret(f.Session, flowPlace(f.ID))
		if err != nil {
			return err
		}
		x.redirect(f.Entry.path(f.V21) + "?" + url.Values{"session_id": {id.Reveal()}, "flow": {f.ID.String()}}.Encode())
	}
	return nil
}

// serveBack renders the page in the bank's tab: the flow continues in the other tab.
func (w *Widget) serveBack(x *exchange) error {
	frame := w.outside(x)
	frame.Self = x.request.URL.Path + "?" + x.request.URL.Query().Encode()
	w.render(x, http.StatusOK, frame, page.BackFromBank{Status: x.request.URL.Query().Get("back")})
	return nil
}

// finishedCallback is the result of a callback; flow is nil if a client began the
// authorization itself.
type finishedCallback struct {
	connect.CallbackResult
	flow *flow
}

// callback returns the result of the authorization that a callback belongs to.
// Requests that repeat the address while it is being finished get the same result.
func (w *Widget) callback(x *exchange) (finishedCallback, error) {
	started := make(chan struct{}) // closed if this request finishes the authorization
	flight := w.callbackFlight.DoChan(x.request.URL.RawQuery, func() (any, error) {
		close(started)
		return w.finishCallback(x)
	})
	select {
	case result := <-flight:
		return result.Val.(finishedCallback), result.Err
	case <-x.ctx.Done():
	}
	select {
	case <-started:
		<-flight // a shutdown of the server waits for this request
	default:
	}
	return finishedCallback{}, x.ctx.Err()
}

// finishCallback finishes an authorization even if the browser disconnects: its state
// can be used only once. It runs outside the request's goroutine, so it turns a panic
// into an error.
func (w *Widget) finishCallback(x *exchange) (finished finishedCallback, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("callback: panic: %v\n%s", reason, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), callbackTimeout)
	defer cancel()
	query := x.request.URL.Query()
	finished.CallbackResult, err = w.options.Service.Authorizations.Finish(ctx, connect.Callback{
		State: query.Get("state"), Code: query.Get("code"), Error: query.Get("error"),
		ErrorDescription: query.Get("error_description"), PSU: w.browser(x.request),
	})
	if err == nil && finished.FlowID != 0 {
		finished.flow, err = w.recordReturn(ctx, finished.CallbackResult)
	}
	return finished, err
}

// recordReturn records in the flow that the user has returned from the bank. It tries
// again if another request, for example from a page in a frame, saved the flow first.
func (w *Widget) recordReturn(ctx context.Context, back connect.CallbackResult) (*flow, error) {
	for {
		f, err := w.flow(ctx, back.FlowID)
		if err != nil {
			return nil, err
		}
		f.AccessProblem = ""
		switch {
		case back.Status == "cancelled":
			f.AccessProblem = "refused"
		case back.Status != "success":
			f.AccessProblem = back.Result
		}
		f.ReturnedViaClient = f.requested.CallbackURL != ""
		err = w.options.DB.Write(ctx, func(tx *store.Tx) error { return w.save(ctx, tx, f) })
		if !errors.Is(err, errStale) {
			return f, err
		}
	}
}

func (w *Widget) clientOf(x *exchange, f *flow) (oxlin.Client, error) {
	reader := w.options.DB.Read()
	row, err := reader.WidgetSession(x.ctx, f.SessionHash)
	if err != nil {
		return oxlin.Client{}, err
	}
	return reader.Client(x.ctx, row.ClientID)
}

// browser returns the user whose browser sent a request, or nil if their address is not
// known: a bank must not be given a wrong one.
func (w *Widget) browser(r *http.Request) *oxlin.PSU {
	address := web.ClientAddress(r, w.options.TrustProxy)
	if address == "" {
		return nil
	}
	return &oxlin.PSU{IP: address, UserAgent: r.UserAgent()}
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
