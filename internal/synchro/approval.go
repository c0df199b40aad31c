package synchro

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

const (
	// approvalTime is how long a user has to approve in an app, unless the bank sets another
	// limit.
	approvalTime = 5 * time.Minute
	// usualTick is the time until the bank is asked again.
	usualTick = 2 * time.Second
)

// The challenges that a wait has beside the bank's messages (contract §12.17). Nothing needs to
// be answered; a false cancels.
var (
	waitTimeout = oxlin.CredentialDefinition{
		ID: "approval_timeout", Type: oxlin.CredentialTimeout, Regexp: ".*", Label: "Il vous reste {timeout} pour valider dans l’application de votre banque.",
	}
	cancelWait = oxlin.CredentialDefinition{ID: "approval", Type: oxlin.CredentialOKCancel, Regexp: ".*", Label: "Continuer"}
)

// awaitApproval stores that the bank waits for an approval, and ends the job: the next one asks
// the bank again. The user sees the bank's messages as a question; its event is recorded once.
func (l entrance) awaitApproval(ctx context.Context, wait bank.Wait, input bank.Input) error {
	r := l.run
	if r.sync.PSU == nil {
		r.begun = wait.State
		return &bank.Failure{Kind: bank.ChallengeNeeded}
	}
	now := r.now()
	until := now.Add(approvalTime)
	known, err := r.db.Read().Question(ctx, r.sync.ID)
	if err != nil && !oxlin.IsNotFound(err) {
		return err
	}
	again := input.Event == bank.Ticked
	if again {
		until = known.ExpiresAt
	}
	if !wait.Until.IsZero() && wait.Until.Before(until) {
		until = wait.Until
	}
	challenges := known.Challenges
	if !again {
		left := oxlin.Challenge{CredentialDefinition: waitTimeout, Params: map[string]string{"timeout": strconv.Itoa(int(until.Sub(now).Seconds()))}}
		challenges = append(slices.Clone(wait.Show), left, oxlin.Challenge{CredentialDefinition: cancelWait})
	}
	err = r.write(ctx, func(tx *store.Tx) error {
		r.sync.State, r.sync.Attempts = oxlin.SyncWaiting, 0
		next := now.Add(cmp.Or(wait.After, usualTick))
		if next.After(until) {
			next = until
		}
		present, err := tx.Read().Question(ctx, r.sync.ID)
		if err == nil && present.Answers != nil && again {
			return r.handOver(ctx, tx, now) // the user has cancelled meanwhile
		}
		if err != nil && !oxlin.IsNotFound(err) {
			return err
		}
		err = r.handOver(ctx, tx, next)
		if err != nil {
			return err
		}
		err = l.saveQuestion(ctx, tx, challenges, oxlin.NewSecret(waitMark+wait.State.Reveal()), until)
		if err != nil || again {
			return err
		}
		err = store.LoginsOf(tx).End(ctx, r.channel.ID, r.sync.ID, store.LoginAccepted)
		if err != nil {
			return err
		}
		return r.engine.record(ctx, tx, r.channel, r.sync.Kind.UserInputEvent(), oxlin.EventPayload{Challenge: challenges})
	})
	if err != nil {
		return err
	}
	return errHandedOver
}
