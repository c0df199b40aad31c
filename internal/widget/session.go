package widget

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/auth"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

const (
	// idle bounds the time between two uses of a session with a refresh token. It is the
	// lifetime of an access token.
	idle = time.Hour
	// longest bounds the lifetime of such a session.
	longest = 24 * time.Hour
	// remembered is how long an expired session can still redirect to its client.
	remembered = 7 * 24 * time.Hour
)

// Auth is the part of the authorization server that the widget uses.
type Auth interface {
	AuthenticateClient(ctx context.Context, id oxlin.ClientID, secret oxlin.Secret) (oxlin.Client, error)
	Authenticate(ctx context.Context, bearer oxlin.Secret) (auth.Grant, error)
	VerifyRefresh(ctx context.Context, id oxlin.ClientID, refreshToken oxlin.Secret) (auth.Grant, error)
	FamilyAlive(ctx context.Context, family string) (until time.Time, alive bool, err error)
}

// Begin creates a session (contract §6.1). It verifies the client's tokens without using
// them up (contract §11). Wrong credentials are CodeInvalidClient or CodeInvalidToken. An
// invalid parameter or an unregistered address is CodeInvalidRequest with its Field.
func (w *Widget) Begin(ctx context.Context, request oxlin.WidgetRequest) (oxlin.WidgetSession, error) {
	client, err := w.options.Auth.AuthenticateClient(ctx, request.ClientID, request.ClientSecret)
	if err != nil {
		return oxlin.WidgetSession{}, err
	}
	grant, err := w.options.Auth.Authenticate(ctx, request.AccessToken)
	if err != nil {
		return oxlin.WidgetSession{}, err
	}
	if grant.UserID == 0 || grant.Client.ID != client.ID {
		return oxlin.WidgetSession{}, oxlin.Invalid("access_token", "The token has to be one of a user of this client.")
	}
	asked, now := canonical(request.Parameters), w.options.Now()
	ignored := dropCosmetics(client, asked)
	session := store.WidgetSession{
		ClientID: client.ID, UserID: grant.UserID, Scopes: grant.Scopes, TokenHash: vault.HashToken(request.AccessToken),
		Parameters: asked.Encode(), CreatedAt: now, ExpiresAt: grant.ExpiresAt,
	}
	if !request.RefreshToken.IsZero() {
		refresh, err := w.options.Auth.VerifyRefresh(ctx, client.ID, request.RefreshToken)
		if err != nil {
			return oxlin.WidgetSession{}, err
		}
		if refresh.UserID != grant.UserID {
			return oxlin.WidgetSession{}, oxlin.Invalid("refresh_token", "The tokens have to be of one user.")
		}
		session.Family, session.ExpiresAt = refresh.Family, now.Add(idle)
	}
	p, err := parse(asked)
	if err == nil {
		err = checkAddresses(client, &p)
	}
	if err != nil {
		return oxlin.WidgetSession{}, asSent(err, request.Parameters)
	}
	id, err := vault.NewSessionID(w.options.Rand)
	if err != nil {
		return oxlin.WidgetSession{}, err
	}
	session.IDHash = vault.HashToken(id)
	err = w.options.DB.Write(ctx, func(tx *store.Tx) error { return tx.Widget().InsertSession(ctx, session) })
	if err != nil {
		return oxlin.WidgetSession{}, err
	}
	links := make(map[string]string)
	for _, e := range entries {
		links[e.link()] = w.options.PublicURL + e.path(request.Versioned) + "?session_id=" + id.Reveal()
	}
	return oxlin.WidgetSession{ID: id, Links: links, Warnings: warnings(ignored)}, nil
}

// checkAddresses removes unregistered addresses, so that no user is redirected there,
// and returns an error for the first.
func checkAddresses(client oxlin.Client, p *parameters) error {
	var failure error
	for _, a := range []struct {
		name    string
		address *string
	}{{"redirect_url", &p.ReturnURL}, {"cancel_url", &p.CancelURL}, {"aspsp_callback_uri", &p.CallbackURL}} {
		if *a.address == "" || client.MayReturnTo(*a.address) {
			continue
		}
		*a.address = ""
		if failure == nil {
			failure = oxlin.Invalid(a.name, "The address in %s is not registered for this client.", a.name)
		}
	}
	return failure
}

