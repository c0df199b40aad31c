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
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// serve handles an entry point: it begins a flow, renders its current page, or handles
// a posted form.
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
	x.ctx = audit.As(x.ctx, audit.User, "")
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
		return x.show()
	case http.MethodPost:
		if x.flow == nil {
			return oxlin.Errorf(oxlin.CodeNotFound, "There is no such flow.")
		}
		return x.handleForm()
	}
	x.Header().Set("Allow", "GET, HEAD, POST")
	return oxlin.Errorf(oxlin.CodeMethodNotAllowed, "A page takes GET and POST.")
}

// find returns the flow that a request names; nil if it names none of its session.
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
	row, err := w.options.DB.Read().WidgetFlow(ctx, id)
	if err != nil {
		return nil, err
	}
	f := &flow{WidgetFlow: row}
	return f, f.read()
}

// expire redirects the user of an expired session to the client (contract §6.4), if its
// address is known.
func (w *Widget) expire(x *exchange) error {
	f := x.flow
	if f != nil && f.Ended != nil {
		return w.leave(x, f, *f.Ended)
	}
	if f == nil {
		f = &flow{}
		// Only the address is needed, so invalid parameters are ignored.
		f.requested, _ = parse(merged(x.session.parameters(), x.request.URL.Query()))
		_ = checkAddresses(x.session.client, &f.requested)
		f.Language = page.Texts.Match(f.requested.Language, x.request.Header.Get("Accept-Language"))
	}
	return w.leave(x, f, ending{
		Status: "error", Result: "expired", Description: "The session has expired.", ConnectionID: f.connection(),
	})
}

// leave ends a request with a redirect to the client. After a form it renders a page that
// redirects, because browsers apply form-action to redirects. It also does so without
// an address, because then only the messages of a page report the ending.
func (w *Widget) leave(x *exchange, f *flow, end ending) error {
	target := w.target(x, f, end)
	if x.request.Method != http.MethodPost && f.address(end) != "" {
		x.redirect(target)
		return nil
	}
	w.render(x, http.StatusOK, x.frame(f, stepDone, end), page.Done{Status: end.Status, Result: end.Result, Target: target})
	return nil
}

