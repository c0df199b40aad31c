package synchro

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/bank"
	"github.com/oxlin/oxlin/store"
)

// answerTime is how long a user has to answer, unless the bank says otherwise.
const answerTime = 2 * time.Minute

// login gets a session at a bank that is reached with the user's credentials:
// once for a synchronisation, whose later jobs go on in it. If the bank asks a
// question, the question and where to go on are stored, the job ends, and nothing
// waits: the answer brings the next job, and so does the end of the time to answer.
func (s *Service) login(ctx context.Context, r *run, connector bank.LoginConnector, access bank.Access) (bank.Access, error) {
	if r.sync.Progress.Entered {
		return access, nil
	}
	attempt := bank.Login{Access: access, PSU: r.sync.PSU}
	var err error
	attempt.State, attempt.Answers, err = s.answered(ctx, r)
	if err != nil {
		return access, err
	}
	attempt.Credentials, err = s.credentials(ctx, r)
	if err != nil {
		return access, err
	}
	result, err := connector.Login(ctx, attempt)
	if err != nil {
		return access, err
	}
	if result.Question != nil {
		return access, s.askUser(ctx, r, *result.Question)
	}
	return result.Access, s.DB.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		r.sync.Progress.Entered = true
		err := tx.UpdateSynchronisation(ctx, r.sync)
		if err != nil {
			return err
		}
		err = tx.DeleteQuestion(ctx, r.sync.ID)
		if err != nil {
			return err
		}
		return s.saveAccess(ctx, tx, r.channel.ID, result.Access)
	})
}

// answered gives the state and the answers of the question that the run has
// asked; both are empty if it has asked none. A run that still waits goes no
// further, until the time to answer is over.
func (s *Service) answered(ctx context.Context, r *run) (oxlin.Secret, map[oxlin.CredentialID]oxlin.Secret, error) {
	question, err := s.DB.Read().Question(ctx, r.sync.ID)
	if oxlin.IsNotFound(err) {
		return oxlin.Secret{}, nil, nil
	}
	if err != nil {
		return oxlin.Secret{}, nil, err
	}
	if question.Answers == nil {
		return oxlin.Secret{}, nil, s.wait(ctx, r, question.ExpiresAt)
	}
	state, err := s.Vault.OpenSecret(question.State, questionPlace(r.sync.ID, stateColumn))
	if err != nil {
		return oxlin.Secret{}, nil, err
	}
	text, err := s.Vault.Open(question.Answers, questionPlace(r.sync.ID, answersColumn))
	if err != nil {
		return oxlin.Secret{}, nil, err
	}
	var given map[oxlin.CredentialID]string
	err = json.Unmarshal(text, &given)
	if err != nil {
		return oxlin.Secret{}, nil, fmt.Errorf("stored answers are not readable")
	}
	answers := make(map[oxlin.CredentialID]oxlin.Secret)
	for _, challenge := range question.Challenges {
		value, ok := given[challenge.ID]
		if !ok {
			continue
		}
		answers[challenge.ID] = oxlin.NewSecret(value)
		if challenge.Encrypt && question.KeyID != 0 {
			answers[challenge.ID], err = s.decrypt(ctx, question.KeyID, value, bank.ChallengeRejected)
			if err != nil {
				return oxlin.Secret{}, nil, err
			}
		}
	}
	return state, answers, nil
}

// wait goes no further before the answer, or the end of the time to answer. A job
// that came too early makes the appointment again, unless the answer was quicker.
func (s *Service) wait(ctx context.Context, r *run, until time.Time) error {
	if !s.Now().Before(until) {
		return &bank.Failure{Kind: bank.ChallengeTimedOut}
	}
	err := s.DB.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		sync, err := tx.Synchronisation(ctx, r.sync.ID)
		if err != nil {
			return err
		}
		if sync.State != oxlin.SyncWaiting {
			until = s.Now()
		}
		return s.Queue.EnqueueRun(ctx, tx, sync, until)
	})
	if err != nil {
		return err
	}
	return errHandedOver
}