// session is the session of a request.
type session struct {
	store.WidgetSession
	id     string
	client oxlin.Client
	user   oxlin.User
	// psu describes the user and their browser.
	psu *oxlin.PSU
	// expired is set if the session can only redirect to its client.
	expired bool
}

// session returns the session of a request. An unknown one is CodeSessionExpired.
func (w *Widget) session(ctx context.Context, r *http.Request) (session, error) {
	s := session{id: r.URL.Query().Get("session_id"), psu: w.browser(r)}
	reader := w.options.DB.Read()
	var err error
	s.WidgetSession, err = reader.WidgetSession(ctx, vault.HashToken(oxlin.NewSecret(s.id)))
	if oxlin.IsNotFound(err) {
		return s, web.Stranger(ctx, oxlin.Errorf(oxlin.CodeSessionExpired, "There is no such session."))
	}
	if err != nil {
		return s, err
	}
	err = web.Admit(ctx, s.ClientID, s.UserID, string(s.IDHash))
	if err != nil {
		return s, err
	}
	s.client, err = reader.Client(ctx, s.ClientID)
	if err != nil {
		return s, err
	}
	if s.client.Disabled {
		return s, oxlin.Errorf(oxlin.CodeSessionExpired, "The session's client is disabled.")
	}
	s.user, err = reader.User(ctx, s.UserID)
	if err != nil {
		return s, err
	}
	alive, err := w.alive(ctx, s.WidgetSession)
	s.expired = !alive
	return s, err
}

// alive reports whether a session is still valid. Without a refresh token it ends with
// the access token. With one, it stays valid while it is used and the sign-in is valid
// (contract §2.4).
func (w *Widget) alive(ctx context.Context, s store.WidgetSession) (bool, error) {
	now := w.options.Now()
	if !now.Before(s.ExpiresAt) {
		return false, nil
	}
	if s.Family == "" {
		_, err := w.options.DB.Read().Token(ctx, store.AccessToken, s.TokenHash, now)
		if oxlin.IsNotFound(err) {
			return false, nil // revoked
		}
		return err == nil, err
	}
	until, alive, err := w.options.Auth.FamilyAlive(ctx, s.Family)
	if err != nil || !alive {
		return false, err
	}
	if s.ExpiresAt.Sub(now) > idle/2 {
		return true, nil
	}
	end := now.Add(idle)
	for _, limit := range []time.Time{until, s.CreatedAt.Add(longest)} {
		if limit.Before(end) {
			end = limit
		}
	}
	return true, w.options.DB.Write(ctx, func(tx *store.Tx) error { return tx.Widget().ExtendSession(ctx, s.IDHash, end) })
}

// caller returns the session's user as a caller of the hosted pages.
func (s session) caller() oxlin.Caller {
	return oxlin.Caller{Client: s.client, UserID: s.UserID, PSU: s.psu, Hosted: true}
}

// parameters returns the parameters of the session.
func (s session) parameters() url.Values {
	values, err := url.ParseQuery(s.Parameters)
	if err != nil {
		return nil // impossible: Encode wrote it
	}
	return values
}

// Sweep ends the questions about returns from the bank that nobody has answered in time, and the
// ways to a bank whose time is over, and deletes sessions some time after their expiry.
func (w *Widget) Sweep(ctx context.Context) error {
	err := w.options.Service.Authorizations.EndUnanswered(ctx, w.tellReturn)
	if err != nil {
		return err
	}
	err = w.options.Service.Ways.EndLate(ctx)
	if err != nil {
		return err
	}
	return w.options.DB.Write(ctx, func(tx *store.Tx) error { return tx.Widget().DropSessions(ctx, w.options.Now().Add(-remembered)) })
}
