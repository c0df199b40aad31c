package synchro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// answerTime is how long a user has to answer, unless the bank sets another limit.
const answerTime = 2 * time.Minute

// entrance is the part of a run that logs in with the user's credentials.
type entrance struct{ run *run }

// login takes the user's way in with their credentials, once a synchronisation; later
// jobs continue in its session. If the bank asks a question, login stores the question with
// its state and ends the job. The next job comes with the answer, or when the time to answer is
// over; if the bank waits for an approval, it comes when the bank is to be asked again.
func (l entrance) login(ctx context.Context, access bank.Access) (bank.Access, error) {
	r := l.run
	if r.sync.Progress.Entered {
		return access, nil
	}
	connector, ok := r.connector.(bank.Continuer)
	if !ok {
		return access, fmt.Errorf("the connector of %s/%s has no way in", r.connection.ProviderID, r.channel.DefinitionID)
	}
	input, agreed, err := l.loginInput(ctx)
	if err != nil {
		return access, err
	}
	input.Journey.Access, input.PSU = access, r.sync.PSU
	input.Journey.Credentials, err = r.credentials(ctx)
	if err != nil {
		return access, err
	}
	input.Store = func(ctx context.Context, state oxlin.Secret) error {
		r.begun = state
		return r.write(ctx, func(tx *store.Tx) error {
			return l.saveQuestion(ctx, tx, nil, oxlin.NewSecret(keptMark+state.Reveal()), r.now().Add(answerTime))
		})
	}
	submitted := false
	input.Record = func(ctx context.Context, secrets bank.Secrets) error {
		err := l.submit(ctx, secrets, agreed && !submitted)
		submitted = submitted || err == nil
		return err
	}
	limited, cancel := context.WithTimeout(ctx, r.callTime())
	defer cancel()
	var step bank.Step
	collected(limited, r, logsIn, 0, func(ctx context.Context) error {
		step, err = connector.Continue(ctx, input)
		return err
	})
	switch {
	case errors.Is(err, errAskAgain):
		return access, l.askAgain(ctx)
	case err != nil && submitted:
		return access, l.noteOutcome(ctx, err)
	case err != nil:
		return access, err
	}
	switch step := step.(type) {
	case bank.Question:
		return access, l.askUser(ctx, step)
	case bank.Wait:
		return access, l.awaitApproval(ctx, step, input)
	case bank.Access:
		r.begun = oxlin.Secret{}
		return step, l.enter(ctx, step)
	}
	return access, &bank.Failure{Kind: bank.Nonsense, Err: fmt.Errorf("a login with credentials leads to a %T", step)}
}

// enter stores the access of a login.
func (l entrance) enter(ctx context.Context, access bank.Access) error {
	r := l.run
	return r.write(ctx, func(tx *store.Tx) error {
		r.sync.Progress.Entered, r.sync.State = true, oxlin.SyncRunning
		err := r.update(ctx, tx)
		if err != nil {
			return err
		}
		err = store.LoginsOf(tx).End(ctx, r.channel.ID, r.sync.ID, store.LoginAccepted)
		if err != nil {
			return err
		}
		err = tx.DeleteQuestion(ctx, r.sync.ID)
		if err != nil {
			return err
		}
		return r.engine.SaveAccess(ctx, tx, r.channel.ID, access)
	})
}

// The marks begin the stored state of a wait, and of a state that was kept before a request whose
// step has not ended.
const (
	waitMark = "\x00wait\x00"
	keptMark = "\x00kept\x00"
)

// loginInput returns what has happened since the last step of a login: nothing, an answer, or
// that a wait is over. Without an answer it ends the job, or fails after the time to answer. agreed
// reports whether the answer agrees to send the password once more.
func (l entrance) loginInput(ctx context.Context) (input bank.Input, agreed bool, err error) {
	r := l.run
	begun := bank.Input{Event: bank.Begun}
	question, err := r.db.Read().Question(ctx, r.sync.ID)
	if oxlin.IsNotFound(err) {
		return begun, false, nil
	}
	if err != nil {
		return bank.Input{}, false, err
	}
	state, err := r.vault.OpenSecret(question.State, questionPlace(r.sync.ID, stateColumn))
	if err != nil {
		return bank.Input{}, false, err
	}
	if kept, is := strings.CutPrefix(state.Reveal(), keptMark); is {
		return begun, false, l.forgetBegun(ctx, oxlin.NewSecret(kept))
	}
	if state.Reveal() != againMark {
		input, err = l.answeredInput(ctx, question, state)
		return input, false, err
	}
	if question.Answers == nil {
		return begun, false, l.wait(ctx, question.ExpiresAt)
	}
	answers, err := l.answers(ctx, question)
	if err == nil && answers[sendAgain.ID].Reveal() != "true" {
		err = &bank.Failure{Kind: bank.ChallengeCancelled}
	}
	return begun, true, err
}

