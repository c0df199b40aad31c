package bank

import (
	"context"

	"github.com/oxlin/oxlin"
)

// LoginConnector is a connector that logs in with the user's own credentials: every
// EMBEDDED channel has one. Its Access.Token is the session in the connector's own
// format: the cookies, and the token by which the bank recognises our device.
type LoginConnector interface {
	Connector
	// Login opens a session, or returns the bank's question. With the State and the
	// Answers of an earlier question it continues that login. It submits the
	// credentials again each time, so that wrong ones are noticed; a device that the
	// bank recognises gets no question. If a later call fails with AccessLost, the
	// session has ended and the caller logs in again.
	Login(ctx context.Context, login Login) (LoginResult, error)
}

// Login is one login, or its continuation after a question.
type Login struct {
	// Credentials are unencrypted, by the ids of their definitions.
	Credentials map[oxlin.CredentialID]oxlin.Secret
	// Access is the previous session, if any: the bank asks a device that it recognises
	// no question.
	Access Access
	// PSU is the user while they are present. Without them the connector must not
	// trigger an SMS or a call to their phone: it fails with ChallengeNeeded instead.
	PSU *oxlin.PSU
	// State and Answers continue the login after a Question; both are empty at the
	// start.
	State   oxlin.Secret
	Answers map[oxlin.CredentialID]oxlin.Secret
}

// LoginResult is a session, or a question.
type LoginResult struct {
	Access   Access
	Question *Question
}
