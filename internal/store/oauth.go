package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// AuthTx writes the tokens and the signing keys of the authorization server.
type AuthTx struct{ executor }

// Auth returns the writer of those rows in this transaction.
func (tx *Tx) Auth() AuthTx { return AuthTx{tx.executor} }

// TokenKind is the kind of a token.
type TokenKind string

// The kinds of tokens.
const (
	AccessToken       TokenKind = "access"
	RefreshToken      TokenKind = "refresh"
	AuthorizationCode TokenKind = "code"
)

// Token is the record of an issued token. The token itself is not stored.
type Token struct {
	// Hash is the SHA-256 of the token.
	Hash []byte
	Kind TokenKind
	// Family is shared by all tokens of one sign-in.
	Family string
	// Client is the client that received the token. InsertToken uses only its ID.
	Client oxlin.Client
	// UserID is zero for a token of the client itself.
	UserID oxlin.UserID
	Scopes oxlin.Scopes
	// Form has the parameters that the exchange of a code must match, as a query string.
	Form string
	// AuthenticatedAt is when the user entered their password.
	AuthenticatedAt time.Time
	CreatedAt       time.Time
	// UsedAt is zero for an unused refresh token or code.
	UsedAt    time.Time
	ExpiresAt time.Time
	// Device is the kind of device on which the user signed in, as web.DeviceOf writes it; empty if
	// the client signed the user in.
	Device string
	// Certificate is the x5t#S256 of the certificate that the token is bound to; empty for a
	// bearer token.
	Certificate string
}

func token(row query.FindTokenRow) Token {
	t := row.OauthToken
	return Token{
		Hash: t.Hash, Kind: TokenKind(t.Kind), Family: t.Family, Client: client(row.Client),
		UserID: oxlin.UserID(t.UserID.Int64), Scopes: t.Scopes.V, Form: t.Form,
		AuthenticatedAt: t.AuthenticatedAt.Time, CreatedAt: t.CreatedAt.Time, UsedAt: t.UsedAt.Time, ExpiresAt: t.ExpiresAt.Time, Certificate: t.Certificate, Device: t.Device,
	}
}

// Token returns an unexpired token with its client by its hash. One of a client of the
// sandbox is found only there.
func (r Reader) Token(ctx context.Context, kind TokenKind, hash []byte, now time.Time) (Token, error) {
	row, err := r.q.FindToken(ctx, query.FindTokenParams{Hash: hash, Kind: string(kind), Now: query.At(now)})
	if err == nil && row.Client.Sandbox && !r.sandbox {
		return Token{}, oxlin.NotFound("token")
	}
	return found(row, err, "token", token)
}

// FamilyEnd returns the latest expiry of a family's usable tokens of one kind. A token
// is usable if it is unused, or within the grace period after its first use. Without
// usable tokens, it returns CodeNotFound.
func (r Reader) FamilyEnd(ctx context.Context, kind TokenKind, family string, now time.Time, grace time.Duration) (time.Time, error) {
	end, err := r.q.FindEndOfFamily(ctx, query.FindEndOfFamilyParams{
		Family: family, Kind: string(kind), Now: query.At(now), UsedSince: query.At(now.Add(-grace)),
	})
	return found(end, err, "token", func(at query.Instant) time.Time { return at.Time })
}

// StoreToken stores an issued token by itself. On PostgreSQL the statement commits alone, which
// spares the round trips of a transaction's begin and end.
func (db *DB) StoreToken(ctx context.Context, t Token) error {
	insert := func(tx *Tx) error { return tx.Auth().InsertToken(ctx, t) }
	if db.dialect != Postgres {
		return db.Write(ctx, insert)
	}
	err := insert(&Tx{executor: db.executor(db.write)})
	db.noteOutage(err)
	return err
}

// InsertToken stores an issued token.
func (tx AuthTx) InsertToken(ctx context.Context, t Token) error {
	err := tx.q.InsertToken(ctx, query.InsertTokenParams{
		Hash: t.Hash, Kind: string(t.Kind), Family: t.Family, ClientID: t.Client.ID,
		UserID: sql.NullInt64{Int64: int64(t.UserID), Valid: t.UserID != 0}, Scopes: query.AsJSON(t.Scopes), Form: t.Form,
		AuthenticatedAt: query.At(t.AuthenticatedAt), CreatedAt: query.At(t.CreatedAt),
		UsedAt: query.At(t.UsedAt), ExpiresAt: query.At(t.ExpiresAt), Certificate: t.Certificate, Device: t.Device,
	})
	if err != nil {
		return fmt.Errorf("insert token: %w", err)
	}
	return nil
}

// usedTokensRemembered bounds how long a used token is kept: an hourly refresh must not
// leave thousands of rows.
const usedTokensRemembered = 24 * time.Hour

