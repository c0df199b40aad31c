package connect

import (
	"context"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// UserInput is the answer to the challenges of a channel (contract §3.6).
type UserInput struct {
	// Answers are by the challenges' ids; OK_CANCEL is "true" or "false".
	Answers map[oxlin.CredentialID]string
	// KeyID is the key of answers to challenges with encrypt.
	KeyID oxlin.KeyID
}

// Answer takes the user's answers to the question of a channel's synchronisation,
// which continues with them. A channel without a question is CodeConflict. The error
// names the challenge of a malformed answer.
func (c *Credentials) Answer(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID, input UserInput) error {
	err := caller.RequireAgreementOrWidget()
	if err != nil {
		return err
	}
	return c.changeConnection(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		channel, used := connection.Channel(definition)
		if !used {
			return oxlin.NotFound("channel")
		}
		question, err := c.engine.Question(ctx, tx, channel.ID)
		if err != nil {
			return err
		}
		err = c.checkAnswers(ctx, tx, caller, question.Challenges, input)
		if err != nil {
			return err
		}
		return c.engine.Answer(ctx, tx, question, input.Answers, input.KeyID)
	})
}

// checkAnswers refuses malformed answers, so that they cost no attempt at the bank. A
// cancel needs no other answer. If no answer belongs to a current challenge, the
// answers belong to the question before: a client that repeats them, because our
// first response was lost, must not learn that they were wrong.
func (c *Credentials) checkAnswers(ctx context.Context, tx *store.Tx, caller oxlin.Caller, challenges []oxlin.Challenge, input UserInput) error {
	asked := make(map[oxlin.CredentialID]oxlin.Challenge)
	cancelled := false
	for _, challenge := range challenges {
		asked[challenge.ID] = challenge
		if challenge.Type == oxlin.CredentialOKCancel && input.Answers[challenge.ID] == "false" {
			cancelled = true
		}
	}
	matching := 0
	for id := range input.Answers {
		if _, known := asked[id]; known {
			matching++
		}
	}
	if matching == 0 && len(input.Answers) > 0 {
		return oxlin.Errorf(oxlin.CodeConflict, "The channel asks another question now: see its last event.")
	}
	for id := range input.Answers {
		challenge, known := asked[id]
		if !known || challenge.Type.IsMessage() {
			return oxlin.Invalid("credentials."+string(id), "No challenge with this id waits for an answer.")
		}
	}
	if cancelled {
		return nil
	}
	for _, challenge := range challenges {
		err := c.checkAnswer(ctx, tx, caller, challenge, input)
		if err != nil {
			return err
		}
	}
	return nil
}

// checkAnswer refuses a missing or malformed answer to one challenge.
func (c *Credentials) checkAnswer(ctx context.Context, tx *store.Tx, caller oxlin.Caller, challenge oxlin.Challenge, input UserInput) error {
	value, given := input.Answers[challenge.ID]
	switch {
	case challenge.Type.IsMessage():
		return nil
	case !given:
		return oxlin.Invalid("credentials."+string(challenge.ID), "The answer to %q is missing.", challenge.Label)
	case challenge.Type == oxlin.CredentialOKCancel:
		if value != "true" {
			return oxlin.Invalid("credentials."+string(challenge.ID), `The answer is "true" for OK or "false" for cancel.`)
		}
		return nil
	}
	return c.checkValue(ctx, tx, caller, challenge.CredentialDefinition, value, input.KeyID)
}
