package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/auth/page"
	"github.com/oxlin/oxlin/internal/lockout"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

const (
	accountPath   = "/signin/account"
	accountCookie = "oxlin_account"
	// accountLife is how long a session of the page lasts, and accountIdle how long without a request.
	accountLife = 8 * time.Hour
	accountIdle = 30 * time.Minute
	// freshFor is how long a user may change things after proving who they are.
	freshFor = 5 * time.Minute
	// mostListed bounds the sign-ins that the page lists, and its sessions.
	mostListed = 50
)

// accounts is the page of a user's own, where a user sees and ends sign-ins, and changes the
// password. It has sessions of its own, which allow nothing else: a sign-in for an application asks
// for the password each time.
type accounts struct{ server *Server }

// accountVisit is a request of a signed-in user.
type accountVisit struct {
	session store.UserSession
	user    oxlin.User
	client  oxlin.Client
}

// id identifies the session, where the token must not appear.
func (v accountVisit) id() string { return sessionID(v.session) }

func sessionID(s store.UserSession) string { return base64.RawURLEncoding.EncodeToString(s.Hash) }

func (a accounts) register(mux *http.ServeMux, frame web.Frame) {
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET " + accountPath:                a.show,
		"POST " + accountPath:               a.enter,
		"POST " + accountPath + "/leave":    a.signedIn(a.leave),
		"POST " + accountPath + "/confirm":  a.signedIn(a.confirm),
		"POST " + accountPath + "/password": a.signedIn(a.changePassword),
		"POST " + accountPath + "/end":      a.signedIn(a.fresh(a.end)),

		"POST " + accountPath + "/passkeys":        a.signedIn(a.fresh(a.addPasskey)),
		"POST " + accountPath + "/passkeys/remove": a.signedIn(a.fresh(a.removePasskey)),
		"POST " + accountPath + "/passkeys/alone":  a.signedIn(a.fresh(a.setPasskeysAlone)),
	} {
		mux.Handle(pattern, frame.Handler(a.server.sameOrigin(a.handler(serve))))
	}
}

// handler reads the form of a request, and shows an error that serve returns.
func (a accounts) handler(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		err := r.ParseForm()
		if err != nil || checkText(r.Form) != nil {
			err = refusalf(oxlin.CodeInvalidRequest, "The form cannot be read.")
		}
		if err == nil {
			err = serve(w, r)
		}
		if err != nil {
			a.server.failSignin(w, r, err)
		}
	}
}

// signedIn serves the requests of signed-in users, and leads others to the page, where they sign in.
func (a accounts) signedIn(serve func(http.ResponseWriter, *http.Request, accountVisit) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		visit, err := a.find(r)
		if oxlin.IsNotFound(err) {
			return a.goTo(w, r, "")
		}
		if err != nil {
			return err
		}
		return serve(w, r.WithContext(audit.As(r.Context(), audit.User, "")), visit)
	}
}

// fresh serves the requests of users who have proved lately who they are, and leads others to the
// page, which asks them to.
func (a accounts) fresh(serve func(http.ResponseWriter, *http.Request, accountVisit) error) func(http.ResponseWriter, *http.Request, accountVisit) error {
	return func(w http.ResponseWriter, r *http.Request, visit accountVisit) error {
		if !a.isFresh(visit) {
			return a.goTo(w, r, "")
		}
		return serve(w, r, visit)
	}
}

func (a accounts) isFresh(visit accountVisit) bool {
	return a.server.now().Sub(visit.session.ConfirmedAt) < freshFor
}

// find returns the visit of a request with a session, and prolongs the session. The error is
// not-found without one, and if the user's client is disabled or deleted.
func (a accounts) find(r *http.Request) (accountVisit, error) {
	s, ctx := a.server, r.Context()
	token := web.Cookie(r, accountCookie, s.secure())
	if token == "" {
		return accountVisit{}, oxlin.NotFound("session")
	}
	var visit accountVisit
	var err error
	visit.session, err = store.UserSessionsIn(s.db.Read()).Session(ctx, vault.HashToken(oxlin.NewSecret(token)), s.now())
	if err == nil {
		visit.user, err = s.db.Read().User(ctx, visit.session.UserID)
	}
	if err == nil {
		visit.client, err = a.client(ctx, visit.user.ClientID)
	}
	if err == nil {
		err = web.Admit(ctx, visit.client.ID, visit.user.ID, "")
	}
	if err != nil {
		return accountVisit{}, err
	}
	now := s.now()
	if now.Sub(visit.session.SeenAt) >= time.Minute {
		end := now.Add(accountIdle)
		if last := visit.session.CreatedAt.Add(accountLife); last.Before(end) {
			end = last
		}
		err = s.db.Write(ctx, func(tx *store.Tx) error { return store.UserSessionsOf(tx).See(ctx, visit.session.Hash, now, end) })
	}
	return visit, err
}

