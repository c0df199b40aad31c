package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/pkce"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/store"
)

var (
	_ fosite.Storage                                      = (*storage)(nil)
	_ oauth2.CoreStorage                                  = (*storage)(nil)
	_ oauth2.TokenRevocationStorage                       = (*storage)(nil)
	_ oauth2.ResourceOwnerPasswordCredentialsGrantStorage = (*storage)(nil)
	_ pkce.PKCERequestStorage                             = (*storage)(nil)
)

// storage is what fosite asks of a database, on ours.
type storage struct {
	server               *Server
	refreshTokenLifetime time.Duration
}

// batch gathers what one answer writes, to commit it in one transaction when the
// answer is complete: a code is spent and its tokens exist together, or neither.
// fosite's own hooks begin and commit; here nothing holds SQLite's only writer
// while fosite works.
type batch struct {
	writes []func(tx *store.Tx) error
}

type batchKey struct{}

// withBatch makes all writes of the storage under the new context wait for commit.
func (st *storage) withBatch(ctx context.Context) (batched context.Context, commit func() error) {
	b := &batch{}
	commit = func() error {
		return st.server.db.Write(ctx, func(tx *store.Tx) error {
			for _, write := range b.writes {
				err := write(tx)
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return context.WithValue(ctx, batchKey{}, b), commit
}

// write runs a write with the batch of the context, or at once where there is none.
func (st *storage) write(ctx context.Context, write func(tx *store.Tx) error) error {
	b, ok := ctx.Value(batchKey{}).(*batch)
	if ok {
		b.writes = append(b.writes, write)
		return nil
	}
	return st.server.db.Write(ctx, write)
}

// GetClient finds the client of an authorisation request. (At the token endpoint
// it is authenticateClient that does.) Of its redirect URIs it has the one that is
// asked for, if that is allowed, because only we know how to compare them. Who has
// registered just one need not say it (RFC 6749 §3.1.2.3).
func (st *storage) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	found, err := st.server.db.Read().Client(ctx, oxlin.ClientID(id))
	if err != nil {
		return nil, asFosite(err)
	}
	c := client{Client: found, scopes: oxlin.UserScopes()}
	request, ok := ctx.Value(fosite.RequestContextKey).(*http.Request)
	if !ok {
		return c, nil
	}
	uri := request.Form.Get("redirect_uri")
	switch {
	case found.MayRedirectTo(uri):
		c.redirectURIs = []string{uri}
	case uri == "" && len(found.RedirectURIs) == 1 && !found.AnyRedirectURI:
		c.redirectURIs = found.RedirectURIs
	}
	return c, nil
}

// errNoAssertions says that clients have no keys to sign assertions with (RFC 7523).
var errNoAssertions = errors.New("client assertions are not supported")

// ClientAssertionJWTValid is never asked.
func (st *storage) ClientAssertionJWTValid(context.Context, string) error { return errNoAssertions }

// SetClientAssertionJWT is never asked.
func (st *storage) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return errNoAssertions
}

// Authenticate checks the user's password for the password grant. The user is one
// of the client's that is asking.
func (st *storage) Authenticate(ctx context.Context, name, secret string) (subject string, err error) {
	request, ok := ctx.Value(fosite.AccessRequestContextKey).(fosite.AccessRequester)
	if !ok {
		return "", errors.New("a password without a request")
	}
	id, err := st.server.checkPassword(ctx, oxlin.ClientID(request.GetClient().GetID()), name, oxlin.NewSecret(secret))
	if err != nil {
		return "", asFosite(err)
	}
	return id.String(), nil
}

// insert stores a token that is given out.
func (st *storage) insert(ctx context.Context, kind store.TokenKind, signature string, lifetime time.Duration, request fosite.Requester) error {
	now := st.server.now()
	user := request.GetSession().(*session)
	t := store.Token{
		Hash: []byte(signature), Kind: kind, Family: request.GetID(),
		Client: oxlin.Client{ID: oxlin.ClientID(request.GetClient().GetID())}, UserID: user.userID,
		Scopes: fromArguments(request.GetGrantedScopes()), AuthenticatedAt: user.authenticatedAt,
		CreatedAt: now, ExpiresAt: now.Add(lifetime),
	}
	switch kind {
	case store.AuthorizationCode:
		t.Form = request.GetRequestForm().Encode()
	case store.AccessToken:
		t.Scopes = accessScopes(request)
	}
	return st.write(ctx, func(tx *store.Tx) error { return tx.InsertToken(ctx, t) })
}

// find gives a token that has not expired, and the request that it came out of.
func (st *storage) find(ctx context.Context, kind store.TokenKind, signature string) (store.Token, fosite.Requester, error) {
	t, err := st.server.db.Read().Token(ctx, kind, []byte(signature), st.server.now())
	if err != nil {
		return t, nil, asFosite(err)
	}
	form, err := url.ParseQuery(t.Form)
	if err != nil {
		return t, nil, err
	}
	request := fosite.NewRequest()
	request.ID = t.Family
	request.RequestedAt = t.CreatedAt
	request.Client = client{Client: t.Client, scopes: oxlin.UserScopes()}
	request.RequestedScope = toArguments(t.Scopes)
	request.GrantedScope = toArguments(t.Scopes)
	request.Form = form
	request.Session = &session{userID: t.UserID, authenticatedAt: t.AuthenticatedAt, nonce: form.Get("nonce")}
	return t, request, nil
}

// use spends a token, or says that somebody else did.
func (st *storage) use(ctx context.Context, signature string, grace time.Duration) error {
	return st.write(ctx, func(tx *store.Tx) error {
		ok, err := tx.UseToken(ctx, []byte(signature), st.server.now(), grace)
		if err != nil {
			return err
		}
		if !ok {
			return fosite.ErrInvalidGrant.WithHint("It was used already.")
		}
		return nil
	})
}

func (st *storage) revoke(ctx context.Context, kind store.TokenKind, family string) error {
	return st.write(ctx, func(tx *store.Tx) error { return tx.DropTokens(ctx, kind, family) })
}

// CreateAuthorizeCodeSession stores a code.
func (st *storage) CreateAuthorizeCodeSession(ctx context.Context, code string, request fosite.Requester) error {
	return st.insert(ctx, store.AuthorizationCode, code, codeLifetime, request)
}

// GetAuthorizeCodeSession finds a code; one that was used comes with the error
// that has its tokens revoked.
func (st *storage) GetAuthorizeCodeSession(ctx context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	t, request, err := st.find(ctx, store.AuthorizationCode, code)
	if err == nil && !t.UsedAt.IsZero() {
		err = fosite.ErrInvalidatedAuthorizeCode
	}
	return request, err
}

// InvalidateAuthorizeCodeSession spends a code.
func (st *storage) InvalidateAuthorizeCodeSession(ctx context.Context, code string) error {
	return st.use(ctx, code, 0)
}

// CreatePKCERequestSession does nothing: the code's own row has the challenge.
func (st *storage) CreatePKCERequestSession(context.Context, string, fosite.Requester) error {
	return nil
}

// GetPKCERequestSession finds a code with its challenge.
func (st *storage) GetPKCERequestSession(ctx context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	_, request, err := st.find(ctx, store.AuthorizationCode, code)
	return request, err
}

// DeletePKCERequestSession does nothing: the challenge lives as long as the code,
// so that a wrong verifier cannot be followed by none at all.
func (st *storage) DeletePKCERequestSession(context.Context, string) error { return nil }

// CreateAccessTokenSession stores an access token.
func (st *storage) CreateAccessTokenSession(ctx context.Context, signature string, request fosite.Requester) error {
	return st.insert(ctx, store.AccessToken, signature, accessTokenLifetime, request)
}

// GetAccessTokenSession finds an access token.
func (st *storage) GetAccessTokenSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	_, request, err := st.find(ctx, store.AccessToken, signature)
	return request, err
}

// DeleteAccessTokenSession is never asked: tokens are revoked by family.
func (st *storage) DeleteAccessTokenSession(context.Context, string) error { return nil }

// CreateRefreshTokenSession stores a refresh token.
func (st *storage) CreateRefreshTokenSession(ctx context.Context, signature, _ string, request fosite.Requester) error {
	return st.insert(ctx, store.RefreshToken, signature, st.refreshTokenLifetime, request)
}

// GetRefreshTokenSession finds a refresh token; one that was used too long ago
// comes with the error that has its family revoked.
func (st *storage) GetRefreshTokenSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	t, request, err := st.find(ctx, store.RefreshToken, signature)
	if err == nil && !st.server.usable(t) {
		err = fosite.ErrInactiveToken
	}
	return request, err
}

