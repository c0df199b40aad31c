package widget

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
	"github.com/oxlin/oxlin/widget/page"
)

// serve answers at an entry point: it begins a flow, shows where one is, or takes
// what the user posts.
func (w *Widget) serve(x *exchange, modern bool) error {
	at := entry(x.request.PathValue("entry"))
	if !slices.Contains(entries, at) {
		return oxlin.Errorf(oxlin.CodeNotFound, "The widget has no such page.")
	}
	var err error
	x.session, err = w.session(x.ctx, x.request)
	if err != nil {
		return err
	}
	x.Header().Set("Content-Security-Policy", policy(&x.session.client))
	x.flow, err = w.find(x)
	if err != nil {
		return err
	}
	if x.session.expired {
		return w.expire(x)
	}
	switch x.request.Method {
	case http.MethodHead:
		return x.head()
	case http.MethodGet:
		if x.flow == nil {
			return w.begin(x, at, modern)
		}
		return w.show(x)
	case http.MethodPost:
		if x.flow == nil {
			return oxlin.Errorf(oxlin.CodeNotFound, "There is no such flow.")
		}
		return w.handleForm(x)
	}
	x.Header().Set("Allow", "GET, HEAD, POST")
	return oxlin.Errorf(oxlin.CodeMethodNotAllowed, "A page takes GET and POST.")
}

// find reads the flow that a request names; nil where it names none of its session.
func (w *Widget) find(x *exchange) (*flow, error) {
	id, ok := oxlin.ParseID[oxlin.FlowID](x.request.URL.Query().Get("flow"))
	if !ok {
		return nil, nil
	}
	f, err := w.flow(x.ctx, id)
	if oxlin.IsNotFound(err) || err == nil && !slices.Equal(f.SessionHash, x.session.IDHash) {
		return nil, nil
	}
	return f, err
}

func (w *Widget) flow(ctx context.Context, id oxlin.FlowID) (*flow, error) {
	row, err := w.DB.Read().WidgetFlow(ctx, id)
	if err != nil {
		return nil, err
	}
	f := &flow{WidgetFlow: row}
	return f, f.read()
}

// expire sends the user of an expired session back at once (contract §6.4), if it
// is known where to.
func (w *Widget) expire(x *exchange) error {
	f := x.flow
	if f != nil && f.Ended != nil {
		return w.leave(x, f, *f.Ended)
	}
	if f == nil {
		f = &flow{}
		// What cannot be read does not matter any more; only the address does.
		f.requested, _ = parse(merged(x.session.parameters(), x.request.URL.Query()))
		_ = checkAddresses(x.session.client, &f.requested)
		f.Language = page.Texts.Match(f.requested.Language, x.request.Header.Get("Accept-Language"))
	}
	return w.leave(x, f, ending{
		Status: "error", Result: "expired", Description: "The session has expired.", ConnectionID: f.connection(),
	})
}

// leave ends the visit of a request at once. An answer to a form shows the page that
// goes on by itself, because browsers hold the policy of forms against redirects, and
// so does one that only the windows around can hear of.
func (w *Widget) leave(x *exchange, f *flow, end ending) error {
	target := w.target(x, f, end)
	if x.request.Method != http.MethodPost && f.address(end) != "" {
		x.redirect(target)
		return nil
	}
	w.render(x, http.StatusOK, w.frame(x, f, stepDone, end), page.Done{Status: end.Status, Result: end.Result, Target: target})
	return nil
}

