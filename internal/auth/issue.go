package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// tokenResponse is the successful response of RFC 6749 §5.1.
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

// authorization is the decision of a grant type: what new tokens allow.
type authorization struct {
	// family is common to all tokens of one sign-in; empty starts a new family.
	family string
	// userID is zero for a client's own token.
	userID oxlin.UserID
	// authenticatedAt is when the user last entered their password.
	authenticatedAt time.Time
	// device is where the user signed in, as web.DeviceOf writes it; empty for a client's request.
	device string
	// nonce is repeated in the id_token (OpenID Connect Core §3.1.2.1).
	nonce string
	// scopes are granted. A refresh token keeps all of them.
	scopes oxlin.Scopes
	// narrowed, unless empty, are the scopes of this access token (RFC 6749 §6).
	narrowed oxlin.Scopes
	// refreshable adds a refresh token to the response.
	refreshable bool
	// spends is the code or refresh token that the new tokens are issued for.
	spends *spending
}

// accessScopes returns the scopes of the access token.
func (a authorization) accessScopes() oxlin.Scopes {
	if len(a.narrowed) > 0 {
		return a.narrowed
	}
	return a.scopes
}

// spending is the use of a code or refresh token. The token may be used again until
// the grace after its first use has passed.
type spending struct {
	hash  []byte
	grace time.Duration
	// successor is the refresh token that replaces a refresh token; zero for a code, whose
	// refresh token is random.
	successor oxlin.Secret
}

// errReused means that another request has spent the code or refresh token.
var errReused = errors.New("used already")

// issue stores new tokens and returns the response that carries them. Spending a
// code or refresh token and storing its successors is one transaction, which begins
// when the response is complete: SQLite has a single writer.
func (s *Server) issue(ctx context.Context, client oxlin.Client, a authorization) (tokenResponse, error) {
	err := s.ensureFamily(&a)
	if err != nil {
		return tokenResponse{}, err
	}
	access, err := s.newToken(store.AccessToken, client, a)
	if err != nil {
		return tokenResponse{}, err
	}
	bind(ctx, client, &access.Token)
	response := tokenResponse{
		AccessToken: access.secret.Reveal(), TokenType: "Bearer", ExpiresIn: int(accessTokenLifetime.Seconds()),
		Scope: joinScopes(a.accessScopes()),
	}
	issued := []newToken{access}
	if a.refreshable {
		refresh, err := s.newToken(store.RefreshToken, client, a)
		if err != nil {
			return tokenResponse{}, err
		}
		bind(ctx, client, &refresh.Token)
		if a.spends != nil && !a.spends.successor.IsZero() {
			refresh.secret, refresh.Hash = a.spends.successor, vault.HashToken(a.spends.successor)
		}
		response.RefreshToken = refresh.secret.Reveal()
		issued = append(issued, refresh)
	}
	if a.accessScopes().Grants(oxlin.ScopeOpenID) {
		response.IDToken, err = s.newIDToken(ctx, client.ID, a, response.AccessToken)
		if err != nil {
			return tokenResponse{}, err
		}
	}
	return response, s.save(ctx, a.spends, issued...)
}

// ensureFamily starts a new family of tokens, unless the authorization continues one.
func (s *Server) ensureFamily(a *authorization) error {
	if a.family != "" {
		return nil
	}
	id, err := uuid.NewRandomFromReader(s.random)
	if err != nil {
		return fmt.Errorf("new family of tokens: %w", err)
	}
	a.family = id.String()
	return nil
}

// newToken is a token before it is stored. The secret is sent to the client and
// never stored.
type newToken struct {
	store.Token
	secret oxlin.Secret
	// by is how the user got a code: that of userProof.
	by string
}

