package synchro

import (
	"context"
	"errors"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// A password is sent once, by no retry and after no crash a second time by itself: banks lock
// accounts after some wrong ones. A row records each sending before it happens, and what the
// bank answered afterwards. Where the outcome is not known, or the bank ends the session within
// the synchronisation, the user decides.

// The question after a password of which nobody knows whether it arrived. Only a true sends it
// again.
var (
	sentBefore = oxlin.CredentialDefinition{
		ID: "login_sent", Type: oxlin.CredentialInfo, Regexp: ".*",
		Label: "Votre mot de passe a été envoyé à votre banque, mais la connexion a été interrompue. Faut-il l’envoyer encore une fois ?",
	}
	sendAgain = oxlin.CredentialDefinition{ID: "login_again", Type: oxlin.CredentialOKCancel, Regexp: ".*", Label: "Envoyer encore une fois"}
)

// againMark begins the stored state of that question.
const againMark = "\x00again\x00"

// errAskAgain ends a step that would send the password a second time by itself.
var errAskAgain = errors.New("the password was sent before")

// submit records that secrets are about to be sent, or refuses to send them. agreed is set if the
// user has just agreed to send them again.
func (l entrance) submit(ctx context.Context, secrets bank.Secrets, agreed bool) error {
	r := l.run
	return r.write(ctx, func(tx *store.Tx) error {
		err := r.lasts(ctx, tx)
		if err != nil {
			return err
		}
		last, err := tx.Read().LoginSubmission(ctx, r.channel.ID)
		if err != nil && !oxlin.IsNotFound(err) {
			return err
		}
		known := err == nil
		switch {
		case !known, agreed:
		case last.Outcome == store.LoginAccepted && (last.Sync != r.sync.ID || secrets == bank.GivenSecrets):
		case last.Outcome == store.LoginRefused:
			return &bank.Failure{Kind: bank.CredentialsRejected, BankCode: "refused before"}
		case r.sync.PSU != nil:
			return errAskAgain
		case last.Outcome == store.LoginAccepted:
			// The next synchronisation types it, at its time.
			return &bank.Failure{Kind: bank.Refused, BankCode: "session lost again"}
		default:
			return &bank.Failure{Kind: bank.ChallengeNeeded, BankCode: "password sent before"}
		}
		if agreed {
			// The agreement counts once.
			err := tx.DeleteQuestion(ctx, r.sync.ID)
			if err != nil {
				return err
			}
		}
		return store.LoginsOf(tx).Submit(ctx, r.channel.ID, r.sync.ID, r.now())
	})
}

// outcomeOf returns what a failure says about the password that was sent before it: empty for
// nothing.
func outcomeOf(failure *bank.Failure) store.LoginOutcome {
	switch failure.Kind {
	case bank.CredentialsRejected, bank.Locked, bank.PasswordExpired:
		return store.LoginRefused
	case bank.ActionAtBank, bank.ChallengeNeeded, bank.ChallengeRejected, bank.ChallengeTimedOut, bank.ChallengeCancelled:
		return store.LoginAccepted
	}
	return ""
}

// noteOutcome records what a failed step says about its password, and returns the failure.
func (l entrance) noteOutcome(ctx context.Context, failure error) error {
	r := l.run
	outcome := outcomeOf(bank.AsFailure(failure))
	if outcome == "" {
		return failure
	}
	err := r.write(ctx, func(tx *store.Tx) error {
		return store.LoginsOf(tx).End(ctx, r.channel.ID, r.sync.ID, outcome)
	})
	if err != nil {
		return err
	}
	return failure
}

// askAgain asks the user whether to send the password once more, and ends the job.
func (l entrance) askAgain(ctx context.Context) error {
	return l.askUser(ctx, bank.Question{
		Challenges: []oxlin.Challenge{{CredentialDefinition: sentBefore}, {CredentialDefinition: sendAgain}},
		State:      oxlin.NewSecret(againMark), Timeout: 5 * time.Minute,
	})
}
