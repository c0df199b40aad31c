package widget

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/synchro"
	"github.com/oxlin/oxlin/widget/page"
)

// callbackPath is where banks send users back to (contract §6.2).
const callbackPath = "/oauth2/aisp"

// serveCallback takes a user back from the bank. A client's own journey ends with a
// redirect at once (contract §11, "Mode A"); one of the widget goes on with its
// flow.
func (w *Widget) serveCallback(x *exchange) error {
	query := x.request.URL.Query()
	back, err := w.Service.FinishCallback(x.ctx, synchro.Callback{
		State: query.Get("state"), Code: query.Get("code"), Error: query.Get("error"),
		ErrorDescription: query.Get("error_description"), PSU: w.browser(x.request),
	})
	if err != nil {
		return err
	}
	end := ending{Status: back.Status, Result: back.Result, Description: back.ErrorDescription, ConnectionID: back.ConnectionID}
	if back.FlowID == 0 {
		address := back.URI
		if address == "" {
			address = successPath
		}
		x.redirect(withResult(address, end, back.QueueID))
		return nil
	}
	err = w.arrived(x, back)
	if err != nil {
		return err
	}
	f := x.flow
	switch {
	case f.asked.CallbackURL != "":
		x.redirect(f.asked.CallbackURL)
	case f.Framed:
		client, err := w.clientOf(x, f)
		if err != nil {
			return err
		}
		frame := page.Frame{Language: w.language(x), Client: client.Name, HideLogo: f.asked.HideLogo, Theme: themeAddress(client, f.asked.Theme)}
		w.render(x, http.StatusOK, frame, page.BackFromBank{Status: back.Status})
	default:
		id, err := w.Vault.OpenSecret(f.Session, flowPlace(f.ID))
		if err != nil {
			return err
		}
		x.redirect(f.Entry.path(f.Modern) + "?" + url.Values{"session_id": {id.Reveal()}, "flow": {f.ID.String()}}.Encode())
	}
	return nil
}

// arrived notes in its flow that the user is back. A page that stands in a frame
// meanwhile may note something in the same moment: then it is done again.
func (w *Widget) arrived(x *exchange, back synchro.Return) error {
	for {
		f, err := w.flow(x.ctx, back.FlowID)
		if err != nil {
			return err
		}
		x.flow = f
		f.Problem = ""
		switch {
		case back.Status == "cancelled":
			f.Problem = "refused"
		case back.Status != "success":
			f.Problem = back.Result
		}
		f.Returned = f.asked.CallbackURL != ""
		err = w.DB.Write(x.ctx, func(tx *store.Tx) error { return w.save(x.ctx, tx, f) })
		if !errors.Is(err, errMoved) {
			return err
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

// browser is the user whose browser sends a request.
func (w *Widget) browser(r *http.Request) *oxlin.PSU {
	address := r.RemoteAddr
	if w.TrustProxy {
		// The last entry is the one that our own proxy has added.
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if last := strings.TrimSpace(hops[len(hops)-1]); last != "" {
			address = last
		}
	}
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return nil // an address that is not known must not be stated to a bank
	}
	return &oxlin.PSU{IP: ip.WithZone("").Unmap().String(), UserAgent: r.UserAgent()}
}

// serveSuccess shows the end to users whose client gave no address (contract §6.2).
func (w *Widget) serveSuccess(x *exchange) error {
	query := x.request.URL.Query()
	end := ending{Status: query.Get("status"), Result: query.Get("result")}
	if end.Status != "error" && end.Status != "cancelled" {
		end.Status = "success"
	}
	frame := page.Frame{Language: w.language(x), Self: x.request.URL.Path + "?" + query.Encode()}
	w.render(x, http.StatusOK, frame, page.Done{Status: end.Status, Result: end.Result})
	return nil
}

// serveTerms shows our terms in full (contract §1).
func (w *Widget) serveTerms(x *exchange) error {
	frame := page.Frame{Language: w.language(x), Self: x.request.URL.Path}
	w.render(x, http.StatusOK, frame, page.TermsText{Version: oxlin.TermsVersion})
	return nil
}