// newToken makes a random token (RFC 6749 §10.10, RFC 6819 §5.1.4.2.2). The store
// gets its hash (RFC 6819 §5.1.4.1.3).
func (s *Server) newToken(kind store.TokenKind, client oxlin.Client, a authorization) (newToken, error) {
	secret, err := vault.NewToken(s.random)
	if err != nil {
		return newToken{}, err
	}
	now := s.now()
	t := store.Token{
		Hash: vault.HashToken(secret), Kind: kind, Family: a.family, Client: client, UserID: a.userID,
		Scopes: a.scopes, AuthenticatedAt: a.authenticatedAt, Device: a.device, CreatedAt: now,
	}
	switch kind {
	case store.AccessToken:
		t.Scopes, t.ExpiresAt = a.accessScopes(), now.Add(accessTokenLifetime)
	case store.RefreshToken:
		t.ExpiresAt = now.Add(s.refreshTokenLifetime)
	case store.AuthorizationCode:
		t.ExpiresAt = now.Add(codeLifetime)
	}
	return newToken{Token: t, secret: secret}, nil
}

// save stores new tokens. Where they are issued for a code or refresh token that
// cannot be used any more, nothing is stored and the error is errReused.
func (s *Server) save(ctx context.Context, spends *spending, issued ...newToken) error {
	if spends == nil && len(issued) == 1 && issued[0].UserID == 0 {
		return s.db.StoreToken(ctx, issued[0].Token) // a client's own token is no sign-in
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if spends != nil {
			ok, err := tx.Auth().UseToken(ctx, spends.hash, s.now(), spends.grace)
			if err != nil {
				return err
			}
			if !ok {
				return errReused
			}
			issued, err = s.withoutKnown(ctx, tx, issued)
			if err != nil {
				return err
			}
		}
		for _, t := range issued {
			err := tx.Auth().InsertToken(ctx, t.Token)
			if err != nil {
				return err
			}
		}
		if spends != nil {
			return nil
		}
		door := clientDoor
		if issued[0].Kind == store.AuthorizationCode {
			door = pageDoor
		}
		details := audit.Details{audit.Door: door, audit.Family: issued[0].Family}
		if issued[0].by != "" {
			details[audit.Kind] = issued[0].by
		}
		return s.audit.Record(ctx, tx, audit.Entry{
			Action: audit.SignedIn, Actor: audit.User, Client: issued[0].Client.ID, User: issued[0].UserID, Details: details,
		})
	})
}

// withoutKnown drops the refresh token that a parallel request has stored. If that one has
// been used, its holder and the one of its predecessor have gone different ways: the error
// is errReused.
func (s *Server) withoutKnown(ctx context.Context, tx *store.Tx, issued []newToken) ([]newToken, error) {
	i := slices.IndexFunc(issued, func(t newToken) bool { return t.Kind == store.RefreshToken })
	if i < 0 {
		return issued, nil
	}
	known, err := tx.Read().Token(ctx, store.RefreshToken, issued[i].Hash, s.now())
	switch {
	case oxlin.IsNotFound(err):
		return issued, nil
	case err != nil:
		return nil, err
	case !known.UsedAt.IsZero():
		return nil, errReused
	}
	return slices.Delete(issued, i, i+1), nil
}

// endReused ends all tokens of a sign-in whose code or refresh token was used again
// too late, because one of the two users may be a thief (RFC 6749 §4.1.2 and §10.5,
// RFC 6819 §5.2.1.1, RFC 9700 §4.14.2). It returns the refusal for the second use.
func (s *Server) endReused(ctx context.Context, action audit.Action, client oxlin.ClientID, user oxlin.UserID, family string) error {
	err := s.endFamily(ctx, family, audit.Entry{
		Action: action, Outcome: audit.Refused, Actor: audit.Stranger, Client: client, User: user, Details: audit.Details{audit.Family: family},
	})
	if err != nil {
		return err
	}
	return refusalf(oxlin.CodeInvalidGrant, "The code or refresh token was used before. All tokens of this sign-in are revoked.")
}

// endFamily removes the access and refresh tokens of one sign-in, and records why.
func (s *Server) endFamily(ctx context.Context, family string, why audit.Entry) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		err := tx.Auth().DropTokens(ctx, store.RefreshToken, family)
		if err != nil {
			return err
		}
		err = tx.Auth().DropTokens(ctx, store.AccessToken, family)
		if err != nil {
			return err
		}
		return s.audit.Record(ctx, tx, why)
	})
}
