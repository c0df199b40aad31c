package auth

import (
	"time"

	"github.com/ory/fosite"

	"github.com/oxlin/oxlin"
)

var _ fosite.Session = (*session)(nil)

// session is what a grant knows of the user, as fosite passes it along.
type session struct {
	// userID is zero for a client's own grant.
	userID oxlin.UserID
	// authenticatedAt is when the user gave their password.
	authenticatedAt time.Time
	// nonce is what the client wants to find in the id_token of a code.
	nonce string
	// narrowed are the scopes that a refresh asks for; none if it wants all.
	narrowed oxlin.Scopes
}

// SetExpiresAt does nothing: fosite reads the wall clock, and the storage decides
// by ours when a token expires. Without an expiry here fosite tells clients the
// configured lifetime, exactly.
func (s *session) SetExpiresAt(fosite.TokenType, time.Time) {}

func (s *session) GetExpiresAt(fosite.TokenType) time.Time { return time.Time{} }

func (s *session) GetUsername() string { return "" }

func (s *session) GetSubject() string { return s.userID.String() }

// SetSubject takes what storage.Authenticate found.
func (s *session) SetSubject(subject string) {
	s.userID, _ = oxlin.ParseID[oxlin.UserID](subject)
}

func (s *session) Clone() fosite.Session {
	clone := *s
	return &clone
}
