package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/oxlin/oxlin/internal/installation"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/transfer"
	"github.com/oxlin/oxlin/internal/vault"
)

// databaseFlags name the database, the data directory and the master key.
type databaseFlags struct {
	Data           filePath `arg:"--data,env:OXLIN_DATA" help:"Directory for the database, the master key and the test bank: oxlin-data unless given, a fresh one for quickstart." placeholder:"DIR"`
	Database       string   `arg:"--database,env:OXLIN_DATABASE" help:"sqlite:PATH or postgres://...; without it SQLite in the data directory." placeholder:"URL"`
	DatabaseDirect string   `arg:"--database-direct,env:OXLIN_DATABASE_DIRECT" help:"postgres://... of the same database past a pooler of connections such as PgBouncer, to which --database leads then." placeholder:"URL"`
	Relaxed        bool     `arg:"--relaxed,env:OXLIN_RELAXED" help:"Let SQLite answer before the disk has the data: faster, and a power cut may lose the last moments."`
	keyFlags
}

func (f databaseFlags) directory() string { return cmp.Or(string(f.Data), "oxlin-data") }

// address is the database's address.
func (f databaseFlags) address() string {
	return cmp.Or(f.Database, "sqlite:"+filepath.Join(f.directory(), "oxlin.db"))
}

// makeDirectory makes the data directory, which may exist.
func (f databaseFlags) makeDirectory() error {
	err := os.MkdirAll(f.directory(), 0o700)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// create opens the database and brings it up to date. An SQLite database that does not
// exist is made.
func (f databaseFlags) create(ctx context.Context, options store.Options) (*store.DB, error) {
	err := f.makeDirectory()
	if err != nil {
		return nil, err
	}
	options.Relaxed, options.Direct = f.Relaxed, f.DatabaseDirect
	db, err := store.Open(ctx, f.address(), options)
	if err != nil {
		return nil, wayOut(err)
	}
	err = db.Migrate(ctx)
	if err != nil {
		return nil, errors.Join(wayOut(err), db.Close())
	}
	f.keepPrivate()
	return db, nil
}

// open opens a database that exists and is up to date. It changes neither, because the
// command may run beside a platform of another version, or with a mistyped address.
func (f databaseFlags) open(ctx context.Context, options store.Options) (*store.DB, error) {
	options.Relaxed, options.Direct, options.Existing = f.Relaxed, f.DatabaseDirect, true
	db, err := store.Open(ctx, f.address(), options)
	if err != nil {
		return nil, wayOut(err)
	}
	err = db.CheckSchema(ctx)
	if err != nil {
		return nil, errors.Join(wayOut(err), db.Close())
	}
	return db, nil
}

// ways lists what an operator does after an error of the start.
var ways = []struct {
	err error
	way string
}{
	{store.ErrAbsent, "give the --data or --database of the platform, or make a new one with `oxlin migrate`"},
	{store.ErrEmpty, "give the --data or --database of the platform, or make them with `oxlin migrate`"},
	{store.ErrOlder, "run `oxlin migrate` first"},
	{store.ErrNewer, "run that version, or restore the backup from before its first start"},
	{store.ErrUnfinished, "repeat `oxlin migrate --from ... --to ...`, or drop it and begin anew"},
	{store.ErrNotEmpty, "give a --to without tables"},
	{transfer.ErrDiffers, "stop whoever writes to one of the two, drop --to, and begin anew"},
	{store.ErrNoPooler, "leave --database-direct out, or give a --database at PostgreSQL"},
	{store.ErrApart, "give --database-direct the server, the name and the schema of the database behind the pooler"},
	{store.ErrServed, "stop the other `oxlin serve` first, or give this one its own --data"},
	{installation.ErrNoKey, "restore it from its backup, or name it by --master-key-file, OXLIN_MASTER_KEY or --master-key-command; no new key opens what is sealed"},
	{vault.ErrAway, "start `oxlin keeper`, let it allow this user, and name its socket by --master-key-socket"},
	{installation.ErrOtherKey, "give the key of this database, or restore it from its backup"},
	{installation.ErrSandbox, "start with --sandbox, or remove them with `oxlin migrate --drop-sandbox`"},
	{installation.ErrReal, "start without --sandbox, or give the sandbox its own --data or --database"},
}

// wayOut adds to an error of the start what the operator does about it.
func wayOut(err error) error {
	for _, known := range ways {
		if errors.Is(err, known.err) {
			return fmt.Errorf("%w: %s", err, known.way)
		}
	}
	return err
}

// migrateJobs makes the job engine's tables.
func migrateJobs(ctx context.Context, db *store.DB) error {
	engine, err := jobs.New(jobs.Options{DB: db, Now: time.Now, Log: slog.Default()})
	if err != nil {
		return err
	}
	return wayOut(engine.Migrate(ctx))
}

// vault opens the vault of a database. A process with a keeper has no key of its own.
func (f databaseFlags) vault(ctx context.Context, db *store.DB) (*vault.Vault, error) {
	if f.MasterKeySocket != "" && (!f.MasterKey.IsZero() || f.MasterKeyCommand != "") {
		return nil, errors.New("the keeper has the master key: give this process --master-key-socket alone, without --master-key-command and OXLIN_MASTER_KEY")
	}
	v, err := installation.OpenVault(ctx, db, f.vaultOptions())
	return v, wayOut(err)
}

func (f databaseFlags) keyFile() string {
	return cmp.Or(string(f.MasterKeyFile), filepath.Join(f.directory(), "master.key"))
}

func (f databaseFlags) vaultOptions() vault.Options {
	return vault.Options{
		Socket: string(f.MasterKeySocket), KeyFile: f.keyFile(), Key: f.MasterKey.Secret, Command: f.MasterKeyCommand,
	}
}
