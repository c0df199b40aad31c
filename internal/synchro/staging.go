package synchro

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank"
	"github.com/oxlin/oxlin/internal/store"
)

// An answer of the bank waits for those that belong to it: the pages of a list, or the balances
// and the pages of an account. It waits in memory, and on disk, sealed, once the job has lasted
// for a while since its last save, or before it hands over. A bank that answers at once costs no
// write for each answer; after a crash, the next job asks a slow one again for one answer, and
// a fast one for those of savingTime. An attempt that follows a dead one stores each answer at
// once, so that processes that die quickly, again and again, get on.

const (
	// savingTime and savingBytes limit the answers that a job has in memory alone.
	savingTime  = 2 * time.Second
	savingBytes = 1 << 20
	// stagingBytes limit the memory for the answers of all jobs of a process, as far as
	// their size can be known. A job that finds no room keeps its answers on disk.
	stagingBytes = 64 << 20
	// joiningBytes limit the memory in which all jobs of a process compare whole accounts with
	// the stored rows; an account that would take more is compared alone. A byte of an answer
	// takes joiningFactor bytes then, and accounts below joiningLeast are not counted.
	joiningBytes  = 256 << 20
	joiningFactor = 4
	joiningLeast  = 1 << 20
)

// stagedAnswer is an answer that waits in memory.
type stagedAnswer struct {
	account oxlin.AccountID
	number  int
	// answer is a value of the type that the reader of the number expects.
	answer any
	size   int64
	saved  bool
}

// staging holds the answers that wait for one run.
type staging struct {
	answers []stagedAnswer
	// onDisk is set if answers of this run may wait on disk.
	onDisk bool
	// disk is the progress that the database has.
	disk oxlin.SyncProgress
	// updated is set by a transaction that stores the progress.
	updated bool
	savedAt time.Time
	// room counts the bytes that the answers of all runs of the process take.
	room *atomic.Int64
}

// answers is the part of a run that lets answers wait.
type answers struct{ run *run }

// keep adds an answer, and stores it with the progress if the run has to. The progress has
// moved behind the answer already.
func (a answers) keep(ctx context.Context, account oxlin.AccountID, number int, answer any, size int64) error {
	r := a.run
	s := &r.staging
	s.answers = append(s.answers, stagedAnswer{account, number, answer, size, false})
	full := s.room.Add(size) > stagingBytes
	unsaved := int64(0)
	for _, one := range s.answers {
		if !one.saved {
			unsaved += one.size
		}
	}
	again := r.sync.Progress.Kept == oxlin.PageAddressed
	healthy := r.queue.Attempt(ctx) <= 1
	if again && healthy && !full && unsaved < savingBytes && r.now().Before(s.savedAt.Add(savingTime)) {
		return nil
	}
	err := r.save(ctx)
	if err == nil && full {
		s.forget(func(stagedAnswer) bool { return true })
	}
	return err
}

// takeRoom takes the room in memory that the comparison of an account needs, and returns what
// gives it back. It waits while others have it.
func (a answers) takeRoom(ctx context.Context, account oxlin.AccountID) (release func(), err error) {
	r := a.run
	var size int64
	for _, one := range r.staging.answers {
		if one.account == account {
			size += one.size
		}
	}
	if r.staging.onDisk {
		onDisk, err := store.StagedBytes(ctx, r.db.Read(), r.sync.ID, account)
		if err != nil {
			return nil, err
		}
		size += onDisk
	}
	if size < joiningLeast {
		return func() {}, nil
	}
	size = min(size*joiningFactor, joiningBytes)
	err = r.joining.Acquire(ctx, size)
	if err != nil {
		return nil, fmt.Errorf("wait for memory: %w", err)
	}
	return func() { r.joining.Release(size) }, nil
}

// forget drops answers from memory.
func (s *staging) forget(which func(stagedAnswer) bool) {
	s.answers = slices.DeleteFunc(s.answers, func(a stagedAnswer) bool {
		drop := which(a)
		if drop {
			s.room.Add(-a.size)
		}
		return drop
	})
}

