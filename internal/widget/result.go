package widget

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// successPath is the last page for clients without a redirect URI (contract §6.2).
const successPath = "/success"

// target returns the address of a flow's final redirect. The widget's own last page gets
// the session, so that it shows the client.
func (w *Widget) target(x *exchange, f *flow, end ending) string {
	address := f.address(end)
	if address == "" {
		query := appearance(x.session.client, f.requested)
		query.Set("lng", page.Texts.Match(f.Language))
		query.Set("session_id", x.session.id)
		address = successPath + "?" + query.Encode()
	}
	return withResult(address, end, f.Queue)
}

// address returns the client's address for an ending; empty if it gave none.
func (f *flow) address(end ending) string {
	if end.Status == "cancelled" && f.requested.CancelURL != "" {
		return f.requested.CancelURL
	}
	return f.requested.ReturnURL
}

// parameters returns the query of an ending (contract §6.4). state is the client's own, where
// it began the authorization itself.
func (e ending) parameters(queue oxlin.QueueID, state string) url.Values {
	result := url.Values{}
	add := func(name, value string) {
		if value != "" {
			result.Set(name, value)
		}
	}
	if e.ConnectionID != 0 {
		add("connection_id", e.ConnectionID.String())
	}
	if queue != 0 {
		add("queue_id", queue.String())
	}
	add("status", e.Status)
	add("result", e.Result)
	add("error_description", e.Description)
	add("state", state)
	return result
}

// withResult adds an ending to an address and keeps the rest of the address unchanged.
func withResult(address string, end ending, queue oxlin.QueueID) string {
	return withParameters(address, end.parameters(queue, ""))
}

// withParameters adds a query to an address and keeps the rest of the address unchanged.
func withParameters(address string, result url.Values) string {
	address, fragment, hasFragment := strings.Cut(address, "#")
	switch {
	case !strings.Contains(address, "?"):
		address += "?"
	case !strings.HasSuffix(address, "?") && !strings.HasSuffix(address, "&"):
		address += "&"
	}
	address += result.Encode()
	if hasFragment {
		address += "#" + fragment
	}
	return address
}

// messages returns the messages to the windows around a page (contract §6.5).
func messages(f *flow, at step, end ending) []page.Message {
	if at != stepDone {
		return []page.Message{{EventName: string(at.event()), QueueID: f.Queue.String()}}
	}
	message := page.Message{
		EventName: "redirect_to", RedirectURL: cmp.Or(f.address(end), successPath), Status: end.Status, Result: end.Result, ErrorDescription: end.Description,
	}
	if end.ConnectionID != 0 {
		message.ConnectionID = end.ConnectionID.String()
	}
	if f.Queue != 0 {
		message.QueueID = f.Queue.String()
	}
	return []page.Message{message}
}

// origins returns the origins that may receive a flow's messages: those of the client's
// registered addresses, and those of the flow's addresses, because the port of a
// loopback address may vary.
func origins(client oxlin.Client, asked parameters) []string {
	if client.AnyRedirectURI {
		return []string{"*"}
	}
	for _, address := range []string{asked.ReturnURL, asked.CancelURL, asked.CallbackURL} {
		if address != "" && client.MayReturnTo(address) {
			client.RedirectURIs = append(slices.Clone(client.RedirectURIs), address)
		}
	}
	return client.Origins()
}
