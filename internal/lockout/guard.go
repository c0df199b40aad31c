package lockout

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

var (
	// ownLimit allows ten tries to a person who forgot the password, and one a minute to an
	// attacker after that. It is for those who have a count of their own.
	ownLimit = pace.Burst(10, time.Minute)
	// factorLimit makes guessing a code of six digits hopeless: 150 tries a day.
	factorLimit = pace.Burst(10, 10*time.Minute)
	// sourceLimit allows the people behind one address to sign in within a minute, and one of
	// them a second after that.
	sourceLimit = pace.Burst(60, time.Second)
)

// How many attempts are under way at once: for one source, for an account of strangers, and for
// a person with a count of their own. They are far fewer than the places of the limits, so that
// logins of several nodes leave some.
const (
	sourceAtOnce    = 4
	strangersAtOnce = 8
	ownAtOnce       = 2
)

// Try is one attempt to enter a password. The zero value is not valid.
type Try struct {
	// subject is counted in a row, on all nodes together.
	subject string
	limit   pace.Limit
	// shared is set if others count for the subject too: strangerWindow is the limit, and a right
	// password takes back its own attempt alone.
	shared bool
	// source is counted in the memory of the process, before the row. Empty, it does not count.
	source string
	// admitted is set once the attempt has counted for its source.
	admitted bool
	asker    vault.Asker
	// noted and forgiven run in the transactions that count the attempt and take it back.
	noted, forgiven func(ctx context.Context, tx *store.Tx) error
}

// Noting returns the attempt with what else is written when it is counted, and when it is taken
// back because it was right or not compared. It costs no transaction of its own, so that the time
// of an answer tells nothing.
func (t Try) Noting(noted, forgiven func(ctx context.Context, tx *store.Tx) error) Try {
	t.noted, t.forgiven = noted, forgiven
	return t
}

// Stranger returns an attempt without a known device, a client's secret or a session, from a
// source that may be empty. account names the account, which need not exist.
func Stranger(account, source string) Try {
	return Try{
		subject: "strangers\x00" + account, shared: true,
		source: source, asker: vault.Asker{Source: source},
	}
}

// OfClient returns the attempt of an end user for whom a client asks that has proved its
// secret. person is the end user's address, or the client's own if stated is false.
func OfClient(client oxlin.ClientID, account, person string, stated bool) Try {
	try := Try{
		subject: fmt.Sprintf("client\x00%s\x00%s\x00%s", client, account, person), limit: ownLimit,
		asker: vault.Asker{Known: true, Source: string(client)},
	}
	if stated {
		try.source = fmt.Sprintf("client\x00%s\x00%s", client, person)
	}
	return try
}

// OfSession returns the attempt of a signed-in user. session identifies the sign-in. The
// hashing of all attempts with one source takes turns with that of other sources.
func OfSession(session, source string) Try {
	return Try{subject: "session\x00" + session, limit: ownLimit, asker: vault.Asker{Known: true, Source: source}}
}

// OfFactor returns the attempt to enter a second factor, after the right password.
func OfFactor(account string) Try {
	return Try{subject: "factor\x00" + account, limit: factorLimit}
}

// Guard counts attempts. It is safe for concurrent use.
type Guard struct {
	db     *store.DB
	vault  *vault.Vault
	now    func() time.Time
	random io.Reader
	// sources paces those whose address is known.
	sources pace.Memory
	// underWay has the attempts of this node that have not ended.
	underWay turns
}

// New returns a guard.
func New(db *store.DB, v *vault.Vault, now func() time.Time, random io.Reader) *Guard {
	return &Guard{db: db, vault: v, now: now, random: random}
}

// Admit counts an attempt for its source, before anything else of its request is looked at. The
// error is CodeTooManyRequests with RetryAfter. An attempt that was not admitted is, by Check.
func (g *Guard) Admit(try Try) (Try, error) {
	if try.source == "" {
		return try, nil
	}
	try.admitted = true
	return try, g.admit(try)
}

func (g *Guard) admit(try Try) error {
	state, ok := g.sources.Take(try.source, sourceLimit, g.now())
	if ok {
		return nil
	}
	return &oxlin.Error{Code: oxlin.CodeTooManyRequests, Message: "Too many passwords from one address; try again later.", RetryAfter: state.Wait}
}

