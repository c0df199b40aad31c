package operator

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web/passkey"
)

// ErrCounter is wrapped by the refusal of a passkey whose counter went back: somebody may have
// a copy of it.
var ErrCounter = errors.New("the counter of the passkey went back")

// AskPasskey makes a challenge for a session, in the place of the one before, for a passkey
// of its operator. Without a passkey for the party, the question is zero.
func (o *Operators) AskPasskey(ctx context.Context, session store.OperatorSession, party passkey.Party) (passkey.Ask, error) {
	return o.ask(ctx, session, party, false)
}

// AskNewPasskey is AskPasskey for a new passkey.
func (o *Operators) AskNewPasskey(ctx context.Context, session store.OperatorSession, party passkey.Party) (passkey.Ask, error) {
	return o.ask(ctx, session, party, true)
}

func (o *Operators) ask(ctx context.Context, session store.OperatorSession, party passkey.Party, fresh bool) (passkey.Ask, error) {
	keys, err := o.read().Passkeys(ctx, session.Operator.ID)
	if err != nil {
		return passkey.Ask{}, err
	}
	ask := passkey.Ask{
		Party: party, Site: "Oxlin console", Name: session.Operator.Name, User: passkey.Text([]byte(strconv.FormatInt(session.Operator.ID, 10))),
	}
	for _, key := range keys {
		if key.Party == party.ID {
			ask.IDs = append(ask.IDs, key.ID)
		}
	}
	if !fresh && len(ask.IDs) == 0 {
		return passkey.Ask{}, nil
	}
	ask.Challenge, err = passkey.NewChallenge(o.options.Rand)
	if err != nil {
		return passkey.Ask{}, err
	}
	return ask, o.options.DB.Write(ctx, func(tx *store.Tx) error {
		return store.OperatorsOf(tx).Challenge(ctx, session.Hash, ask.Challenge, o.options.Now().Add(passkey.ChallengeLife))
	})
}

// useChallenge returns the challenge of a session, which ends with it. The error is not-found
// without one.
func (o *Operators) useChallenge(ctx context.Context, session store.OperatorSession) ([]byte, error) {
	used := false
	err := o.options.DB.Write(ctx, func(tx *store.Tx) (err error) {
		used, err = store.OperatorsOf(tx).UseChallenge(ctx, session.Hash, session.Challenge, o.options.Now())
		return err
	})
	if err == nil && !used {
		err = oxlin.NotFound("challenge")
	}
	if err != nil {
		return nil, err
	}
	return base64.RawURLEncoding.DecodeString(session.Challenge)
}

// Passkeys lists the passkeys of an operator.
func (o *Operators) Passkeys(ctx context.Context, found store.Operator) ([]store.Passkey, error) {
	return o.read().Passkeys(ctx, found.ID)
}

// AddPasskey registers a passkey of a session's operator by the browser's answer. The error is
// CodeInvalidRequest with its Field for an answer or a name that is refused. An authenticator
// app comes first: it is the way without a script, and when the device is lost.
func (o *Operators) AddPasskey(ctx context.Context, session store.OperatorSession, party passkey.Party, name, answer string) error {
	name, named := passkey.Name(name)
	switch {
	case session.Operator.TOTPKey == nil:
		return oxlin.Invalid("passkey", "Set up an authenticator app first.")
	case !named:
		return oxlin.Invalid("passkey_name", "A name has 1 to 60 characters in one line.")
	}
	challenge, err := o.useChallenge(ctx, session)
	if oxlin.IsNotFound(err) {
		return oxlin.Invalid("passkey", "The page was open for too long. Try again.")
	}
	if err != nil {
		return err
	}
	registration, err := passkey.ReadRegistration(answer)
	var key passkey.Key
	if err == nil {
		key, err = party.Register(challenge, registration)
	}
	if err != nil {
		return oxlin.Invalid("passkey", "The passkey is refused: %v.", err)
	}
	added := store.Passkey{
		ID: passkey.Text(registration.ID), OperatorID: session.Operator.ID, Name: name, Party: party.ID,
		PublicKey: key.PublicKey, SignCount: int64(key.Count), CreatedAt: o.options.Now(),
	}
	err = o.options.DB.Write(ctx, func(tx *store.Tx) error {
		known, err := store.OperatorsIn(tx.Read()).Passkeys(ctx, session.Operator.ID)
		if err == nil && len(known) >= passkey.Most {
			err = oxlin.Invalid("passkey", "There are %d passkeys: remove one first.", passkey.Most)
		}
		if err == nil {
			err = store.OperatorsOf(tx).InsertPasskey(ctx, added)
		}
		if err != nil {
			return err
		}
		return o.recordOwn(ctx, tx, session, "passkey-added")
	})
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeConflict {
		return oxlin.Invalid("passkey", "%s", oxlin.AsError(err).Message)
	}
	return err
}

