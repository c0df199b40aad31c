package synchro

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// answerTime is how long a user has to answer, unless the bank sets another limit.
const answerTime = 2 * time.Minute

// login opens a session with the user's credentials, once a synchronisation; later
// jobs continue in it. If the bank asks a question, login stores the question with its
// state and ends the job. The next job comes with the answer, or when the time to
// answer is over.
func (r *run) login(ctx context.Context, connector bank.LoginConnector, access bank.Access) (bank.Access, error) {
	if r.sync.Progress.Entered {
		return access, nil
	}
	attempt := bank.Login{Access: access, PSU: r.sync.PSU}
	var err error
	attempt.State, attempt.Answers, err = r.answered(ctx)
	if err != nil {
		return access, err
	}
	attempt.Credentials, err = r.credentials(ctx)
	if err != nil {
		return access, err
	}
	limited, cancel := context.WithTimeout(ctx, r.callTime())
	defer cancel()
	var result bank.LoginResult
	collected(limited, r, logsIn, 0, func(ctx context.Context) error {
		result, err = connector.Login(ctx, attempt)
		return err
	})
	if err != nil {
		return access, err
	}
	if result.Question != nil {
		return access, r.askUser(ctx, *result.Question)
	}
	return result.Access, r.write(ctx, func(tx *store.Tx) error {
		r.sync.Progress.Entered = true
		err := r.update(ctx, tx)
		if err != nil {
			return err
		}
		err = tx.DeleteQuestion(ctx, r.sync.ID)
		if err != nil {
			return err
		}
		return r.engine.SaveAccess(ctx, tx, r.channel.ID, result.Access)
	})
}

// answered returns the state and the answers of the run's question; both are empty if
// there is no question. Without an answer it ends the job, or fails after the time to
// answer.
func (r *run) answered(ctx context.Context) (oxlin.Secret, map[oxlin.CredentialID]oxlin.Secret, error) {
	question, err := r.db.Read().Question(ctx, r.sync.ID)
	if oxlin.IsNotFound(err) {
		return oxlin.Secret{}, nil, nil
	}
	if err != nil {
		return oxlin.Secret{}, nil, err
	}
	if question.Answers == nil {
		return oxlin.Secret{}, nil, r.wait(ctx, question.ExpiresAt)
	}
	state, err := r.vault.OpenSecret(question.State, questionPlace(r.sync.ID, stateColumn))
	if err != nil {
		return oxlin.Secret{}, nil, err
	}
	text, err := r.vault.Open(question.Answers, questionPlace(r.sync.ID, answersColumn))
	if err != nil {
		return oxlin.Secret{}, nil, err
	}
	var given map[oxlin.CredentialID]string
	err = json.Unmarshal(text, &given)
	if err != nil {
		return oxlin.Secret{}, nil, errors.New("the stored answers are not valid JSON")
	}
	answers := make(map[oxlin.CredentialID]oxlin.Secret)
	for _, challenge := range question.Challenges {
		value, ok := given[challenge.ID]
		if !ok {
			continue
		}
		answers[challenge.ID] = oxlin.NewSecret(value)
		if challenge.Encrypt && question.KeyID != 0 {
			answers[challenge.ID], err = r.engine.decrypt(ctx, question.KeyID, value, bank.ChallengeRejected)
			if err != nil {
				return oxlin.Secret{}, nil, err
			}
		}
	}
	return state, answers, nil
}

// waitInDoubt is the time between two jobs of a question whose end has come by a clock in doubt.
const waitInDoubt = 15 * time.Second

// questionOver reports whether the time to answer a question is over. While the clock is in doubt,
// it is not.
func questionOver(c *core, until time.Time) bool {
	return !c.now().Before(until) && c.clock.Believed()
}

// wait ends a job that came before the answer: it enqueues the job for the end of the
// time to answer again, or for now if the answer has come meanwhile.
func (r *run) wait(ctx context.Context, until time.Time) error {
	if questionOver(r.core, until) {
		return &bank.Failure{Kind: bank.ChallengeTimedOut}
	}
	err := r.write(ctx, func(tx *store.Tx) error {
		sync, err := tx.Read().Synchronisation(ctx, r.sync.ID)
		if err != nil {
			return err
		}
		if sync.State != oxlin.SyncWaiting {
			until = r.now()
		} else if later := r.now().Add(waitInDoubt); !r.clock.Believed() && until.Before(later) {
			until = later
		}
		return r.queue.EnqueueRun(ctx, tx, sync, until)
	})
	if err != nil {
		return err
	}
	return errHandedOver
}

// askUser stores a question, records its event, enqueues a job for the end of the time
// to answer, and ends this one.
func (r *run) askUser(ctx context.Context, question bank.Question) error {
	if r.sync.PSU == nil {
		return &bank.Failure{Kind: bank.ChallengeNeeded}
	}
	state, err := r.vault.SealSecret(question.State, questionPlace(r.sync.ID, stateColumn))
	if err != nil {
		return err
	}
	until := r.now().Add(answerTime)
	if question.Timeout > 0 {
		until = r.now().Add(question.Timeout)
	}
	err = r.write(ctx, func(tx *store.Tx) error {
		r.sync.State, r.sync.Attempts = oxlin.SyncWaiting, 0
		err := r.handOver(ctx, tx, until)
		if err != nil {
			return err
		}
		err = tx.SaveQuestion(ctx, r.sync.ID, store.Question{Challenges: question.Challenges, State: state, ExpiresAt: until})
		if err != nil {
			return err
		}
		return r.engine.record(ctx, tx, r.channel, r.sync.Kind.UserInputEvent(), oxlin.EventPayload{Challenge: question.Challenges})
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
	sync, err := tx.Read().LiveSynchronisation(ctx, id)
	if oxlin.IsNotFound(err) || err == nil && sync.State != oxlin.SyncWaiting {
		return Question{}, errNoQuestion
	}
	if err != nil {
		return Question{}, err
	}
	question, err := tx.Read().Question(ctx, sync.ID)
	if oxlin.IsNotFound(err) || err == nil && questionOver(e.core, question.ExpiresAt) {
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