// Check counts an attempt, for its source before anything is written or hashed, and compares the
// password with compare. It reports whether the password is right. The error is
// CodeTooManyRequests with RetryAfter after too many failures, and while too many attempts wait;
// compare is not called then. Logins that are under way make others wait, and do not count for
// failures once they have succeeded.
func (g *Guard) Check(ctx context.Context, try Try, compare func(vault.Asker) (bool, error)) (bool, error) {
	if try.source == "" {
		return g.check(ctx, try, compare)
	}
	done, err := g.underWay.attempt(ctx, "source\x00"+try.source, sourceAtOnce, func() error {
		if try.admitted {
			return nil
		}
		return g.admit(try)
	})
	if err != nil {
		return false, err
	}
	defer done()
	right, err := g.check(ctx, try, compare)
	if right {
		g.sources.GiveBack(try.source, sourceLimit, g.now())
	}
	return right, err
}

// check is Check of an attempt that its source has admitted.
func (g *Guard) check(ctx context.Context, try Try, compare func(vault.Asker) (bool, error)) (bool, error) {
	subject, err := g.vault.MAC([]byte("password attempts\x00" + try.subject))
	if err != nil {
		return false, fmt.Errorf("count an attempt: %w", err)
	}
	atOnce := ownAtOnce
	if try.shared {
		atOnce = strangersAtOnce
	}
	// The attempt counts before the password is compared, so that parallel ones all do.
	var at time.Time
	done, err := g.underWay.attempt(ctx, string(subject), atOnce, func() error {
		at = g.now()
		return g.count(ctx, try, subject, at)
	})
	if err != nil {
		return false, err
	}
	defer done()
	right, failed := compare(try.asker)
	if failed == nil && !right {
		return false, nil
	}
	err = g.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if try.forgiven != nil {
			err := try.forgiven(ctx, tx)
			if err != nil {
				return err
			}
		}
		switch {
		case try.shared:
			return giveBackShared(ctx, store.AttemptsOf(tx), subject, at)
		case failed == nil:
			return tx.Pace().Drop(ctx, subject)
		}
		return pace.GiveBack(ctx, tx.Pace(), subject, try.limit, g.now()) // an attempt that was not compared is no failure
	})
	if failed != nil {
		return false, failed
	}
	if err != nil {
		return false, fmt.Errorf("count an attempt: %w", err)
	}
	return true, nil
}

// count takes a place for an attempt. The error is CodeTooManyRequests without one.
func (g *Guard) count(ctx context.Context, try Try, subject []byte, at time.Time) error {
	var wait time.Duration
	err := g.db.Write(ctx, func(tx *store.Tx) (err error) {
		if try.shared {
			wait, err = takeShared(ctx, store.AttemptsOf(tx), subject, at)
		} else {
			wait, err = pace.Take(ctx, tx.Pace(), subject, try.limit, at)
		}
		if err != nil || wait > 0 || try.noted == nil {
			return err
		}
		return try.noted(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("count an attempt: %w", err)
	}
	if wait > 0 {
		return &oxlin.Error{Code: oxlin.CodeTooManyRequests, Message: "Too many wrong passwords; try again later.", RetryAfter: wait}
	}
	return nil
}

// takeShared takes a place of strangerWindow for a subject, or returns how long to wait for one.
func takeShared(ctx context.Context, rows store.AttemptTx, subject []byte, now time.Time) (time.Duration, error) {
	times, err := rows.Lock(ctx, subject)
	if err != nil {
		return 0, err
	}
	times, wait := strangerWindow.take(times, now)
	return wait, setShared(ctx, rows, subject, times)
}

// giveBackShared returns the place that was taken at an instant.
func giveBackShared(ctx context.Context, rows store.AttemptTx, subject []byte, at time.Time) error {
	times, err := rows.Lock(ctx, subject)
	if err != nil {
		return err
	}
	return setShared(ctx, rows, subject, strangerWindow.giveBack(times, at))
}

func setShared(ctx context.Context, rows store.AttemptTx, subject []byte, times []int64) error {
	var until time.Time
	if len(times) > 0 {
		until = strangerWindow.end(times[len(times)-1])
	}
	return rows.Set(ctx, subject, times, until)
}

// Sweep removes the rows of attempts that count no more.
func Sweep(ctx context.Context, tx *store.Tx, now time.Time) error {
	return store.AttemptsOf(tx).DropOld(ctx, now)
}
