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
func (e *Engine) login(ctx context.Context, r *run, connector bank.LoginConnector, access bank.Access) (bank.Access, error) {
	if r.sync.Progress.Entered {
		return access, nil
	}
	attempt := bank.Login{Access: access, PSU: r.sync.PSU}
	var err error
	attempt.State, attempt.Answers, err = e.answered(ctx, r)
	if err != nil {
		return access, err
	}
	attempt.Credentials, err = e.credentials(ctx, r)
	if err != nil {
		return access, err
	}
	result, err := connector.Login(ctx, attempt)
	if err != nil {
		return access, err
	}
	if result.Question != nil {
		return access, e.askUser(ctx, r, *result.Question)
	}
	return result.Access, e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		r.sync.Progress.Entered = true
		err := tx.UpdateSynchronisation(ctx, r.sync)
		if err != nil {
			return err
		}
		err = tx.DeleteQuestion(ctx, r.sync.ID)
		if err != nil {
			return err
		}
		return e.SaveAccess(ctx, tx, r.channel.ID, result.Access)
	})
}

// answered gives the state and the answers of the question that the run has
// asked; both are empty if it has asked none. A run that still waits goes no
// further, until the time to answer is over.
func (e *Engine) answered(ctx context.Context, r *run) (oxlin.Secret, map[oxlin.CredentialID]oxlin.Secret, error) {
	question, err := e.db.Read().Question(ctx, r.sync.ID)
	if oxlin.IsNotFound(err) {
		return oxlin.Secret{}, nil, nil
	}
	if err != nil {
		return oxlin.Secret{}, nil, err
	}
	if question.Answers == nil {
		return oxlin.Secret{}, nil, e.wait(ctx, r, question.ExpiresAt)
	}
	state, err := e.vault.OpenSecret(question.State, questionPlace(r.sync.ID, stateColumn))
	if err != nil {
		return oxlin.Secret{}, nil, err
	}
	text, err := e.vault.Open(question.Answers, questionPlace(r.sync.ID, answersColumn))
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
			answers[challenge.ID], err = e.decrypt(ctx, question.KeyID, value, bank.ChallengeRejected)
			if err != nil {
				return oxlin.Secret{}, nil, err
			}
		}
	}
	return state, answers, nil
}

// wait goes no further before the answer, or the end of the time to answer. A job
// that came too early makes the appointment again, unless the answer was quicker.
func (e *Engine) wait(ctx context.Context, r *run, until time.Time) error {
	if !e.now().Before(until) {
		return &bank.Failure{Kind: bank.ChallengeTimedOut}
	}
	err := e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		sync, err := tx.Synchronisation(ctx, r.sync.ID)
		if err != nil {
			return err
		}
		if sync.State != oxlin.SyncWaiting {
			until = e.now()
		}
		return e.queue.EnqueueRun(ctx, tx, sync, until)
	})
	if err != nil {
		return err
	}
	return errHandedOver
}

// askUser stores a question, tells its event, and makes an appointment for the
// end of the time to answer. With that the job is over.
func (e *Engine) askUser(ctx context.Context, r *run, question bank.Question) error {
	if r.sync.PSU == nil {
		return &bank.Failure{Kind: bank.ChallengeNeeded}
	}
	state, err := e.vault.SealSecret(question.State, questionPlace(r.sync.ID, stateColumn))
	if err != nil {
		return err
	}
	until := e.now().Add(answerTime)
	if question.Timeout > 0 {
		until = e.now().Add(question.Timeout)
	}
	err = e.db.WriteFor(ctx, r.connection.UserID, func(tx *store.Tx) error {
		r.sync.State, r.sync.Attempts = oxlin.SyncWaiting, 0
		err := e.handOver(ctx, tx, r, until)
		if err != nil {
			return err
		}
		err = tx.SaveQuestion(ctx, r.sync.ID, store.Question{Challenges: question.Challenges, State: state, ExpiresAt: until})
		if err != nil {
			return err
		}
		return e.record(ctx, tx, r.channel, r.sync.Kind.UserInputEvent(), oxlin.EventPayload{Challenge: question.Challenges})
	})
	if err != nil {
		return err
	}
	return errHandedOver
}

// Question is the question of a synchronisation that waits for the user's answer.
type Question struct {
	Challenges []oxlin.Challenge
	sync       oxlin.Synchronisation
}

// errNoQuestion is the answer to a channel that asks nothing.
var errNoQuestion = oxlin.Errorf(oxlin.CodeConflict, "The channel does not wait for an answer.")

// Question returns the question of a channel. A channel without a question, or whose
// user answered too late, is CodeConflict.
func (e *Engine) Question(ctx context.Context, tx *store.Tx, id oxlin.ChannelID) (Question, error) {
	sync, err := tx.LiveSynchronisation(ctx, id)
	if oxlin.IsNotFound(err) || err == nil && sync.State != oxlin.SyncWaiting {
		return Question{}, errNoQuestion
	}
	if err != nil {
		return Question{}, err
	}
	question, err := tx.Question(ctx, sync.ID)
	if oxlin.IsNotFound(err) || err == nil && !e.now().Before(question.ExpiresAt) {
		return Question{}, errNoQuestion // the next job reports the timeout
	}
	return Question{question.Challenges, sync}, err
}

// Answer stores the answers to a question and lets its synchronisation continue.
// keyID is the key of the encrypted answers. A question that was answered meanwhile
// is CodeConflict.
func (e *Engine) Answer(ctx context.Context, tx *store.Tx, question Question, answers map[oxlin.CredentialID]string, keyID oxlin.KeyID) error {
	sync := question.sync
	text, err := json.Marshal(answers)
	if err != nil {
		return err
	}
	sealed, err := e.vault.Seal(text, questionPlace(sync.ID, answersColumn))
	if err != nil {
		return err
	}
	taken, err := tx.AnswerQuestion(ctx, sync.ID, sealed, keyID)
	if err != nil {
		return err
	}
	if !taken {
		return errNoQuestion
	}
	sync.State = oxlin.SyncRunning
	err = tx.UpdateSynchronisation(ctx, sync)
	if err != nil {
		return err
	}
	return e.queue.EnqueueRun(ctx, tx, sync, e.now())
}