// release drops an answer that is read from memory. One that is not on disk stays, because only
// the end of the walk replaces it.
func (a answers) release(account oxlin.AccountID, number int) {
	a.run.staging.forget(func(one stagedAnswer) bool { return one.saved && one.account == account && one.number == number })
}

// saved notes that a transaction that stored the progress is on disk.
func (s *staging) saved(progress oxlin.SyncProgress, now time.Time) {
	if !s.updated {
		return
	}
	s.disk, s.savedAt, s.updated = progress, now, false
	for i := range s.answers {
		s.answers[i].saved = true
	}
}

// update stores the progress of the run, with the answers that it has moved behind. It fails
// with ErrSuperseded if the run has ended.
func (r *run) update(ctx context.Context, tx *store.Tx) error {
	err := tx.UpdateSynchronisation(ctx, r.sync)
	if err != nil {
		return err
	}
	r.staging.updated = true
	for _, a := range r.staging.answers {
		if a.saved {
			continue
		}
		sealed, err := sealStaged(r.core, r.sync.ID, a.answer)
		if err != nil {
			return err
		}
		err = tx.StagePage(ctx, r.sync.ID, a.account, a.number, sealed)
		if err != nil {
			return err
		}
		r.staging.onDisk = true
	}
	return nil
}

// fence stores what a run has counted, and leaves it at the place that the database knows: the
// answers behind that place wait in memory alone. It fails with ErrSuperseded if the run has
// ended.
func (r *run) fence(ctx context.Context, tx *store.Tx) error {
	sync := r.sync
	sync.Progress = r.staging.disk
	sync.Progress.Answered = r.sync.Progress.Answered
	return tx.UpdateSynchronisation(ctx, sync)
}

// answerOf reads an answer that waits, from memory or else from disk, into a value of its type. It
// returns false if no answer has that number.
func answerOf[T any](ctx context.Context, r *run, account oxlin.AccountID, number int) (value T, found bool, err error) {
	for _, a := range r.staging.answers {
		if a.account == account && a.number == number {
			return a.answer.(T), true, nil
		}
	}
	if !r.staging.onDisk {
		return value, false, nil
	}
	sealed, err := store.StagedPage(ctx, r.db.Read(), r.sync.ID, account, number)
	if oxlin.IsNotFound(err) {
		return value, false, nil
	}
	if err != nil {
		return value, false, err
	}
	return value, true, openStaged(r.core, r.sync.ID, sealed, &value)
}

// dropAnswers drops all answers of a run that wait, or those of walks alone: the list of
// accounts (0) or accounts, whose balances stay.
func (a answers) drop(ctx context.Context, tx *store.Tx, walks ...oxlin.AccountID) error {
	r := a.run
	r.staging.forget(func(one stagedAnswer) bool {
		return len(walks) == 0 || one.number >= 0 && slices.Contains(walks, one.account)
	})
	if !r.staging.onDisk {
		return nil
	}
	return tx.DropStagedPages(ctx, r.sync.ID, walks...)
}

// sealStaged seals an answer of the bank that waits for the rest of it.
func sealStaged(c *core, id oxlin.SyncID, answer any) ([]byte, error) {
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("stage page: %w", err)
	}
	return c.vault.Seal(text, stagePlace(id))
}

// openStaged reads what sealStaged returns.
func openStaged(c *core, id oxlin.SyncID, sealed []byte, answer any) error {
	text, err := c.vault.Open(sealed, stagePlace(id))
	if err != nil {
		return err
	}
	err = json.Unmarshal(text, answer)
	if err != nil {
		return fmt.Errorf("staged page: %w", err)
	}
	return nil
}

// recordSize is about what a record takes in memory beside its text.
const recordSize = 600

func sizeOf(page bank.TransactionsPage) int64 {
	size := int64(recordSize)
	for _, t := range page.Transactions {
		size += int64(len(t.Raw)) + recordSize
	}
	for _, u := range page.Unreadable {
		size += int64(len(u.Raw)) + recordSize
	}
	return size
}

func sizeOfList(page bank.AccountsPage) int64 {
	size := int64(recordSize)
	for _, a := range page.Accounts {
		size += int64(len(a.Raw)) + recordSize
	}
	return size
}