// client returns a client whose users may sign in. The error is not-found for another one.
func (a accounts) client(ctx context.Context, id oxlin.ClientID) (oxlin.Client, error) {
	client, err := a.server.db.Read().Client(ctx, id)
	if err == nil && (client.Deleting || client.Disabled) {
		return oxlin.Client{}, oxlin.NotFound("client")
	}
	return client, err
}

// show is GET /signin/account.
func (a accounts) show(w http.ResponseWriter, r *http.Request) error {
	visit, err := a.find(r)
	if oxlin.IsNotFound(err) {
		err = a.server.passwords.admitPage(r)
		if err != nil {
			return err
		}
		return a.writeEntry(w, r, http.StatusOK, "")
	}
	if err != nil {
		return err
	}
	return a.write(w, r, visit, page.Account{Notice: notice(r)}, http.StatusOK)
}

// notice returns what the request before this one has done.
func notice(r *http.Request) page.Notice {
	switch done := page.Notice(r.URL.Query().Get("done")); done {
	case page.SignInEnded, page.SignInsEnded, page.PasswordChanged, page.PasskeyAdded, page.PasskeyRemoved, page.PasswordOff, page.PasswordOn:
		return done
	}
	return ""
}

// place returns where the forms of a page lead: the language and the client stay.
func place(r *http.Request) page.Place {
	asked, kept := r.URL.Query(), url.Values{}
	for _, name := range []string{"client_id", "lng"} {
		if asked.Get(name) != "" {
			kept.Set(name, asked.Get(name))
		}
	}
	return page.Place{Path: accountPath, Query: kept.Encode()}
}

// bound returns the text to which the forms of the page are bound: what its addresses keep.
func bound(r *http.Request) string { return accountPath + "\x00" + place(r).Query }

// goTo leads the browser to the page after a form, with a notice unless it is empty.
func (a accounts) goTo(w http.ResponseWriter, r *http.Request, done page.Notice) error {
	at := place(r)
	if done != "" {
		at.Query = strings.TrimPrefix(at.Query+"&done="+string(done), "&")
	}
	target := url.URL{Path: at.Path, RawQuery: at.Query}
	w.Header().Set("Location", target.String())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// writeEntry writes the page where a user signs in.
func (a accounts) writeEntry(w http.ResponseWriter, r *http.Request, status int, problem page.Problem) error {
	form, err := a.server.signForm(w, r, codeRequest{}, bound(r))
	if err != nil {
		return err
	}
	shown := page.Entry{Place: place(r), Email: r.PostForm.Get("username"), Form: form, Problem: problem}
	if id := r.URL.Query().Get("client_id"); id != "" {
		client, err := a.client(r.Context(), oxlin.ClientID(id))
		if err != nil && !oxlin.IsNotFound(err) {
			return err
		}
		shown.Client = client.Name
	}
	shown.Ask = userPasskeys(a).ask(form)
	if shown.Client == "" {
		shown.Choices, err = a.choices(r)
	}
	if err == nil {
		writePage(w, r, status, shown, codeRequest{})
	}
	return err
}

// choices returns the clients of the users for whom the browser is known.
func (a accounts) choices(r *http.Request) ([]page.Choice, error) {
	var all []page.Choice
	known := map[oxlin.ClientID]bool{}
	for _, name := range a.server.passwords.devices.Accounts(r) {
		id, ok := oxlin.ParseID[oxlin.UserID](name)
		if !ok {
			continue
		}
		user, err := a.server.db.Read().User(r.Context(), id)
		var client oxlin.Client
		if err == nil && !known[user.ClientID] {
			known[user.ClientID] = true
			client, err = a.client(r.Context(), user.ClientID)
		}
		if err != nil && !oxlin.IsNotFound(err) {
			return nil, err
		}
		if client.ID != "" {
			query := url.Values{"client_id": {string(client.ID)}}
			if language := r.URL.Query().Get("lng"); language != "" {
				query.Set("lng", language)
			}
			all = append(all, page.Choice{Name: client.Name, Address: accountPath + "?" + query.Encode()})
		}
	}
	return all, nil
}

// enter is POST /signin/account: the form with the password or a passkey. A passkey tells by itself
// of which client its user is.
func (a accounts) enter(w http.ResponseWriter, r *http.Request) error {
	client, err := a.client(r.Context(), oxlin.ClientID(r.URL.Query().Get("client_id")))
	if oxlin.IsNotFound(err) && r.PostForm.Get("passkey") == "" {
		return a.goTo(w, r, "")
	}
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	proved, err := userProofs{a.server, client.ID, accountDoor, bound(r)}.form(r)
	if err == nil && proved.user.ClientID != client.ID {
		_, err = a.client(r.Context(), proved.user.ClientID)
		if oxlin.IsNotFound(err) {
			err = errPasskey
		}
	}
	if how, ok := show(w, err); ok {
		return a.writeEntry(w, r, how.status, how.problem)
	}
	if err != nil {
		return err
	}
	return a.begin(w, r, proved)
}

// begin begins a session.
func (a accounts) begin(w http.ResponseWriter, r *http.Request, proved userProof) error {
	s, ctx, now := a.server, r.Context(), a.server.now()
	token, err := vault.NewToken(s.random)
	if err != nil {
		return err
	}
	session := store.UserSession{
		Hash: vault.HashToken(token), UserID: proved.user.ID, Device: web.DeviceOf(r.UserAgent()),
		CreatedAt: now, SeenAt: now, ConfirmedAt: now, ExpiresAt: now.Add(accountIdle),
	}
	details := audit.Details{audit.Door: accountDoor}
	if proved.by != "" {
		details[audit.Kind] = proved.by
	}
	err = s.db.WriteFor(ctx, proved.user.ID, func(tx *store.Tx) error {
		err := store.UserSessionsOf(tx).Insert(ctx, session)
		if err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{
			Action: audit.SignedIn, Actor: audit.User, Client: proved.user.ClientID, User: proved.user.ID, Details: details,
		})
	})
	if err != nil {
		return err
	}
	if proved.device != nil {
		s.setCookie(w, codeRequest{}, proved.device)
	}
	a.setCookie(w, token.Reveal(), accountLife)
	return a.goTo(w, r, "")
}

