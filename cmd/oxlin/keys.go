package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/installation"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
	"github.com/oxlin/oxlin/internal/vault"
)

type rotateKeyCommand struct {
	databaseFlags
	Drop   idList `arg:"--drop,env:OXLIN_DROP" help:"In place of a new key: take these older keys away, which oxlin reseal --drop-old names to the keeper's user." placeholder:"ID"`
	Hashes bool   `arg:"--hashes,env:OXLIN_HASHES" help:"Also a new key of keyed hashes, which passwords, devices and recovery codes follow one by one."`
}

// Run replaces the key file, or prints the key that is to replace the one given.
func (c rotateKeyCommand) Run(ctx context.Context) error {
	if c.MasterKeySocket != "" {
		return errors.New("the key is the keeper's: run this as the keeper's user with --master-key-file in the place of --master-key-socket, then restart `oxlin keeper`")
	}
	if len(c.Drop) > 0 {
		if c.Hashes {
			return errors.New("--drop goes without --hashes")
		}
		key, err := vault.Drop(c.vaultOptions(), c.Drop)
		if err == nil {
			tellDropped(key)
		}
		return err
	}
	key, err := vault.Rotate(c.vaultOptions(), c.Hashes)
	if err != nil {
		return err
	}
	err = c.recordKey(ctx, "rotated")
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		slog.Warn("the audit log does not tell of the new key", "error", err)
	}
	if key.IsZero() {
		fmt.Println("the key file has a new key in front; restart the platform, or its keeper, to use it")
		return nil
	}
	fmt.Println(key.Reveal())
	return nil
}