// UseToken marks a token as used at its first use. It returns false if the grace period
// after the first use is over, or if the token does not exist. A used token is kept
// for a day.
func (tx AuthTx) UseToken(ctx context.Context, hash []byte, now time.Time, grace time.Duration) (bool, error) {
	n, err := tx.q.UseToken(ctx, query.UseTokenParams{
		Hash: hash, UsedAt: query.At(now), UsedSince: query.At(now.Add(-grace)), RememberedUntil: query.At(now.Add(usedTokensRemembered)),
	})
	if err != nil {
		return false, fmt.Errorf("use token: %w", err)
	}
	return n == 1, nil
}

// DropTokens removes the tokens of one kind and one sign-in.
func (tx AuthTx) DropTokens(ctx context.Context, kind TokenKind, family string) error {
	err := tx.q.DropTokensOfFamily(ctx, query.DropTokensOfFamilyParams{Family: family, Kind: string(kind)})
	if err == nil && kind == AccessToken {
		err = changeGrants(ctx, tx.executor, grantChange{family: family})
	}
	if err != nil {
		return fmt.Errorf("drop tokens: %w", err)
	}
	return nil
}

// DropSignIns removes a user's codes and tokens, except those of one family. Widget
// sessions end with the tokens that began them.
func (tx AuthTx) DropSignIns(ctx context.Context, user oxlin.UserID, except string) error {
	err := tx.q.DropTokensOfUser(ctx, query.DropTokensOfUserParams{UserID: sql.NullInt64{Int64: int64(user), Valid: true}, Except: except})
	if err == nil {
		err = changeGrants(ctx, tx.executor, grantChange{user: user})
	}
	if err != nil {
		return fmt.Errorf("drop a user's tokens: %w", err)
	}
	return nil
}

// DropSignIn removes the tokens and the code of one sign-in of a user. It returns false without
// such a sign-in.
func (tx AuthTx) DropSignIn(ctx context.Context, user oxlin.UserID, family string) (bool, error) {
	n, err := tx.q.DropTokensOfSignIn(ctx, query.DropTokensOfSignInParams{UserID: sql.NullInt64{Int64: int64(user), Valid: true}, Family: family})
	if err == nil && n > 0 {
		err = changeGrants(ctx, tx.executor, grantChange{family: family})
	}
	return n > 0, wrote("drop a sign-in", err)
}

// DropExpiredTokens removes the tokens whose expiry makes them useless.
func (tx AuthTx) DropExpiredTokens(ctx context.Context, now time.Time) error {
	n, err := tx.q.DropExpiredTokens(ctx, query.At(now))
	if err == nil && n > 0 {
		err = changeGrants(ctx, tx.executor, everyGrant)
	}
	if err != nil {
		return fmt.Errorf("drop expired tokens: %w", err)
	}
	return nil
}

// UseAssertion marks a client's assertion as used until it expires. It returns false if it was
// used before.
func (tx AuthTx) UseAssertion(ctx context.Context, hash []byte, expiresAt time.Time) (bool, error) {
	n, err := tx.q.UseAssertion(ctx, query.UseAssertionParams{Hash: hash, ExpiresAt: query.At(expiresAt)})
	if err != nil {
		return false, fmt.Errorf("use assertion: %w", err)
	}
	return n == 1, nil
}

// DropExpiredAssertions forgets the assertions that have expired.
func (tx AuthTx) DropExpiredAssertions(ctx context.Context, now time.Time) error {
	err := tx.q.DropExpiredAssertions(ctx, query.At(now))
	if err != nil {
		return fmt.Errorf("drop expired assertions: %w", err)
	}
	return nil
}

// SigningKey is a key that signs id_tokens.
type SigningKey struct {
	// ID is the kid of RFC 7517 §4.5.
	ID string
	// PrivateKey is PKCS #8, sealed.
	PrivateKey []byte
	CreatedAt  time.Time
}

func signingKey(row query.SigningKey) SigningKey {
	return SigningKey{ID: row.ID, PrivateKey: row.PrivateKey, CreatedAt: row.CreatedAt.Time}
}

// SigningKeys lists the signing keys, the newest first.
func (r Reader) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	rows, err := r.q.ListSigningKeys(ctx)
	return each(rows, err, "signing key", signingKey)
}

// InsertSigningKey stores a new signing key.
func (tx AuthTx) InsertSigningKey(ctx context.Context, k SigningKey) error {
	err := tx.q.InsertSigningKey(ctx, query.InsertSigningKeyParams{
		ID: k.ID, PrivateKey: k.PrivateKey, CreatedAt: query.At(k.CreatedAt),
	})
	if err != nil {
		return fmt.Errorf("insert signing key: %w", err)
	}
	return nil
}

// DropSigningKey removes a signing key.
func (tx AuthTx) DropSigningKey(ctx context.Context, id string) error {
	err := tx.q.DropSigningKey(ctx, id)
	if err != nil {
		return fmt.Errorf("drop signing key: %w", err)
	}
	return nil
}