// setCookie sets the cookie of a session, for the page alone.
func (a accounts) setCookie(w http.ResponseWriter, value string, life time.Duration) {
	cookie := &http.Cookie{Name: accountCookie, Value: value, MaxAge: int(life.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode}
	web.SetCookie(w, cookie, accountPath, a.server.secure())
}

// write writes the page of a signed-in user. shown has what the request adds.
func (a accounts) write(w http.ResponseWriter, r *http.Request, visit accountVisit, shown page.Account, status int) error {
	s, ctx := a.server, r.Context()
	rows := store.UserSessionsIn(s.db.Read())
	signIns, err := rows.SignIns(ctx, visit.user.ID, s.now(), mostListed+1)
	if err != nil {
		return err
	}
	sessions, err := rows.List(ctx, visit.user.ID, s.now(), mostListed+1)
	if err != nil {
		return err
	}
	shown.Place, shown.Client, shown.Email, shown.Fresh = place(r), visit.client.Name, visit.user.Email, a.isFresh(visit)
	shown.More = len(signIns) > mostListed || len(sessions) > mostListed
	for _, one := range signIns[:min(len(signIns), mostListed)] {
		shown.SignIns = append(shown.SignIns, page.SignIn{ID: one.Family, Device: one.Device, Since: one.At, Used: one.RenewedAt})
	}
	for _, one := range sessions[:min(len(sessions), mostListed)] {
		id := sessionID(one)
		shown.Sessions = append(shown.Sessions, page.SignIn{ID: id, Device: one.Device, Since: one.CreatedAt, Used: one.SeenAt, Here: id == visit.id()})
	}
	err = a.listPasskeys(w, r, visit, &shown)
	if err == nil {
		writePage(w, r, status, shown, codeRequest{})
	}
	return err
}

// leave ends the session.
func (a accounts) leave(w http.ResponseWriter, r *http.Request, visit accountVisit) error {
	err := a.server.db.WriteFor(r.Context(), visit.user.ID, func(tx *store.Tx) error {
		_, err := store.UserSessionsOf(tx).Drop(r.Context(), visit.user.ID, visit.session.Hash)
		return err
	})
	if err != nil {
		return err
	}
	a.setCookie(w, "", -time.Second)
	return a.goTo(w, r, "")
}

// confirm notes that the user has proved again who they are.
func (a accounts) confirm(w http.ResponseWriter, r *http.Request, visit accountVisit) error {
	s, ctx := a.server, r.Context()
	err := a.proveAgain(r, visit)
	if how, ok := show(w, err); ok {
		if how.problem == page.WrongPassword {
			how.problem = page.WrongCurrent
		}
		return a.write(w, r, visit, page.Account{Problem: how.problem, Field: "confirm"}, how.status)
	}
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error { return store.UserSessionsOf(tx).Confirm(ctx, visit.session.Hash, s.now()) })
	if err != nil {
		return err
	}
	return a.goTo(w, r, "")
}

