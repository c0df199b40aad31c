package installation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// Resealing brings what is stored under the newest keys, beside a running platform.
type Resealing struct {
	DB    *store.DB
	Vault *vault.Vault
	Audit *audit.Log
	// Others are the walks of rooms that this one must not know, by the name of what they walk.
	Others []Walk
	// Told is called while a walk goes on. It may be nil.
	Told func(name string, renewed int)
}

// Walk renews what a room has sealed or hashed. With looks it only counts. Done is set by a
// walk that found no row in use by somebody else.
type Walk struct {
	Name string
	Run  func(ctx context.Context, looks bool) (store.Resealed, error)
}

// passes is how often a walk goes over what somebody else held or changed.
const passes = 10

// Run renews everything, and returns the number of renewed values by their column. It may be
// interrupted and begun anew: what is done stays done.
func (r Resealing) Run(ctx context.Context) (renewed, lost map[string]int, err error) {
	renewed, lost = map[string]int{}, map[string]int{}
	walks, err := r.walks()
	if err != nil {
		return renewed, lost, err
	}
	for _, walk := range walks {
		for range passes {
			found, err := walk.Run(ctx, false)
			renewed[walk.Name] += found.Renewed
			lost[walk.Name] = found.Lost
			if err != nil {
				return renewed, lost, fmt.Errorf("reseal: %w", err)
			}
			if found.Renewed == 0 && found.Passed == 0 {
				break
			}
		}
	}
	return renewed, lost, r.renewCheck(ctx)
}

// walks are all columns, and the walks of the other rooms.
func (r Resealing) walks() ([]Walk, error) {
	names, err := r.Vault.IDs()
	if err != nil {
		return nil, err
	}
	var list []Walk
	for _, column := range store.SealedColumns() {
		list = append(list, Walk{column.Name(), func(ctx context.Context, looks bool) (store.Resealed, error) {
			how := store.Resealing{Current: vault.Wrapping(names.Sealing), Reseal: Renewer(r.Vault), Looks: looks}
			if r.Told != nil && !looks {
				how.Told = func(n int) { r.Told(column.Name(), n) }
			}
			return r.DB.Reseal(ctx, column, how)
		}})
	}
	list = append(list, Walk{"audit_batches.seal", r.Audit.Reseal})
	return append(list, r.Others...), nil
}

// Renewer returns the function that brings a sealed value under the newest key. Its error is
// store.ErrLost for a value that no key opens.
func Renewer(v *vault.Vault) func([]byte) ([]byte, error) {
	return func(sealed []byte) ([]byte, error) {
		again, err := v.Reseal(sealed)
		if errors.Is(err, vault.ErrUnopened) {
			return nil, store.ErrLost
		}
		return again, err
	}
}

// renewCheck makes the key check with the newest key of keyed hashes.
func (r Resealing) renewCheck(ctx context.Context) error {
	return r.DB.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.LockInstallation(ctx)
		if err != nil || len(now.KeyCheck) == 0 {
			return err
		}
		err = check(r.Vault, []store.Sealed{keyCheck(now)})
		if err != nil {
			return err
		}
		now.KeyCheck, err = newCheck(r.Vault)
		if err != nil {
			return err
		}
		return tx.SaveInstallation(ctx, now)
	})
}

// Need counts the values that still need an older key.
type Need struct {
	// Key is the id of the key. Hashing is set for a key of keyed hashes.
	Key     uint32
	Hashing bool
	// Columns counts by column.
	Columns map[string]int
}

// ErrServing means that a process still uses an older key.
var ErrServing = errors.New("not every process of the platform has started with the newest key")

const (
	// signEvery is how often a process tells with which key it seals.
	signEvery = time.Minute
	// silence is how long a process without a sign may still be there. It bears clocks that differ.
	silence = 5 * time.Minute
)

// Sign tells the database, and the audit log, with which key this process seals.
type Sign struct {
	db    *store.DB
	vault *vault.Vault
	use   store.KeyUse
	// known is the key of which the audit log tells.
	known uint32
	// seen is the key with which the vault sealed at the last sign.
	seen uint32
}

// SignOn gives the first sign: before it, a process must not seal anything.
func SignOn(ctx context.Context, db *store.DB, v *vault.Vault) (*Sign, error) {
	names, err := v.IDs()
	if err != nil {
		return nil, err
	}
	s := &Sign{db: db, vault: v, use: store.KeyUse{Process: rand.Text(), Key: names.Sealing}, seen: names.Sealing}
	return s, s.give(ctx)
}