// begin starts a flow at an entry point.
func (w *Widget) begin(x *exchange, at entry, modern bool) error {
	s := x.session
	sent, err := url.ParseQuery(x.request.URL.RawQuery)
	if err != nil {
		return oxlin.Invalid("query", "The query of the address cannot be read: each value has to be encoded for a URL.")
	}
	all := merged(s.parameters(), sent)
	ignored := dropCosmetics(s.client, all)
	resumed, err := w.resume(x, at, all)
	if err != nil || resumed {
		return err
	}
	f := &flow{state: state{Entry: at, V21: modern, Parameters: all.Encode(), Ignored: ignored, InFrame: framed(x.request)}}
	var failure error
	f.requested, failure = parse(all)
	err = checkAddresses(s.client, &f.requested)
	if err != nil && f.requested.ReturnURL == "" {
		return asSent(err, sent) // never redirect to an unregistered address
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

// framed reports whether the browser shows the page in a frame.
func framed(r *http.Request) bool {
	destination := r.Header.Get("Sec-Fetch-Dest")
	return destination == "iframe" || destination == "frame"
}

// mostFlows bounds the flows of a session among which resume searches.
const mostFlows = 50

// resume continues the newest flow of a session whose user has returned from the bank to a
// page of the client. This page opens the widget again with the same session and
// parameters (contract §6.3, aspsp_callback_uri); it may be reloaded, and other flows may
// have begun since. A request with other parameters, except for the language, begins a
// new flow.
func (w *Widget) resume(x *exchange, at entry, asked url.Values) (bool, error) {
	if asked.Get("aspsp_callback_uri") == "" {
		return false, nil
	}
	rows, err := w.options.DB.Read().WidgetFlows(x.ctx, x.session.IDHash, mostFlows)
	if err != nil {
		return false, err
	}
	for _, row := range rows {
		f := &flow{WidgetFlow: row}
		err := f.read()
		if err != nil {
			return false, err
		}
		if !f.ReturnedViaClient || f.opened() != at || f.Ended != nil || withoutLanguage(asked) != withoutLanguage(f.parameters()) {
			continue
		}
		x.flow = f
		if language := languageOf(x.request.URL.Query()); language != "" {
			f.Language = page.Texts.Match(language, f.Language)
		}
		f.InFrame = framed(x.request)
		err = w.options.DB.Write(x.ctx, anew(f, func(tx *store.Tx) error { return w.save(x.ctx, tx, f) }))
		if err != nil && !errors.Is(err, errStale) {
			return false, err
		}
		x.redirect(x.self())
		return true, nil
	}
	return false, nil
}

// withoutLanguage returns a query in a comparable form.
func withoutLanguage(query url.Values) string {
	query = maps.Clone(query)
	query.Del("locale")
	return query.Encode()
}

// prepare checks a new flow and sets its subject. If it returns an ending, the user is
// redirected without a page.
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
	err := s.Scopes.Require(f.Entry.scopes()...)
	if err != nil {
		return fail("insufficient_scope", oxlin.AsError(err).Message)
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
	provider, known := w.options.Service.Providers.Get(f.Provider)
	if !known {
		return fail("invalid_provider", "There is no provider "+string(f.Provider)+".")
	}
	result, description := f.requested.refusal(provider)
	if result != "" {
		return fail(result, description)
	}
	f.File = provider.Files && snapshot{session: s, flow: f}.takesFile()
	if provider.Unavailable && !f.File {
		return fail("provider_unavailable", provider.Name+" is not available at the moment.")
	}
	return nil, w.settle(ctx, s, f)
}

// settle sets the channel of a flow if the user has no choice.
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

// invalidConnection returns the ending of a flow without a valid connection.
func invalidConnection(description string) *ending {
	return &ending{Status: "error", Result: "invalid_connection", Description: description}
}

// narrow limits a flow of professional accounts to the connection that the client named.
func (w *Widget) narrow(ctx context.Context, s session, f *flow) (*ending, error) {
	id := f.requested.ConnectionID
	if id == 0 {
		return nil, nil
	}
	connections, err := w.options.Service.Connections.List(ctx, s.caller())
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(connections, func(c oxlin.Connection) bool { return c.ID == id }) {
		return invalidConnection("There is no such connection."), nil
	}
	f.RequestedConnection = id
	return nil, nil
}

// bind sets the connection and the bank of a flow.
func (w *Widget) bind(ctx context.Context, s session, f *flow) (*ending, error) {
	connections, err := w.options.Service.Connections.List(ctx, s.caller())
	if err != nil {
		return nil, err
	}
	id := f.requested.ConnectionID
	if id == 0 && len(connections) == 1 {
		id = connections[0].ID // the only connection needs no name
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
		// Prefer a running channel, which may ask a question, to one that asked before.
		if channel.Status == oxlin.ChannelRunning || f.Definition == "" && channel.Status != oxlin.ChannelEmpty {
			f.Definition = channel.DefinitionID
		}
		if channel.Status == oxlin.ChannelChallengeRequired && f.Entry == userInput {
			f.Definition = channel.DefinitionID
			return nil, w.options.Service.Connections.Restart(ctx, s.caller(), id, channel.DefinitionID, 0)
		}
	}
	return nil, nil
}

// show renders the current page of a flow.
func (x *exchange) show() error {
	f := x.flow
	if asked := languageOf(x.request.URL.Query()); asked != "" {
		f.Language = page.Texts.Match(asked, f.Language)
	}
	if f.PendingEnd != nil && f.Ended == nil {
		err := x.finishPendingEnd()
		if err != nil && !errors.Is(err, errStale) {
			return err
		}
		f = x.flow
	}
	found, err := x.widget.snapshot(x.ctx, x.session, f)
	if err != nil {
		return err
	}
	at, end := found.next()
	if at == stepProfessional {
		f.ReviewedAccounts = found.waiting()
	}
	if at == stepConsent && f.requested.SkipConsent {
		// The client asks for the consent itself (contract §6.3, terms_body).
		err = x.consent(found)
		if err != nil && !errors.Is(err, errStale) {
			return err
		}
		found, err = x.widget.snapshot(x.ctx, x.session, f)
		if err != nil {
			return err
		}
		at, end = found.next()
	}
	err = x.note(at, end)
	if err != nil {
		return err
	}
	return x.draw(http.StatusOK, found, at, end, nil)
}

func languageOf(query url.Values) string {
	if query.Get("locale") != "" {
		return query.Get("locale")
	}
	return query.Get("lng")
}

// note saves the flow and records its event.
func (x *exchange) note(at step, end ending) error {
	f, s := x.flow, x.session
	if at == stepDone && f.Ended == nil {
		err := x.widget.end(x.ctx, s, f, end)
		if errors.Is(err, errStale) {
			f.Ended = &end // another request has recorded it
			return nil
		}
		return err
	}
	if at == stepDone || f.LastEvent == at.event() && !f.changed() {
		return nil
	}
	err := x.widget.options.DB.WriteFor(x.ctx, s.UserID, anew(f, func(tx *store.Tx) error {
		err := x.widget.tell(x.ctx, tx, s, f, at.event())
		if err != nil {
			return err
		}
		return x.widget.save(x.ctx, tx, f)
	}))
	if errors.Is(err, errStale) {
		return nil // another request has saved the flow
	}
	return err
}

// frame returns the frame of a page.
func (x *exchange) frame(f *flow, at step, end ending) page.Frame {
	frame := page.Frame{
		Language: x.widget.language(x), Client: x.session.client.Name, HideLogo: f.requested.HideLogo, Theme: themeAddress(x.session.client, f.requested.Theme),
		Messages: messages(f, at, end), Origins: origins(x.session.client, f.requested), Warnings: warnings(f.Ignored),
	}
	if x.flow != nil {
		frame.OtherBank = f.mayChangeBank(at)
		frame.Self = x.self()
	}
	return frame
}

// draw writes the page of a step. If changed is not nil, it is the step's view with the
// errors of a posted form.
func (x *exchange) draw(status int, s snapshot, at step, end ending, changed page.View) error {
	view := changed
	if view == nil {
		view = x.view(s, at, end)
	}
	frame := x.frame(x.flow, at, end)
	frame.HaveFile = s.offersFile(at)
	if at == stepConsent || at == stepAccounts {
		frame.Self += "&shown=" + url.QueryEscape(x.flow.shown())
	}
	if at == stepChallenge && s.work != nil && s.work.Question != nil && hasPicture(s.work.Question.Challenges) {
		x.Header().Set("Content-Security-Policy", withPictures(x.Header().Get("Content-Security-Policy")))
	}
	switch at {
	case stepLogin, stepChallenge, stepConsent, stepAccounts, stepProfessional:
		frame.Watch = x.events(s, at)
	}
	if banks, ok := view.(page.Banks); ok && x.request.Header.Get("X-Fragment") == "banks" {
		x.Header().Set("Content-Type", "text/html; charset=utf-8")
		return page.RenderBankList(x.ctx, x, frame, banks)
	}
	x.widget.render(x, status, frame, view)
	return nil
}

// themeAddress returns the address of a licensed client's style sheet.
func themeAddress(client oxlin.Client, t oxlin.Theme) string {
	query := appearance(client, parameters{Theme: t})
	if len(query) == 0 {
		return ""
	}
	return "/widget/theme.css?" + query.Encode()
}

// appearance returns the parameters of a licensed client's style: those of the flow,
// otherwise those of the client.
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