// proveAgain checks the password or a passkey of a signed-in user. Attempts count for the session.
func (a accounts) proveAgain(r *http.Request, visit accountVisit) error {
	s, ctx := a.server, r.Context()
	try := lockout.OfSession(visit.id(), string(visit.client.ID))
	answer := r.PostForm.Get("passkey")
	if answer == "" {
		err := s.passwords.checkUnless(ctx, try, visit.user, oxlin.NewSecret(r.PostForm.Get("confirm")), userPasskeys{s}.alone)
		noteRefusal(ctx, s.audit, accountDoor, visit.client.ID, visit.user, err)
		return err
	}
	proofs := userProofs{s, visit.client.ID, accountDoor, bound(r)}
	err := s.checkForm(r, proofs.bound)
	if err != nil {
		return err
	}
	key, assertion, user, err := proofs.findPasskey(ctx, answer)
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	if err != nil || user.ID != visit.user.ID {
		proofs.refused(ctx, visit.user, "")
		return errPasskey
	}
	return proofs.checkPasskey(r, try, key, assertion, user)
}

// end ends one sign-in to the application, one session of the page, or all others. A form that
// arrives twice changes nothing.
func (a accounts) end(w http.ResponseWriter, r *http.Request, visit accountVisit) error {
	s, ctx, user := a.server, r.Context(), visit.user.ID
	entry := audit.Entry{Action: audit.SignInEnded, Client: visit.client.ID, User: user}
	done := page.SignInEnded
	err := s.db.WriteFor(ctx, user, func(tx *store.Tx) error {
		ended, err := false, error(nil)
		switch {
		case r.PostForm.Has("all"):
			ended, done, entry.Action = true, page.SignInsEnded, audit.SignInsEnded
			err = endSignIns(ctx, tx, user, "", visit.session.Hash)
		case r.PostForm.Has("sign_in"):
			entry.Details = audit.Details{audit.Family: r.PostForm.Get("sign_in")}
			ended, err = tx.Auth().DropSignIn(ctx, user, r.PostForm.Get("sign_in"))
		default:
			hash, _ := base64.RawURLEncoding.DecodeString(r.PostForm.Get("session")) // no session has another hash
			entry.Details = audit.Details{audit.Door: accountDoor}
			ended, err = store.UserSessionsOf(tx).Drop(ctx, user, hash)
		}
		if err != nil || !ended {
			return err
		}
		return s.audit.Record(ctx, tx, entry)
	})
	if err != nil {
		return err
	}
	return a.goTo(w, r, done)
}

// changePassword changes the password by the rules of SetPassword, and ends everything but the
// session.
func (a accounts) changePassword(w http.ResponseWriter, r *http.Request, visit accountVisit) error {
	change := passwordChange{
		server: a.server, client: visit.client, user: visit.user.ID, session: visit.id(), door: accountDoor, sessionHash: visit.session.Hash,
		password: oxlin.NewSecret(r.PostForm.Get("password")), current: oxlin.NewSecret(r.PostForm.Get("current")),
	}
	err := change.run(r.Context())
	var invalid *oxlin.Error
	if errors.As(err, &invalid) && invalid.Code == oxlin.CodeInvalidRequest {
		shown := page.Account{Problem: page.WeakPassword, Field: "password"}
		if invalid.Field == "current_password" {
			shown.Problem, shown.Field = page.WrongCurrent, "current"
		}
		return a.write(w, r, visit, shown, http.StatusBadRequest)
	}
	if how, ok := show(w, err); ok {
		return a.write(w, r, visit, page.Account{Problem: how.problem, Field: "current"}, how.status)
	}
	if err != nil {
		return err
	}
	return a.goTo(w, r, page.PasswordChanged)
}