// usable says whether a refresh token was not used, or used so shortly ago that
// this may be a parallel request of the same client.
func (s *Server) usable(t store.Token) bool {
	return t.UsedAt.IsZero() || t.UsedAt.After(s.now().Add(-refreshGrace))
}

// DeleteRefreshTokenSession does nothing: RevokeRefreshToken follows.
func (st *storage) DeleteRefreshTokenSession(context.Context, string) error { return nil }

// RotateRefreshToken spends a refresh token. The access tokens given out before
// stay valid until they expire, because parallel requests may be using them.
func (st *storage) RotateRefreshToken(ctx context.Context, _ string, signature string) error {
	return st.use(ctx, signature, refreshGrace)
}

// RevokeRefreshToken removes the refresh tokens of one sign-in.
func (st *storage) RevokeRefreshToken(ctx context.Context, family string) error {
	return st.revoke(ctx, store.RefreshToken, family)
}

// RevokeAccessToken removes the access tokens of one sign-in.
func (st *storage) RevokeAccessToken(ctx context.Context, family string) error {
	return st.revoke(ctx, store.AccessToken, family)
}

// asFosite says in fosite's words that something does not exist.
func asFosite(err error) error {
	if oxlin.IsNotFound(err) {
		return fosite.ErrNotFound.WithWrap(err)
	}
	return err
}
