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

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// databaseFlags name the database, the data directory and the master key.
type databaseFlags struct {
	Data             string     `help:"Directory for the database, the master key and the test bank: oxlin-data unless given, a fresh one for quickstart." type:"path" placeholder:"DIR"`
	Database         string     `help:"sqlite:PATH or postgres://...; without it SQLite in the data directory." placeholder:"URL"`
	Relaxed          bool       `help:"Let SQLite answer before the disk has the data: faster, and a power cut may lose the last moments."`
	MasterKeyCommand string     `help:"A command that prints the master key: the client of a key management service." placeholder:"COMMAND"`
	MasterKey        secretFlag `help:"The key that seals secrets at rest, in place of the file master.key in the data directory. Give it by the environment." placeholder:"KEY"`
}

// secretFlag is a flag whose value is never printed.
type secretFlag struct{ oxlin.Secret }

func (f *secretFlag) UnmarshalText(text []byte) error {
	f.Secret = oxlin.NewSecret(string(text))
	return nil
}

func (f databaseFlags) directory() string { return cmp.Or(f.Data, "oxlin-data") }

// open opens the database and brings it up to date.
func (f databaseFlags) open(ctx context.Context) (*store.DB, error) {
	err := os.MkdirAll(f.directory(), 0o700)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	address := f.Database
	if address == "" {
		address = "sqlite:" + filepath.Join(f.directory(), "oxlin.db")
	}
	db, err := store.Open(ctx, address, store.Options{Relaxed: f.Relaxed})
	if err != nil {
		return nil, err
	}
	err = db.Migrate(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// migrateJobs makes the job engine's tables.
func migrateJobs(ctx context.Context, db *store.DB) error {
	engine, err := jobs.New(jobs.Options{DB: db, Now: time.Now, Log: slog.Default()})
	if err != nil {
		return err
	}
	return engine.Migrate(ctx)
}

func (f databaseFlags) vault() (*vault.Vault, error) {
	return vault.Open(f.vaultOptions())
}

func (f databaseFlags) vaultOptions() vault.Options {
	return vault.Options{
		KeyFile: filepath.Join(f.directory(), "master.key"), Key: f.MasterKey.Secret, Command: f.MasterKeyCommand,
	}
}