// begin begins a flow at an entry point.
func (w *Widget) begin(x *exchange, at entry, modern bool) error {
	s := x.session
	sent, err := url.ParseQuery(x.request.URL.RawQuery)
	if err != nil {
		return oxlin.Invalid("query", "The query of the address cannot be read: each value has to be encoded for a URL.")
	}
	all := merged(s.parameters(), sent)
	resumed, err := w.resume(x, at, all)
	if err != nil || resumed {
		return err
	}
	f := &flow{state: state{Entry: at, V21: modern, Parameters: all.Encode(), InFrame: framed(x.request)}}
	var failure error
	f.requested, failure = parse(all)
	err = checkAddresses(s.client, &f.requested)
	if err != nil && f.requested.ReturnURL == "" {
		return asSent(err, sent) // to an address that is not the client's nobody is sent
	}
	failure = asSent(cmp.Or(err, failure), sent)
	f.Language = page.Texts.Match(f.requested.Language, x.request.Header.Get("Accept-Language"))
	end, err := w.prepare(x, f, failure)
	if err != nil {
		return err
	}
	if end != nil {
		return w.leave(x, f, *end)
	}
	err = w.insert(x.ctx, s, f)
	if err != nil {
		return err
	}
	x.flow = f
	x.redirect(x.self())
	return nil
}

// framed says that the browser shows the page inside another.
func framed(r *http.Request) bool {
	destination := r.Header.Get("Sec-Fetch-Dest")
	return destination == "iframe" || destination == "frame"
}

// mostFlows is among how many flows of a session the one is looked for that goes on.
const mostFlows = 50

// resume goes on with the newest flow of a session whose user has come back from the bank
// by a page of the client. That page opens the widget anew with the same session and
// parameters (contract §6.3, aspsp_callback_uri), however often it is loaded, and whatever
// else was opened since. Other parameters, but for the language, are another matter.
func (w *Widget) resume(x *exchange, at entry, asked url.Values) (bool, error) {
	if asked.Get("aspsp_callback_uri") == "" {
		return false, nil
	}
	rows, err := w.DB.Read().WidgetFlows(x.ctx, x.session.IDHash, mostFlows)
	if err != nil {
		return false, err
	}
	for _, row := range rows {
		f := &flow{WidgetFlow: row}
		err := f.read()
		if err != nil {
			return false, err
		}
		if !f.ReturnedViaClient || f.Entry != at || f.Ended != nil || withoutLanguage(asked) != withoutLanguage(f.parameters()) {
			continue
		}
		x.flow = f
		if language := languageOf(x.request.URL.Query()); language != "" {
			f.Language = page.Texts.Match(language, f.Language)
		}
		f.InFrame = framed(x.request)
		err = w.DB.Write(x.ctx, func(tx *store.Tx) error { return w.save(x.ctx, tx, f) })
		if err != nil && !errors.Is(err, errStale) {
			return false, err
		}
		x.redirect(x.self())
		return true, nil
	}
	return false, nil
}

// withoutLanguage is a query in a form that can be compared.
func withoutLanguage(query url.Values) string {
	query = maps.Clone(query)
	query.Del("locale")
	return query.Encode()
}

// prepare finds out what a flow is about. An ending says that there is nothing to
// show: the user goes back at once.
func (w *Widget) prepare(x *exchange, f *flow, invalid error) (*ending, error) {
	ctx, s := x.ctx, x.session
	fail := func(result, description string) (*ending, error) {
		return &ending{Status: "error", Result: result, Description: description, ConnectionID: f.connection()}, nil
	}
	if invalid != nil {
		fault := oxlin.AsError(invalid)
		description := fault.Message
		if !strings.Contains(description, fault.Field) {
			description = fault.Field + ": " + description
		}
		return fail("invalid_request", description)
	}
	if scopes := f.Entry.scopes(); len(scopes) > 0 {
		err := s.caller().Require(scopes...)
		if err != nil {
			return fail("insufficient_scope", oxlin.AsError(err).Message)
		}
	}
	name := f.requested.needsAgreement()
	if f.Entry == manageAccounts {
		name = "manage_accounts"
	}
	if name != "" && !s.client.Licensed {
		return fail("agreement_required", "Only a client with its own PSD2 agreement may use "+nameSent(name, x.request.URL.Query())+".")
	}
	switch f.Entry {
	case terms:
		return nil, nil
	case professional:
		return w.narrow(ctx, s, f)
	case addConnection:
		f.Provider = f.requested.ProviderID
	default:
		end, err := w.bind(ctx, s, f)
		if end != nil || err != nil {
			return end, err
		}
	}
	if f.Provider == "" {
		return nil, nil
	}
	provider, known := w.Service.Providers.Get(f.Provider)
	if !known {
		return fail("invalid_provider", "There is no provider "+string(f.Provider)+".")
	}
	result, description := f.requested.refusal(provider)
	if result != "" {
		return fail(result, description)
	}
	if provider.Unavailable {
		return fail("provider_unavailable", provider.Name+" is not available at the moment.")
	}
	return nil, w.settle(ctx, s, f)
}

