package bank

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
)

// LoginConnector is a connector that logs in with the user's own credentials:
// every EMBEDDED channel has one. Access.Token is then the session in the
// connector's own words: cookies, and by what the bank knows our device.
type LoginConnector interface {
	Connector
	// Login makes a session, or asks a question first. It answers the question
	// of an earlier Login when login has that question's state and the answers.
	// It types the credentials anew, so that wrong ones are noticed; a device that
	// the bank knows is not asked again. A later call that fails with AccessLost
	// has lost the session, and Login makes another.
	Login(ctx context.Context, login Login) (LoginResult, error)
}

// Login is one attempt to get in, or its continuation after a question.
type Login struct {
	// Credentials are in clear, by the ids of their definitions.
	Credentials map[oxlin.CredentialID]oxlin.Secret
	// Access is the last session, or nothing: a device that the bank remembers
	// is not asked again.
	Access Access
	// PSU is the user while they are present. Without them nothing may be
	// triggered that reaches their phone: ChallengeNeeded comes instead.
	PSU *oxlin.PSU
	// State and Answers continue after a Question; both are empty at the start.
	State   oxlin.Secret
	Answers map[oxlin.CredentialID]oxlin.Secret
}

// LoginResult is a session, or a question.
type LoginResult struct {
	Access   Access
	Question *Question
}

// Question is a question of the bank to the user during a login (contract §4.10).
type Question struct {
	Challenges []oxlin.Challenge
	// State continues the login once the answers are there. It may hold cookies
	// and is sealed wherever it is stored.
	State oxlin.Secret
	// Timeout is how long the user has; zero leaves it to the platform.
	Timeout time.Duration
}