// answeredInput returns the input of a login that waits at the bank's question, or for its bank.
func (l entrance) answeredInput(ctx context.Context, question store.Question, state oxlin.Secret) (bank.Input, error) {
	r := l.run
	text, waits := strings.CutPrefix(state.Reveal(), waitMark)
	r.begun = oxlin.NewSecret(text)
	input := bank.Input{State: r.begun}
	switch {
	case waits && question.Answers == nil && questionOver(r.core, question.ExpiresAt):
		return input, &bank.Failure{Kind: bank.ChallengeTimedOut}
	case waits && question.Answers == nil:
		input.Event = bank.Ticked
		return input, nil
	case question.Answers == nil:
		return input, l.wait(ctx, question.ExpiresAt)
	}
	var err error
	input.Answers, err = l.answers(ctx, question)
	input.Event = bank.Answered
	if err == nil && waits {
		input.Event = bank.Ticked
		if input.Answers[cancelWait.ID].Reveal() == "false" {
			err = &bank.Failure{Kind: bank.ChallengeCancelled}
		}
	}
	return input, err
}

// forgetBegun has the bank delete the begun parts of a step that did not end.
func (l entrance) forgetBegun(ctx context.Context, state oxlin.Secret) error {
	r := l.run
	return r.write(ctx, func(tx *store.Tx) error {
		err := tx.DeleteQuestion(ctx, r.sync.ID)
		if err != nil {
			return err
		}
		return DiscardBegun(ctx, r.engine, tx, r.connection.ProviderID, r.channel.DefinitionID, state)
	})
}

// answers opens the answers to a question.
func (l entrance) answers(ctx context.Context, question store.Question) (map[oxlin.CredentialID]oxlin.Secret, error) {
	r := l.run
	text, err := r.vault.Open(question.Answers, questionPlace(r.sync.ID, answersColumn))
	if err != nil {
		return nil, err
	}
	var given map[oxlin.CredentialID]string
	err = json.Unmarshal(text, &given)
	if err != nil {
		return nil, errors.New("the stored answers are not valid JSON")
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
				return nil, err
			}
		}
	}
	return answers, nil
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
func (l entrance) wait(ctx context.Context, until time.Time) error {
	r := l.run
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
func (l entrance) askUser(ctx context.Context, question bank.Question) error {
	r := l.run
	if r.sync.PSU == nil {
		return &bank.Failure{Kind: bank.ChallengeNeeded}
	}
	until := r.now().Add(answerTime)
	if question.Timeout > 0 {
		until = r.now().Add(question.Timeout)
	}
	err := r.write(ctx, func(tx *store.Tx) error {
		r.sync.State, r.sync.Attempts = oxlin.SyncWaiting, 0
		err := r.handOver(ctx, tx, until)
		if err != nil {
			return err
		}
		err = l.saveQuestion(ctx, tx, question.Challenges, question.State, until)
		if err != nil {
			return err
		}
		if question.State.Reveal() != againMark {
			err = store.LoginsOf(tx).End(ctx, r.channel.ID, r.sync.ID, store.LoginAccepted)
			if err != nil {
				return err
			}
		}
		return r.engine.record(ctx, tx, r.channel, r.sync.Kind.UserInputEvent(), oxlin.EventPayload{Challenge: question.Challenges})
	})
	if err != nil {
		return err
	}
	return errHandedOver
}

// saveQuestion seals and stores a question.
func (l entrance) saveQuestion(ctx context.Context, tx *store.Tx, challenges []oxlin.Challenge, state oxlin.Secret, until time.Time) error {
	r := l.run
	sealed, err := r.vault.SealSecret(state, questionPlace(r.sync.ID, stateColumn))
	if err != nil {
		return err
	}
	return tx.SaveQuestion(ctx, r.sync.ID, store.Question{Challenges: challenges, State: sealed, ExpiresAt: until})
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