// askUser stores a question, tells its event, and makes an appointment for the
// end of the time to answer. With that the job is over.
func (s *Service) askUser(ctx context.Context, r *run, question bank.Question) error {
	if r.sync.PSU == nil {
		return &bank.Failure{Kind: bank.ChallengeNeeded}
	}
	state, err := s.Vault.SealSecret(question.State, questionPlace(r.sync.ID, stateColumn))
	if err != nil {
		return err
	}
	until := s.Now().Add(answerTime)
	if question.Timeout > 0 {
		until = s.Now().Add(question.Timeout)
	}
	err = s.DB.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		r.sync.State, r.sync.Attempts = oxlin.SyncWaiting, 0
		err := s.handOver(ctx, tx, r, until)
		if err != nil {
			return err
		}
		err = tx.SaveQuestion(ctx, r.sync.ID, store.Question{Challenges: question.Challenges, State: state, ExpiresAt: until})
		if err != nil {
			return err
		}
		return s.record(ctx, tx, r.channel, r.sync.Kind.UserInputEvent(), oxlin.EventPayload{Challenge: question.Challenges})
	})
	if err != nil {
		return err
	}
	return errHandedOver
}

// UserInput is the answer to the challenges of a channel (contract §3.6).
type UserInput struct {
	// Answers are by the challenges' ids; OK_CANCEL is "true" or "false".
	Answers map[oxlin.CredentialID]string
	// KeyID is the key for which answers to challenges with encrypt are encrypted.
	KeyID oxlin.KeyID
}

// Answer takes the user's answers to the question of a channel's
// synchronisation, which goes on with them. A channel that asks nothing is
// CodeConflict; an answer that cannot be right names its challenge.
func (s *Service) Answer(ctx context.Context, caller oxlin.Caller, id oxlin.ConnectionID, definition oxlin.ChannelDefinitionID, input UserInput) error {
	err := requireManaging(caller)
	if err != nil {
		return err
	}
	return s.change(ctx, caller, id, func(tx *store.Tx, connection oxlin.Connection) error {
		channel, used := connection.Channel(definition)
		if !used {
			return oxlin.NotFound("channel")
		}
		return s.answer(ctx, tx, caller, channel, input)
	})
}

func (s *Service) answer(ctx context.Context, tx *store.Tx, caller oxlin.Caller, channel oxlin.Channel, input UserInput) error {
	nothing := oxlin.Errorf(oxlin.CodeConflict, "The channel waits for no answer.")
	sync, err := tx.LiveSynchronisation(ctx, channel.ID)
	if oxlin.IsNotFound(err) || err == nil && sync.State != oxlin.SyncWaiting {
		return nothing
	}
	if err != nil {
		return err
	}
	question, err := tx.Question(ctx, sync.ID)
	if oxlin.IsNotFound(err) || err == nil && !s.Now().Before(question.ExpiresAt) {
		return nothing // the end of the time is about to be told
	}
	if err != nil {
		return err
	}
	err = s.checkAnswers(ctx, tx, caller, question.Challenges, input)
	if err != nil {
		return err
	}
	text, err := json.Marshal(input.Answers)
	if err != nil {
		return err
	}
	sealed, err := s.Vault.Seal(text, questionPlace(sync.ID, answersColumn))
	if err != nil {
		return err
	}
	taken, err := tx.AnswerQuestion(ctx, sync.ID, sealed, input.KeyID)
	if err != nil {
		return err
	}
	if !taken {
		return nothing
	}
	sync.State = oxlin.SyncRunning
	err = tx.UpdateSynchronisation(ctx, sync)
	if err != nil {
		return err
	}
	return s.Queue.EnqueueRun(ctx, tx, sync, s.Now())
}

// checkAnswers refuses answers that cannot be right, so that they cost no attempt
// at the bank. A cancel needs no other answer. Answers of which none is asked for
// belong to the question before: who sends them again, because the first answer of
// ours was lost, must not hear that they were wrong.
func (s *Service) checkAnswers(ctx context.Context, tx *store.Tx, caller oxlin.Caller, challenges []oxlin.Challenge, input UserInput) error {
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
		return oxlin.Errorf(oxlin.CodeConflict, "The channel asks something else by now: see its last event.")
	}
	for id := range input.Answers {
		challenge, known := asked[id]
		if !known || challenge.Type.IsMessage() {
			return oxlin.Invalid("credentials."+string(id), "This is no challenge that waits for an answer.")
		}
	}
	if cancelled {
		return nil
	}
	for _, challenge := range challenges {
		value, given := input.Answers[challenge.ID]
		switch {
		case challenge.Type.IsMessage():
		case !given:
			return oxlin.Invalid("credentials."+string(challenge.ID), "The answer to %q is missing.", challenge.Label)
		case challenge.Type == oxlin.CredentialOKCancel:
			if value != "true" {
				return oxlin.Invalid("credentials."+string(challenge.ID), `The answer is "true" for OK or "false" for cancel.`)
			}
		default:
			err := s.checkValue(ctx, tx, caller, challenge.CredentialDefinition, value, input.KeyID)
			if err != nil {
				return err
			}
		}
	}
	return nil
}
