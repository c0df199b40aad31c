package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/auth/page"
	"github.com/oxlin/oxlin/internal/lockout"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
	"github.com/oxlin/oxlin/internal/web/passkey"
)

// byPasskey is the audit log's kind of a sign-in by a passkey.
const byPasskey = "passkey"

// errPasskey is the error for a passkey that is refused.
var errPasskey = errors.New("the passkey is refused")

// userPasskeys are the passkeys of users, in the place of their passwords. A challenge is made from
// the form that asks, so that a page writes nothing; when it is answered, a row spends it.
type userPasskeys struct{ server *Server }

// party returns the site for which passkeys are made: the host of the public URL. It is not
// ok for an IP address, for which browsers make no passkeys.
func (p userPasskeys) party() (passkey.Party, bool) {
	public, err := url.Parse(p.server.issuer)
	if err != nil {
		return passkey.Party{}, false
	}
	_, err = netip.ParseAddr(public.Hostname())
	return passkey.Party{ID: public.Hostname(), Origins: []string{public.Scheme + "://" + public.Host}, Verified: true}, err != nil
}

// challengeOf returns the challenge of a form that signForm has signed, each with a nonce of its own:
// nobody else can make a form whose challenge is taken.
func challengeOf(form string) []byte {
	hash := sha256.Sum256([]byte("passkey challenge\x00" + form))
	return hash[:]
}

// ofParty returns the passkeys among some that browsers offer to the site of today: none if its
// public URL has no name, or had another one when they were made.
func (p userPasskeys) ofParty(known []store.UserPasskey) []store.UserPasskey {
	party, ok := p.party()
	return slices.DeleteFunc(slices.Clone(known), func(key store.UserPasskey) bool { return !ok || key.Party != party.ID })
}

// usable returns the passkeys of a user for the site of today.
func (p userPasskeys) usable(ctx context.Context, reader store.Reader, user oxlin.UserID) ([]store.UserPasskey, error) {
	known, err := store.UserPasskeysIn(reader).List(ctx, user)
	return p.ofParty(known), err
}

// alone reports whether a user enters the platform's pages by a passkey alone: the user has chosen so,
// and has a passkey for the site.
func (p userPasskeys) alone(ctx context.Context, user oxlin.User) (bool, error) {
	if !user.PasskeysAlone {
		return false, nil
	}
	usable, err := p.usable(ctx, p.server.db.Read(), user.ID)
	return len(usable) > 0, err
}

// ask returns the question for one of some passkeys, or for any; zero if the platform has no passkeys.
func (p userPasskeys) ask(form string, known ...store.UserPasskey) passkey.Ask {
	party, ok := p.party()
	if !ok {
		return passkey.Ask{}
	}
	ask := passkey.Ask{Challenge: passkey.Text(challengeOf(form)), Party: party}
	for _, key := range known {
		if key.Party == party.ID {
			ask.IDs = append(ask.IDs, key.ID)
		}
	}
	return ask
}

// askNew returns the question for a new passkey of a user. Its site finds it without an id, so that
// the page asks for no e-mail, and shows of no user whether there are passkeys.
func (p userPasskeys) askNew(form string, user oxlin.User, client oxlin.Client, known []store.UserPasskey) (passkey.Ask, error) {
	ask := p.ask(form, known...)
	ask.Site, ask.Name, ask.Resident = "Oxlin", user.Email+" – "+client.Name, true
	mac, err := p.server.vault.MAC([]byte("user of a passkey\x00" + user.ID.String()))
	ask.User = passkey.Text(mac)
	return ask, err
}

// spend returns the challenge of a request's form, once.
func (p userPasskeys) spend(r *http.Request) ([]byte, bool, error) {
	s, ctx := p.server, r.Context()
	challenge := challengeOf(r.PostForm.Get("form"))
	hash := sha256.Sum256(challenge)
	first := false
	err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
		first, err = store.UserPasskeysOf(tx).UseChallenge(ctx, hash[:], s.now().Add(formLifetime))
		return err
	})
	return challenge, first, err
}

// passkey checks the passkey of a form. The error is errFormExpired, errPasskey, or
// CodeTooManyRequests. Without a client, the passkey may be that of any client's user.
func (p userProofs) passkey(r *http.Request) (userProof, error) {
	s, ctx := p.server, r.Context()
	key, assertion, user, err := p.findPasskey(ctx, r.PostForm.Get("passkey"))
	if err != nil && !oxlin.IsNotFound(err) {
		return userProof{}, err
	}
	try, known := s.passwords.devices.Try(r, deviceAccount(user))
	if !known {
		// Wrong passwords do not count here, and wrong passkeys do not count there.
		try = lockout.Stranger("passkey\x00"+deviceAccount(user), web.Source(ctx))
	}
	try, full := s.passwords.devices.Admit(try)
	if full != nil {
		p.note(ctx, user, full)
		return userProof{}, full
	}
	expired := s.checkForm(r, p.bound)
	if expired != nil {
		return userProof{}, expired
	}
	if err != nil { // nobody's passkey: no row counts it
		p.refused(ctx, user, "")
		return userProof{}, errPasskey
	}
	err = p.checkPasskey(r, try, key, assertion, user)
	if err != nil {
		return userProof{}, err
	}
	device, err := s.passwords.devices.Remember(ctx, r, deviceAccount(user))
	return userProof{user, device, byPasskey}, err
}

