package widget

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/connect"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/web"
	"github.com/oxlin/oxlin/widget/page"
)

// callbackPath is where banks send users back to (contract §6.2).
const callbackPath = "/oauth2/aisp"

// arriving is how long a callback may take, whoever waits for it. It is longer than a
// bank takes, and shorter than an answer of ours may.
const arriving = 45 * time.Second

// serveCallback takes a user back from the bank. A client's own journey ends with a
// redirect at once (contract §11, "Mode A"); one of the widget goes on with its
// flow.
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
	case f.asked.CallbackURL != "":
		x.redirect(f.asked.CallbackURL)
	case f.Framed:
		client, err := w.clientOf(x, f)
		if err != nil {
			return err
		}
		// The page stands at an address of its own, which can be loaded again.
		address := appearance(client, f.asked)
		address.Set("back", back.Status)
		address.Set("lng", w.language(x))
		x.redirect(callbackPath + "?" + address.Encode())
	default:
		id, err := w.Vault.OpenSecret(f.Session, flowPlace(f.ID))
		if err != nil {
			return err
		}
		x.redirect(f.Entry.path(f.Modern) + "?" + url.Values{"session_id": {id.Reveal()}, "flow": {f.ID.String()}}.Encode())
	}
	return nil
}

// serveBack tells a user in the bank's tab that their page goes on in the other.
func (w *Widget) serveBack(x *exchange) error {
	frame := w.outside(x)
	frame.Self = x.request.URL.Path + "?" + x.request.URL.Query().Encode()
	w.render(x, http.StatusOK, frame, page.BackFromBank{Status: x.request.URL.Query().Get("back")})
	return nil
}

// arrival is how a callback went; flow is nil where it is a client's own journey.
type arrival struct {
	connect.CallbackResult
	flow *flow
	err  error
	done chan struct{}
}

// arrivals are the callbacks at work, by their query.
type arrivals struct {
	mutex  sync.Mutex
	atWork map[string]*arrival
}

// callback does what a callback asks for, and does it to its end, even if the browser
// that sent it has gone: the state is spent. Who loads the same address again in the
// meantime waits for the same answer.
func (w *Widget) callback(x *exchange) (*arrival, error) {
	key := x.request.URL.RawQuery
	w.arrivals.mutex.Lock()
	a, atWork := w.arrivals.atWork[key]
	if !atWork {
		a = &arrival{done: make(chan struct{}), err: errors.New("the callback was given up")}
		w.arrivals.atWork[key] = a
	}
	w.arrivals.mutex.Unlock()
	if atWork {
		select {
		case <-a.done:
			return a, a.err
		case <-x.ctx.Done():
			return a, x.ctx.Err()
		}
	}
	defer func() {
		w.arrivals.mutex.Lock()
		delete(w.arrivals.atWork, key)
		w.arrivals.mutex.Unlock()
		close(a.done)
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), arriving)
	defer cancel()
	query := x.request.URL.Query()
	a.CallbackResult, a.err = w.Service.Authorizations.Finish(ctx, connect.Callback{
		State: query.Get("state"), Code: query.Get("code"), Error: query.Get("error"),
		ErrorDescription: query.Get("error_description"), PSU: w.browser(x.request),
	})
	if a.err == nil && a.FlowID != 0 {
		a.flow, a.err = w.arrived(ctx, a.CallbackResult)
	}
	return a, a.err
}

// arrived notes in its flow that the user is back. A page that stands in a frame
// meanwhile may note something in the same moment: then it is done again.
func (w *Widget) arrived(ctx context.Context, back connect.CallbackResult) (*flow, error) {
	for {
		f, err := w.flow(ctx, back.FlowID)
		if err != nil {
			return nil, err
		}
		f.Problem = ""
		switch {
		case back.Status == "cancelled":
			f.Problem = "refused"
		case back.Status != "success":
			f.Problem = back.Result
		}
		f.Returned = f.asked.CallbackURL != ""
		err = w.DB.Write(ctx, func(tx *store.Tx) error { return w.save(ctx, tx, f) })
		if !errors.Is(err, errMoved) {
			return f, err
		}
	}
}

func (w *Widget) clientOf(x *exchange, f *flow) (oxlin.Client, error) {
	reader := w.DB.Read()
	row, err := reader.WidgetSession(x.ctx, f.SessionHash)
	if err != nil {
		return oxlin.Client{}, err
	}
	return reader.Client(x.ctx, row.ClientID)
}

// browser returns the user whose browser sent a request, or nil if their address is not
// known: a bank must not be given a wrong one.
func (w *Widget) browser(r *http.Request) *oxlin.PSU {
	address := web.ClientAddress(r, w.TrustProxy)
	if address == "" {
		return nil
	}
	return &oxlin.PSU{IP: address, UserAgent: r.UserAgent()}
}

// serveSuccess shows the end to users whose client gave no address (contract §6.2).
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

// serveTerms shows our terms in full (contract §1).
func (w *Widget) serveTerms(x *exchange) error {
	frame := page.Frame{Language: w.language(x), Self: x.request.URL.Path}
	w.render(x, http.StatusOK, frame, page.TermsText{Version: oxlin.TermsVersion})
	return nil
}