// give gives a sign. A keeper that has started anew may seal with another key: it is told one sign
// later, when nothing is on its way any more that the one before has sealed.
func (s *Sign) give(ctx context.Context) error {
	names, err := s.vault.IDs()
	if err == nil && names.Sealing == s.seen {
		s.use.Key = names.Sealing
	}
	s.seen = names.Sealing    // none while the keeper is away
	s.use.SeenAt = time.Now() // the machine's time: it is compared with that of other machines
	return s.db.SaveKeyUse(ctx, s.use)
}

// Run goes on with the signs until ctx ends, and records a new key in the audit log. If one
// cannot be stored, the next one is.
func (s *Sign) Run(ctx context.Context, log *audit.Log) {
	ticker := time.NewTicker(signEvery)
	defer ticker.Stop()
	for {
		_ = s.tell(ctx, log)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = s.give(ctx)
		}
	}
}

// tell records in the audit log that a key of the database is in use that was not before. The
// keeper's user rotates the key without a database; the first process that seals with the
// new key tells of it. The key check comes under that key, so that it is told once.
func (s *Sign) tell(ctx context.Context, log *audit.Log) error {
	if s.known == s.use.Key {
		return nil
	}
	names, err := s.vault.IDs()
	if err != nil {
		return err
	}
	isOlder := func(now store.Installation) bool {
		key, _ := vault.KeyOf(now.KeyCheck)
		return slices.Contains(names.Older, key)
	}
	now, err := s.db.Installation(ctx)
	if err == nil && isOlder(now) { // a start without a new key writes nothing
		err = s.db.Write(ctx, func(tx *store.Tx) error { return s.record(ctx, tx, log, isOlder) })
	}
	if err == nil {
		s.known = names.Sealing
	}
	return err
}

// record records the new key, unless another process was faster.
func (s *Sign) record(ctx context.Context, tx *store.Tx, log *audit.Log, isOlder func(store.Installation) bool) error {
	now, err := tx.LockInstallation(ctx)
	if err != nil || !isOlder(now) {
		return err
	}
	err = log.Record(ctx, tx, audit.Entry{Action: audit.KeyRotated, Details: audit.Details{audit.Key: "master", audit.Kind: "in-use"}})
	if err != nil {
		return err
	}
	now.KeyCheck, err = newCheck(s.vault)
	if err != nil {
		return err
	}
	return tx.SaveInstallation(ctx, now)
}

// Close takes the sign away, because the process ends.
func (s *Sign) Close(ctx context.Context) error { return s.db.DropKeyUse(ctx, s.use.Process) }

// Needs returns for each older key what still needs it, which may be nothing. The error is
// ErrServing while a process may still seal with an older key.
func (r Resealing) Needs(ctx context.Context) ([]Need, error) {
	names, err := r.Vault.IDs()
	if err != nil {
		return nil, err
	}
	if len(names.Older)+len(names.OlderHashing) == 0 {
		return nil, nil
	}
	others, err := r.DB.OtherKeys(ctx, names.Sealing, time.Now().Add(-silence))
	if err != nil {
		return nil, err
	}
	if others > 0 {
		return nil, ErrServing
	}
	walks, err := r.walks()
	if err != nil {
		return nil, err
	}
	sealed := map[string]int{}
	for _, walk := range walks {
		found, err := walk.Run(ctx, true)
		if err != nil {
			return nil, err
		}
		if n := found.Renewed + found.Passed; n > 0 {
			sealed[walk.Name] = n
		}
	}
	var needs []Need
	for _, id := range names.Older {
		needs = append(needs, Need{Key: id, Columns: maps.Clone(sealed)})
	}
	for _, id := range names.OlderHashing {
		counts, err := r.DB.KeyedHashes(ctx, names.Mark(id), names.PasswordsOf(id))
		if err != nil {
			return nil, err
		}
		needs = append(needs, Need{Key: id, Hashing: true, Columns: counts})
	}
	return needs, nil
}

// GiveUp deletes what only the given keys of keyed hashes recognise, before they are taken
// away. It returns the columns that it cannot give up: nothing may lose the chain of the audit log.
func (r Resealing) GiveUp(ctx context.Context, needs []Need) (kept []string, err error) {
	names, err := r.Vault.IDs()
	if err != nil {
		return nil, err
	}
	for _, need := range needs {
		for column := range need.Columns {
			if !need.Hashing || column == "audit_batches.seal" || column == "audit_head.seal" {
				kept = append(kept, column)
			}
		}
	}
	if len(kept) > 0 {
		slices.Sort(kept)
		return slices.Compact(kept), nil
	}
	return nil, r.DB.Write(ctx, func(tx *store.Tx) error {
		for _, need := range needs {
			if need.Hashing && len(need.Columns) > 0 {
				err := store.DropKeyedHashes(ctx, tx, names.Mark(need.Key))
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}