// findPasskey finds the passkey of an answer, and its user. The error is not-found for one that no
// user of the client has.
func (p userProofs) findPasskey(ctx context.Context, answer string) (store.UserPasskey, passkey.Assertion, oxlin.User, error) {
	assertion, err := passkey.ReadAssertion(answer)
	if err != nil {
		return store.UserPasskey{}, assertion, oxlin.User{}, oxlin.NotFound("passkey")
	}
	reader := p.server.db.Read()
	key, err := store.UserPasskeysIn(reader).Passkey(ctx, passkey.Text(assertion.ID))
	var user oxlin.User
	if err == nil {
		user, err = reader.User(ctx, key.UserID)
	}
	if err == nil && p.client != "" && user.ClientID != p.client {
		return key, assertion, oxlin.User{}, oxlin.NotFound("passkey")
	}
	return key, assertion, user, err
}

// checkPasskey verifies an answer of a user's passkey, as an attempt that was admitted.
func (p userProofs) checkPasskey(r *http.Request, try lockout.Try, key store.UserPasskey, assertion passkey.Assertion, user oxlin.User) error {
	s, ctx := p.server, r.Context()
	keys := userPasskeys{s}
	code := oxlin.Code("")
	right, err := s.passwords.devices.Check(ctx, try, func(vault.Asker) (bool, error) {
		challenge, first, err := keys.spend(r)
		party, ok := keys.party()
		if err != nil || !first || !ok || key.Party != party.ID {
			return false, err
		}
		count, err := party.Verify(challenge, passkey.Key{PublicKey: key.PublicKey}, assertion)
		if err != nil {
			return false, nil
		}
		used := false
		err = s.db.Write(ctx, func(tx *store.Tx) (err error) {
			used, err = store.UserPasskeysOf(tx).Use(ctx, key.ID, int64(count), s.now())
			return err
		})
		if err == nil && !used { // somebody may have a copy of it
			code = "passkey_counter"
		}
		return used, err
	})
	if err == nil && !right {
		p.refused(ctx, user, code)
		return errPasskey
	}
	p.note(ctx, user, err)
	return err
}

// note records that an attempt was not looked at any more.
func (p userProofs) note(ctx context.Context, user oxlin.User, err error) {
	noteRefusal(ctx, p.server.audit, p.door, cmp.Or(p.client, user.ClientID), user, err)
}

// refused records that a passkey was refused.
func (p userProofs) refused(ctx context.Context, user oxlin.User, code oxlin.Code) {
	details := audit.Details{audit.Door: p.door, audit.Kind: byPasskey}
	if code != "" {
		details[audit.Code] = string(code)
		web.LineOf(ctx).Fail(code, errors.New("the counter of a user's passkey went back: it may have been copied"))
	}
	p.server.audit.Note(ctx, audit.Entry{
		Action: audit.SignedIn, Outcome: audit.Refused, Actor: audit.Stranger, Client: cmp.Or(p.client, user.ClientID), User: user.ID, Details: details,
	})
}

// addPasskey registers a passkey of the user.
func (a accounts) addPasskey(w http.ResponseWriter, r *http.Request, visit accountVisit) error {
	s, ctx := a.server, r.Context()
	refuse := func(problem page.Problem) error {
		return a.write(w, r, visit, page.Account{Problem: problem, Field: "passkey_name"}, http.StatusBadRequest)
	}
	err := s.checkForm(r, bound(r))
	if errors.Is(err, errFormExpired) {
		return refuse(page.FormExpired)
	}
	if err != nil {
		return err
	}
	name, named := passkey.Name(r.PostForm.Get("passkey_name"))
	registration, err := passkey.ReadRegistration(r.PostForm.Get("passkey"))
	if err != nil || !named {
		return refuse(page.PasskeyNotAdded)
	}
	keys := userPasskeys{s}
	challenge, first, err := keys.spend(r)
	if err != nil {
		return err
	}
	party, ok := keys.party()
	key, err := party.Register(challenge, registration)
	if err != nil || !first || !ok {
		return refuse(page.PasskeyNotAdded)
	}
	added := store.UserPasskey{
		ID: passkey.Text(registration.ID), UserID: visit.user.ID, Name: name, Party: party.ID,
		PublicKey: key.PublicKey, SignCount: int64(key.Count), CreatedAt: s.now(),
	}
	err = s.db.WriteFor(ctx, visit.user.ID, func(tx *store.Tx) error {
		known, err := store.UserPasskeysIn(tx.Read()).List(ctx, visit.user.ID)
		if err == nil && len(known) >= passkey.Most {
			err = oxlin.Errorf(oxlin.CodeConflict, "There are %d passkeys.", passkey.Most)
		}
		if err == nil {
			err = store.UserPasskeysOf(tx).Insert(ctx, added)
		}
		if err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Action: audit.PasskeyAdded, Client: visit.client.ID, User: visit.user.ID})
	})
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeConflict {
		return refuse(page.PasskeyNotAdded)
	}
	if err != nil {
		return err
	}
	return a.goTo(w, r, page.PasskeyAdded)
}