// settle gives a flow its channel, where the user has no say in it.
func (w *Widget) settle(ctx context.Context, s session, f *flow) error {
	if f.Definition != "" || f.Provider == "" {
		return nil
	}
	found, err := w.snapshot(ctx, s, f)
	if err != nil {
		return err
	}
	if id, ok := found.automaticChannel(); ok {
		f.Definition = id
	}
	return nil
}

// invalidConnection is the end of a flow that is about no connection of its user.
func invalidConnection(description string) *ending {
	return &ending{Status: "error", Result: "invalid_connection", Description: description}
}

// narrow gives a flow of professional accounts the connection whose accounts it is about,
// if the client named one.
func (w *Widget) narrow(ctx context.Context, s session, f *flow) (*ending, error) {
	id := f.requested.ConnectionID
	if id == 0 {
		return nil, nil
	}
	connections, err := w.Service.Connections.List(ctx, s.caller())
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(connections, func(c oxlin.Connection) bool { return c.ID == id }) {
		return invalidConnection("There is no such connection."), nil
	}
	f.RequestedConnection = id
	return nil, nil
}

// bind gives a flow the connection that it is about, and with it its bank.
func (w *Widget) bind(ctx context.Context, s session, f *flow) (*ending, error) {
	connections, err := w.Service.Connections.List(ctx, s.caller())
	if err != nil {
		return nil, err
	}
	id := f.requested.ConnectionID
	if id == 0 && len(connections) == 1 {
		id = connections[0].ID // there is no doubt which is meant
	}
	if id == 0 {
		return invalidConnection("The parameter connection_id is missing."), nil
	}
	i := slices.IndexFunc(connections, func(c oxlin.Connection) bool { return c.ID == id })
	if i < 0 {
		return invalidConnection("There is no such connection."), nil
	}
	f.ConnectionID, f.RequestedConnection, f.Provider = id, id, connections[i].ProviderID
	if named := f.requested.ProviderID; f.Entry == editCredentials && named != "" && named != f.Provider {
		return &ending{
			Status: "error", Result: "invalid_provider", ConnectionID: id,
			Description: "The connection is not one of provider " + string(named) + ".",
		}, nil
	}
	if f.Entry != userInput && f.Entry != manageAccounts {
		return nil, nil
	}
	f.FollowOnly = true
	for _, channel := range connections[i].Channels {
		// Whatever runs may ask; else what the bank asked while the user was away.
		if channel.Status == oxlin.ChannelRunning || f.Definition == "" && channel.Status != oxlin.ChannelEmpty {
			f.Definition = channel.DefinitionID
		}
		if channel.Status == oxlin.ChannelChallengeRequired && f.Entry == userInput {
			f.Definition = channel.DefinitionID
			return nil, w.Service.Connections.Restart(ctx, s.caller(), id, channel.DefinitionID, true)
		}
	}
	return nil, nil
}

