package synchro

import (
	"context"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/pace"
	"github.com/oxlin/oxlin/internal/store"
)

// beforeCall prepares a call to the bank about a resource: it keeps the bank's pace,
// for which it may hand over to a later job, renews the access if due, and counts the
// access. Without the user it calls no bank while the clock is known to be wrong.
func (r *run) beforeCall(ctx context.Context, reads string, account oxlin.AccountID, resource string) error {
	err := clockWrong(r)
	if err != nil {
		return err
	}
	err = r.keepPace(ctx, true)
	if err != nil {
		return err
	}
	err = r.renewIfDue(ctx)
	if err != nil || resource == "" || takeReserved(r, reads, account) {
		return err
	}
	return r.countAccess(ctx, account, resource)
}

// askAbout calls the bank about one account, or about the login if it is zero, as one step
// of a run. reads names the kind of data for the audit log, also for the pages after the
// first one, whose resource is empty.
func askAbout[T any](ctx context.Context, r *run, reads string, account oxlin.AccountID, resource string, call func(context.Context, bank.Call) (T, error)) (T, error) {
	err := r.beforeCall(ctx, reads, account, resource)
	if err == nil {
		err = position{r}.beforePage(ctx)
	}
	if err != nil {
		var none T
		return none, err
	}
	return withRenewal(ctx, r, func(ctx context.Context, with bank.Call) (answer T, err error) {
		collected(ctx, r, reads, account, func(ctx context.Context) error {
			answer, err = call(ctx, with)
			return err
		})
		return answer, err
	})
}

// repeatCall prepares a call that is sent once more with a renewed access. It delays other
// runs instead of waiting: the next job might find the access refused again.
func (r *run) repeatCall(ctx context.Context) error { return r.keepPace(ctx, false) }

// countAccess counts an access to a resource without the user, before the request is
// sent. The following pages of an answer count with the first one: their resource is
// empty. Most accesses of a run are counted when it starts: see reserve.
func (r *run) countAccess(ctx context.Context, account oxlin.AccountID, resource string) error {
	limit := perDay(r.connector, r.channel)
	if r.sync.PSU != nil || limit == 0 {
		return nil
	}
	return r.write(ctx, func(tx *store.Tx) error {
		// A run that has ended must not spend the quota of its successor.
		err := r.fence(ctx, tx)
		if err != nil {
			return err
		}
		accounts, err := tx.Read().AccountsOfConnection(ctx, r.connection.ID)
		if err != nil {
			return err
		}
		resource = resourceOf(resource, account, r.connection, accounts, r.channel.DefinitionID)
		subjects, err := r.accessSubjects(r.connection, r.channel.DefinitionID, resource)
		if err != nil {
			return err
		}
		used, err := tx.CountUnattended(ctx, r.connection.UserID, subjects[0], today(r.now()))
		if err == nil && len(subjects) > 1 {
			counts, failed := tx.Read().UnattendedAccesses(ctx, r.connection.UserID, today(r.now()))
			err = failed
			for _, older := range subjects[1:] {
				used += counts[string(older)]
			}
		}
		if err == nil && used > limit {
			return &bank.Failure{Kind: bank.RateLimited, BankCode: "our own count of unattended accesses"}
		}
		return err
	})
}

// paceAhead is how far calls to a bank may run ahead of its pace.
const paceAhead = 6 * time.Second

// keepPace spaces the calls to one bank over all users. A call that has to wait
// hands over to a job at that time; a call that may not wait delays later ones.
func (r *run) keepPace(ctx context.Context, mayWait bool) error {
	perMinute := r.connector.Profile().RequestsPerMinute
	if perMinute == 0 {
		return nil
	}
	limit := pace.Limit{Interval: time.Minute / time.Duration(perMinute), Ahead: paceAhead}
	subject := []byte("bank " + r.connection.ProviderID)
	var until time.Time
	err := r.write(ctx, func(tx *store.Tx) error {
		now := r.now()
		if !mayWait {
			return pace.Force(ctx, tx.Pace(), subject, limit, now)
		}
		wait, err := pace.Take(ctx, tx.Pace(), subject, limit, now)
		if err != nil {
			return err
		}
		if wait > 0 {
			until = now.Add(wait)
			return r.handOver(ctx, tx, until)
		}
		return nil
	})
	if err == nil && !until.IsZero() {
		// The other runs would only find that they have to wait, each with a write.
		r.queue.Hold(r.connection.ProviderID, until)
		return errHandedOver
	}
	return err
}

// today is the bank's calendar day.
func today(now time.Time) oxlin.Date { return oxlin.DateIn(now, oxlin.Paris) }