// removePasskey removes a passkey of the user; a form that arrives twice changes nothing.
func (a accounts) removePasskey(w http.ResponseWriter, r *http.Request, visit accountVisit) error {
	s, ctx := a.server, r.Context()
	err := s.db.WriteFor(ctx, visit.user.ID, func(tx *store.Tx) error {
		removed, err := store.UserPasskeysOf(tx).Drop(ctx, visit.user.ID, r.PostForm.Get("id"))
		if err != nil || !removed {
			return err
		}
		user, err := tx.Read().User(ctx, visit.user.ID)
		if err != nil {
			return err
		}
		usable, err := userPasskeys{s}.usable(ctx, tx.Read(), user.ID)
		if err == nil && len(usable) == 0 {
			err = a.switchPassword(ctx, tx, user, false)
		}
		if err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, audit.Entry{Action: audit.PasskeyRemoved, Client: visit.client.ID, User: visit.user.ID})
	})
	if err != nil {
		return err
	}
	return a.goTo(w, r, page.PasskeyRemoved)
}

// setPasskeysAlone keeps the password out of the platform's pages, or lets it in again; a form that
// arrives twice changes nothing. It is refused until the user has signed in with a passkey once, which
// shows that the passkey works.
func (a accounts) setPasskeysAlone(w http.ResponseWriter, r *http.Request, visit accountVisit) error {
	s, ctx, alone := a.server, r.Context(), r.PostForm.Get("alone") != ""
	proven := false
	err := s.db.WriteFor(ctx, visit.user.ID, func(tx *store.Tx) error {
		user, err := tx.Read().User(ctx, visit.user.ID)
		if err != nil {
			return err
		}
		usable, err := userPasskeys{s}.usable(ctx, tx.Read(), user.ID)
		proven = slices.ContainsFunc(usable, wasUsed)
		if err != nil || alone && !proven {
			return err
		}
		return a.switchPassword(ctx, tx, user, alone)
	})
	switch {
	case err != nil:
		return err
	case !alone:
		return a.goTo(w, r, page.PasswordOn)
	case !proven:
		return a.goTo(w, r, "")
	}
	return a.goTo(w, r, page.PasswordOff)
}

func wasUsed(key store.UserPasskey) bool { return !key.UsedAt.IsZero() }

// switchPassword stores and records whether a user enters the platform's pages by passkeys alone.
func (a accounts) switchPassword(ctx context.Context, tx *store.Tx, user oxlin.User, alone bool) error {
	if user.PasskeysAlone == alone {
		return nil
	}
	user.PasskeysAlone = alone
	err := tx.UpdateUser(ctx, user)
	if err != nil {
		return err
	}
	kind := "on"
	if alone {
		kind = "off"
	}
	return a.server.audit.Record(ctx, tx, audit.Entry{
		Action: audit.PasswordSwitched, Client: user.ClientID, User: user.ID, Details: audit.Details{audit.Kind: kind},
	})
}

// listPasskeys completes the page with the passkeys of the user, and the questions for them.
func (a accounts) listPasskeys(w http.ResponseWriter, r *http.Request, visit accountVisit, shown *page.Account) error {
	s := a.server
	known, err := store.UserPasskeysIn(s.db.Read()).List(r.Context(), visit.user.ID)
	if err != nil {
		return err
	}
	for _, key := range known {
		shown.Passkeys = append(shown.Passkeys, page.Passkey{ID: key.ID, Name: key.Name, Since: key.CreatedAt, Used: key.UsedAt})
	}
	keys := userPasskeys{s}
	usable := keys.ofParty(known)
	shown.Alone = visit.user.PasskeysAlone && len(usable) > 0
	shown.MayBeAlone = slices.ContainsFunc(usable, wasUsed)
	shown.Form, err = s.signForm(w, r, codeRequest{}, bound(r))
	if err != nil {
		return err
	}
	_, shown.NewName, _ = strings.Cut(web.DeviceOf(r.UserAgent()), ": ")
	if shown.Fresh {
		if len(known) < passkey.Most {
			shown.Ask, err = keys.askNew(shown.Form, visit.user, visit.client, known)
		}
		return err
	}
	if ask := keys.ask(shown.Form, known...); len(ask.IDs) > 0 {
		shown.Ask = ask
	}
	return nil
}
