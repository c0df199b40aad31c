package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

const (
	recoveryCodes = 10
	// recoveryBytes are the random bytes of a code: ASVS asks for 112 bits.
	recoveryBytes = 15
)

func keyPlace(found store.Operator) vault.Place {
	return vault.Place{Table: "operators", Column: "totp_key", Row: strconv.FormatInt(found.ID, 10)}
}

func enrolPlace(s store.OperatorSession) vault.Place {
	return vault.Place{Table: "operator_sessions", Column: "enrolling", Row: fmt.Sprintf("%x", s.Hash)}
}

// Finish replaces a session that waits for the second factor with a complete one. Without a
// second factor yet, the code has to be one of the enrolment, and the recovery codes of the
// new factor are returned. The error is not-found for a wrong code; after too many of them the
// session ends.
func (o *Operators) Finish(ctx context.Context, session store.OperatorSession, code string) (oxlin.Secret, store.OperatorSession, []oxlin.Secret, error) {
	return o.finish(ctx, session, func() ([]oxlin.Secret, error) {
		if session.Operator.TOTPKey == nil {
			return o.FinishEnrolment(ctx, session, code)
		}
		return nil, o.checkFactor(ctx, session.Operator, code)
	})
}

// finish is Finish with any check of the second factor, which returns new recovery codes.
func (o *Operators) finish(
	ctx context.Context, session store.OperatorSession, check func() ([]oxlin.Secret, error),
) (oxlin.Secret, store.OperatorSession, []oxlin.Secret, error) {
	none := func(err error) (oxlin.Secret, store.OperatorSession, []oxlin.Secret, error) {
		return oxlin.Secret{}, store.OperatorSession{}, nil, err
	}
	may := false
	err := o.options.DB.Write(ctx, func(tx *store.Tx) (err error) {
		may, err = store.OperatorsOf(tx).TrySession(ctx, session.Hash, mostTries)
		if err == nil && !may {
			_, err = store.OperatorsOf(tx).DropSession(ctx, session.Hash)
		}
		return err
	})
	if err == nil && !may {
		err = oxlin.NotFound("session")
	}
	if err != nil {
		return none(err)
	}
	codes, err := check()
	if err != nil {
		return none(err)
	}
	token, complete, err := o.begin(ctx, session.Operator, true, func(tx *store.Tx) error {
		there, err := store.OperatorsOf(tx).DropSession(ctx, session.Hash)
		if err == nil && !there {
			err = oxlin.NotFound("session")
		}
		return err
	})
	if err != nil {
		return none(err)
	}
	return token, complete, codes, nil
}

// ErrReplay is wrapped by the refusal of a code that was used before, or is older than one that was:
// somebody may have seen it.
var ErrReplay = errors.New("the code was given again")

// checkFactor compares a code of the second factor, or a recovery code. Each counts once. The
// error is not-found for a wrong one, which wraps ErrReplay for a code that was used, and
// CodeTooManyRequests after too many of one operator.
func (o *Operators) checkFactor(ctx context.Context, found store.Operator, code string) error {
	key, err := o.options.Vault.Open(found.TOTPKey, keyPlace(found))
	if err != nil {
		return err
	}
	code = trimCode(code)
	hashes, err := o.options.Vault.MACs(codeText(found, code))
	if err != nil {
		return err
	}
	replayed := false
	right, err := o.devices.Check(ctx, factorTry(found), func(vault.Asker) (right bool, err error) {
		step, fits := findStep(key, code, o.options.Now())
		err = o.options.DB.Write(ctx, func(tx *store.Tx) error {
			if fits {
				right, err = store.OperatorsOf(tx).UseStep(ctx, found.ID, step)
				replayed = err == nil && !right
				if replayed {
					err = store.OperatorsOf(tx).NoteReplay(ctx, found.ID, o.options.Now(), audit.OriginOf(ctx).Source)
				}
			} else {
				for i := 0; i < len(hashes) && err == nil && !right; i++ {
					right, err = store.OperatorsOf(tx).UseRecoveryCode(ctx, found.ID, hashes[i])
				}
			}
			return err
		})
		return right, err
	})
	if err == nil && !right {
		refused := oxlin.NotFound("code")
		if replayed {
			refused.Err = ErrReplay
		}
		err = refused
	}
	return err
}