// recordKey records what became of the keys in the audit log of the database.
func (f databaseFlags) recordKey(ctx context.Context, kind string) error {
	db, err := f.open(ctx, store.Options{Sandbox: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Write(ctx, func(tx *store.Tx) error {
		return newAudit(db, nil).Record(ctx, tx, audit.Entry{
			Action: audit.KeyRotated, Details: audit.Details{audit.Key: "master", audit.Kind: kind},
		})
	})
}

type resealCommand struct {
	databaseFlags
	DropOld bool `arg:"--drop-old,env:OXLIN_DROP_OLD" help:"At the end, take the older keys away that nothing needs any more."`
	GiveUp  bool `arg:"--give-up,env:OXLIN_GIVE_UP" help:"With --drop-old: also those that only passwords, recovery codes and the like need that have not followed yet. They end."`
}

// Run walks everything that is sealed, beside a running platform.
func (c resealCommand) Run(ctx context.Context) error {
	if c.GiveUp && !c.DropOld {
		return errors.New("--give-up goes with --drop-old")
	}
	db, err := c.open(ctx, store.Options{Sandbox: true})
	if err != nil {
		return err
	}
	defer db.Close()
	v, err := c.vault(ctx, db)
	if err != nil {
		return err
	}
	return c.reseal(ctx, db, v)
}

// everyOther are the values after which progress is told.
const everyOther = 10_000

func (c resealCommand) reseal(ctx context.Context, db *store.DB, v *vault.Vault) error {
	walk := resealing(db, v)
	next := map[string]int{}
	walk.Told = func(name string, renewed int) {
		if renewed >= next[name]+everyOther {
			next[name] = renewed
			fmt.Printf("%s: %d so far\n", name, renewed)
		}
	}
	renewed, lost, err := walk.Run(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(renewed)) {
		if renewed[name] > 0 {
			fmt.Printf("%s: %d under the newest key now\n", name, renewed[name])
		}
		if lost[name] > 0 {
			fmt.Printf("%s: %d open with no key, and stay as they are\n", name, lost[name])
		}
	}
	needs, err := walk.Needs(ctx)
	if errors.Is(err, installation.ErrServing) {
		fmt.Println("what was stored is under the newest key; older keys stay in use until each process of the platform has started anew: then run this again")
		if c.DropOld {
			return err
		}
		return nil
	}
	if err != nil {
		return err
	}
	if len(needs) == 0 {
		fmt.Println("there is one key alone")
		return nil
	}
	open := tell(needs)
	if !c.DropOld {
		return nil
	}
	if open && !c.GiveUp {
		return errors.New("nothing was taken away: an older key is still needed (--give-up ends what needs it)")
	}
	return c.drop(ctx, walk, needs)
}

// resealing returns the walk over everything that is sealed or hashed.
func resealing(db *store.DB, v *vault.Vault) installation.Resealing {
	return installation.Resealing{
		DB: db, Vault: v, Audit: newAudit(db, v),
		Others: []installation.Walk{
			{Name: synchro.RehashedColumn, Run: func(ctx context.Context, looks bool) (store.Resealed, error) {
				return synchro.Rehash(ctx, db, v, looks)
			}},
			{Name: jobs.ResealedColumn, Run: func(ctx context.Context, looks bool) (store.Resealed, error) {
				return jobs.Reseal(ctx, db, installation.Renewer(v), looks)
			}},
		},
	}
}

// follow tells how values that cannot be walked come under the newest key.
var follow = map[string]string{
	"users.password_hash":          "at the next sign-in of each user",
	"operators.password_hash":      "at the next sign-in of each operator",
	"operator_recovery_codes.hash": "when operators make new codes in the console",
	"forgotten_accounts.identity":  "when the connection is synchronised next",
	"unattended_accesses.subject":  "tomorrow, because banks count by day",
}

// tell prints what needs older keys, and reports whether anything does.
func tell(needs []installation.Need) (open bool) {
	for _, need := range needs {
		name := fmt.Sprintf("the older master key %d", need.Key)
		if need.Hashing {
			name = fmt.Sprintf("the older key of keyed hashes %d", need.Key)
		}
		if len(need.Columns) == 0 {
			fmt.Printf("%s is needed by nothing in this database\n", name)
			continue
		}
		open = true
		fmt.Printf("%s is still needed:\n", name)
		for _, column := range slices.Sorted(maps.Keys(need.Columns)) {
			line := fmt.Sprintf("  %s: %d", column, need.Columns[column])
			if how := follow[column]; how != "" {
				line += "; they follow " + how
			}
			fmt.Println(line)
		}
	}
	return open
}

// drop takes older keys away.
func (c resealCommand) drop(ctx context.Context, walk installation.Resealing, needs []installation.Need) error {
	waiting, err := filepath.Glob(filepath.Join(c.directory(), "spool", "*.access"))
	if err != nil {
		return err
	}
	if len(waiting) > 0 {
		return fmt.Errorf("nothing was taken away: %d accesses wait in %s until the platform stores them", len(waiting), filepath.Dir(waiting[0]))
	}
	kept, err := walk.GiveUp(ctx, needs)
	if err != nil {
		return err
	}
	if len(kept) > 0 {
		return fmt.Errorf("nothing was taken away: %s cannot be given up; run this again", strings.Join(kept, ", "))
	}
	// The walk does not wait for the disk. This entry does, and with it all that came before.
	err = c.recordKey(ctx, "older-dropped")
	if err != nil {
		return err
	}
	var ids []uint32
	for _, need := range needs {
		ids = append(ids, need.Key)
	}
	if c.MasterKeySocket != "" {
		var names []string
		for _, id := range ids {
			names = append(names, strconv.FormatUint(uint64(id), 10))
		}
		fmt.Printf("nothing needs the older keys: as the keeper's user run `oxlin rotate-key --master-key-file FILE --drop %s`, then restart `oxlin keeper`\n", strings.Join(names, ","))
		return nil
	}
	key, err := vault.Drop(c.vaultOptions(), ids)
	if err == nil {
		tellDropped(key)
	}
	return err
}

// tellDropped reports the end of older keys, and prints the content that is to replace a key that
// is not a file.
func tellDropped(key oxlin.Secret) {
	if key.IsZero() {
		fmt.Println("the key file is without the older keys; keep the older file as long as backups that need it, and restart the platform, or its keeper")
		return
	}
	fmt.Fprintln(os.Stderr, "this is the content without the older keys; keep the older one as long as backups that need it")
	fmt.Println(key.Reveal())
}

// idList is a list of keys, between commas. A repeated flag adds to it.
type idList []uint32

func (l *idList) UnmarshalText(text []byte) error {
	for _, word := range strings.Split(string(text), ",") {
		id, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return fmt.Errorf("%q is no key's number", word)
		}
		*l = append(*l, uint32(id))
	}
	return nil
}