// RemovePasskey removes a passkey of a session's operator, and ends the other sessions. Without
// such a passkey, it changes nothing.
func (o *Operators) RemovePasskey(ctx context.Context, session store.OperatorSession, id string) error {
	return o.options.DB.Write(ctx, func(tx *store.Tx) error {
		removed, err := store.OperatorsOf(tx).DropPasskey(ctx, session.Operator.ID, id)
		if err != nil || !removed {
			return err
		}
		err = store.OperatorsOf(tx).DropSessions(ctx, session.Operator.ID, session.Hash)
		if err != nil {
			return err
		}
		return o.recordOwn(ctx, tx, session, "passkey-removed")
	})
}

// FinishByPasskey is Finish with a passkey in the place of a code.
func (o *Operators) FinishByPasskey(ctx context.Context, session store.OperatorSession, party passkey.Party, answer string) (oxlin.Secret, store.OperatorSession, error) {
	token, complete, _, err := o.finish(ctx, session, func() ([]oxlin.Secret, error) {
		return nil, o.checkPasskey(ctx, session, party, answer)
	})
	return token, complete, err
}

// ConfirmByPasskey is Confirm with a passkey in the place of a code.
func (o *Operators) ConfirmByPasskey(ctx context.Context, session store.OperatorSession, party passkey.Party, password oxlin.Secret, answer string) error {
	return o.confirm(ctx, session, password, func() error { return o.checkPasskey(ctx, session, party, answer) })
}

// checkPasskey verifies the answer of a passkey to the challenge of a session. The error is
// not-found for a wrong one, which wraps ErrCounter if the counter went back.
func (o *Operators) checkPasskey(ctx context.Context, session store.OperatorSession, party passkey.Party, answer string) error {
	if session.Operator.TOTPKey == nil {
		return oxlin.NotFound("passkey")
	}
	counterWentBack := false
	right, err := o.devices.Check(ctx, factorTry(session.Operator), func(vault.Asker) (bool, error) {
		challenge, err := o.useChallenge(ctx, session)
		if oxlin.IsNotFound(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		key, count, ok, err := o.verifyPasskey(ctx, session.Operator, party, challenge, answer)
		if err != nil || !ok {
			return false, err
		}
		used := false
		err = o.options.DB.Write(ctx, func(tx *store.Tx) (err error) {
			used, err = store.OperatorsOf(tx).UsePasskey(ctx, key, count, o.options.Now())
			return err
		})
		counterWentBack = err == nil && !used
		return used, err
	})
	switch {
	case err != nil || right:
		return err
	case counterWentBack:
		return errors.Join(oxlin.NotFound("passkey"), ErrCounter)
	}
	return oxlin.NotFound("passkey")
}

// verifyPasskey finds the passkey of an answer, and returns its new counter if the answer is right.
func (o *Operators) verifyPasskey(ctx context.Context, found store.Operator, party passkey.Party, challenge []byte, answer string) (store.Passkey, int64, bool, error) {
	keys, err := o.read().Passkeys(ctx, found.ID)
	if err != nil {
		return store.Passkey{}, 0, false, err
	}
	assertion, err := passkey.ReadAssertion(answer)
	if err != nil {
		return store.Passkey{}, 0, false, nil
	}
	id := passkey.Text(assertion.ID)
	i := slices.IndexFunc(keys, func(key store.Passkey) bool { return key.ID == id && key.Party == party.ID })
	if i < 0 {
		return store.Passkey{}, 0, false, nil
	}
	count, err := party.Verify(challenge, passkey.Key{PublicKey: keys[i].PublicKey}, assertion)
	return keys[i], int64(count), err == nil, nil
}