// codeText returns the text that the keyed hash of a recovery code covers.
func codeText(found store.Operator, code string) []byte {
	return []byte("recovery code\x00" + account(found) + "\x00" + code)
}

// Enrol returns the second factor that a session is setting up. It is made at the first call.
func (o *Operators) Enrol(ctx context.Context, session store.OperatorSession) (Enrolment, error) {
	if session.Enrolling != nil {
		key, err := o.options.Vault.Open(session.Enrolling, enrolPlace(session))
		return Enrolment{key}, err
	}
	key, err := newTOTPKey(o.options.Rand)
	if err != nil {
		return Enrolment{}, err
	}
	sealed, err := o.options.Vault.Seal(key, enrolPlace(session))
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{key}, o.options.DB.Write(ctx, func(tx *store.Tx) error { return store.OperatorsOf(tx).Enrol(ctx, session.Hash, sealed) })
}

// FinishEnrolment stores the second factor that a session is setting up, after its first code,
// and returns its recovery codes. The error is not-found for a wrong code.
func (o *Operators) FinishEnrolment(ctx context.Context, session store.OperatorSession, code string) ([]oxlin.Secret, error) {
	if session.Enrolling == nil {
		return nil, oxlin.NotFound("code")
	}
	key, err := o.options.Vault.Open(session.Enrolling, enrolPlace(session))
	if err != nil {
		return nil, err
	}
	step, fits := findStep(key, trimCode(code), o.options.Now())
	if !fits {
		return nil, oxlin.NotFound("code")
	}
	sealed, err := o.options.Vault.Seal(key, keyPlace(session.Operator))
	if err != nil {
		return nil, err
	}
	codes, hashes, err := o.newCodes(session.Operator)
	if err != nil {
		return nil, err
	}
	return codes, o.options.DB.Write(ctx, func(tx *store.Tx) error {
		now, err := store.OperatorsIn(tx.Read()).ByName(ctx, session.Operator.Name)
		if err == nil && now.TOTPKey != nil && session.Operator.TOTPKey == nil {
			err = oxlin.NotFound("code") // another session was faster
		}
		if err != nil {
			return err
		}
		err = store.OperatorsOf(tx).SetFactor(ctx, now.ID, sealed, step, hashes)
		if err != nil {
			return err
		}
		err = store.OperatorsOf(tx).Enrol(ctx, session.Hash, nil)
		if err != nil {
			return err
		}
		err = store.OperatorsOf(tx).DropSessions(ctx, now.ID, session.Hash)
		if err != nil {
			return err
		}
		return o.recordOwn(ctx, tx, session, "factor")
	})
}

// NewCodes replaces the recovery codes of a session's operator.
func (o *Operators) NewCodes(ctx context.Context, session store.OperatorSession) ([]oxlin.Secret, error) {
	if session.Operator.TOTPKey == nil {
		return nil, oxlin.NotFound("second factor")
	}
	codes, hashes, err := o.newCodes(session.Operator)
	if err != nil {
		return nil, err
	}
	return codes, o.options.DB.Write(ctx, func(tx *store.Tx) error {
		err := store.OperatorsOf(tx).SetRecoveryCodes(ctx, session.Operator.ID, hashes)
		if err != nil {
			return err
		}
		return o.recordOwn(ctx, tx, session, "recovery-codes")
	})
}

// CountCodes counts the recovery codes that an operator has left.
func (o *Operators) CountCodes(ctx context.Context, found store.Operator) (int64, error) {
	return o.read().CountRecoveryCodes(ctx, found.ID)
}

func (o *Operators) newCodes(found store.Operator) (codes []oxlin.Secret, hashes [][]byte, err error) {
	for range recoveryCodes {
		bits := make([]byte, recoveryBytes)
		_, err := io.ReadFull(o.options.Rand, bits)
		if err != nil {
			return nil, nil, err
		}
		text := base32Text.EncodeToString(bits)
		codes = append(codes, oxlin.NewSecret(grouped(text, "-")))
		hash, err := o.options.Vault.MAC(codeText(found, text))
		if err != nil {
			return nil, nil, err
		}
		hashes = append(hashes, hash)
	}
	return codes, hashes, nil
}