// show shows where a flow is.
func (w *Widget) show(x *exchange) error {
	f := x.flow
	if asked := languageOf(x.request.URL.Query()); asked != "" {
		f.Language = page.Texts.Match(asked, f.Language)
	}
	if f.PendingEnd != nil && f.Ended == nil {
		err := w.finishPendingEnd(x)
		if err != nil && !errors.Is(err, errStale) {
			return err
		}
		f = x.flow
	}
	found, err := w.snapshot(x.ctx, x.session, f)
	if err != nil {
		return err
	}
	at, end := found.next()
	if at == stepProfessional {
		f.ReviewedAccounts = found.waiting()
	}
	if at == stepConsent && f.requested.SkipConsent {
		// The client does without the page (contract §6.3, terms_body).
		err = w.consent(x, found)
		if err != nil && !errors.Is(err, errStale) {
			return err
		}
		found, err = w.snapshot(x.ctx, x.session, f)
		if err != nil {
			return err
		}
		at, end = found.next()
	}
	err = w.note(x, at, end)
	if err != nil {
		return err
	}
	return w.draw(x, http.StatusOK, found, at, end, nil)
}

func languageOf(query url.Values) string {
	if query.Get("locale") != "" {
		return query.Get("locale")
	}
	return query.Get("lng")
}

// note keeps where a flow is now, and tells it.
func (w *Widget) note(x *exchange, at step, end ending) error {
	f, s := x.flow, x.session
	if at == stepDone && f.Ended == nil {
		err := w.end(x.ctx, s, f, end)
		if errors.Is(err, errStale) {
			f.Ended = &end // another request notes the same
			return nil
		}
		return err
	}
	if at == stepDone || f.LastEvent == at.event() && !f.changed() {
		return nil
	}
	err := w.DB.WriteFor(x.ctx, s.UserID, func(tx *store.Tx) error {
		err := w.tell(x.ctx, tx, s, f, at.event())
		if err != nil {
			return err
		}
		return w.save(x.ctx, tx, f)
	})
	if errors.Is(err, errStale) {
		return nil // the request that was quicker has noted where the flow is
	}
	return err
}

// frame is what is around a page of a flow.
func (w *Widget) frame(x *exchange, f *flow, at step, end ending) page.Frame {
	frame := page.Frame{
		Language: w.language(x), Client: x.session.client.Name, HideLogo: f.requested.HideLogo, Theme: themeAddress(x.session.client, f.requested.Theme),
		Messages: messages(f, at, end), Origins: origins(x.session.client, f.requested),
	}
	if x.flow != nil {
		frame.OtherBank = f.mayChangeBank(at)
		frame.Self = x.self()
	}
	return frame
}

// draw writes the page of a step. changed, where it is not nil, is the step's view
// with what is wrong in what the user posted.
func (w *Widget) draw(x *exchange, status int, s snapshot, at step, end ending, changed page.View) error {
	view := changed
	if view == nil {
		view = w.view(x, s, at, end)
	}
	frame := w.frame(x, x.flow, at, end)
	if at == stepConsent || at == stepAccounts {
		frame.Self += "&shown=" + url.QueryEscape(x.flow.shown())
	}
	if banks, ok := view.(page.Banks); ok && x.request.Header.Get("X-Fragment") == "banks" {
		x.Header().Set("Content-Type", "text/html; charset=utf-8")
		return page.RenderBankList(x.ctx, x, frame, banks)
	}
	w.render(x, status, frame, view)
	return nil
}

// themeAddress is the address of a licensed client's colours.
func themeAddress(client oxlin.Client, t oxlin.Theme) string {
	query := appearance(client, parameters{Theme: t})
	if len(query) == 0 {
		return ""
	}
	return "/widget/theme.css?" + query.Encode()
}

// appearance is how a licensed client's pages look, as the parameters that ask for it: as
// this flow asks, else as the client has it.
func appearance(client oxlin.Client, asked parameters) url.Values {
	t := asked.Theme
	if client.Licensed {
		t.Font = cmp.Or(t.Font, client.Theme.Font)
		t.FontColor = cmp.Or(t.FontColor, client.Theme.FontColor)
		t.ElementsColor = cmp.Or(t.ElementsColor, client.Theme.ElementsColor)
	}
	query := url.Values{}
	for name, value := range map[string]string{"font": t.Font, "font_color": t.FontColor, "elements_color": t.ElementsColor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if asked.HideLogo {
		query.Set("hide_logo", "true")
	}
	return query
}
