package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/jobs"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/transfer"
)

type migrateCommand struct {
	databaseFlags
	From            string `arg:"--from,env:OXLIN_FROM" help:"Copy everything from this database into --to, which is empty: sqlite:PATH or postgres://... Stop the platform first, and serve the copy with the same --data." placeholder:"URL"`
	To              string `arg:"--to,env:OXLIN_TO" help:"The database that --from is copied into. A copy that was interrupted goes on if the command is repeated." placeholder:"URL"`
	DatabaseInClear bool   `arg:"--database-in-clear,env:OXLIN_DATABASE_IN_CLEAR" help:"Let --from and --to lead to PostgreSQL on another machine without sslmode=verify-full."`
	DropSandbox     bool   `arg:"--drop-sandbox,env:OXLIN_DROP_SANDBOX" help:"Make a real database of a sandbox's: delete its two clients with all of their users, and every connection to its banks."`
}

// Run brings the platform's tables and those of the job engine up to date, or copies them.
func (c migrateCommand) Run(ctx context.Context) error {
	if c.From != "" || c.To != "" {
		return c.move(ctx)
	}
	db, err := c.create(ctx, store.Options{Sandbox: true})
	if err != nil {
		return err
	}
	defer db.Close()
	err = migrateJobs(ctx, db)
	if err != nil {
		return err
	}
	fmt.Println("the database is up to date")
	if !c.DropSandbox {
		return nil
	}
	release, err := store.Claim(c.address()) // not while the sandbox is served
	if err != nil {
		return wayOut(err)
	}
	return errors.Join(dropSandbox(ctx, db), release())
}

// dropSandbox makes a real database of a sandbox's. Accesses are not revoked: the banks
// are the test bank's.
func dropSandbox(ctx context.Context, db *store.DB) error {
	now, err := db.Installation(ctx)
	if err != nil {
		return err
	}
	if now.Kind != store.KindSandbox {
		return errors.New("this is not the database of a sandbox: nothing was deleted")
	}
	sandbox, err := catalogue.Load(catalogue.Options{Sandbox: true, TestBankURL: "http://127.0.0.1", Now: time.Now, Rand: rand.Reader})
	if err != nil {
		return err
	}
	var banks []oxlin.ProviderID
	for _, provider := range sandbox.Providers() {
		banks = append(banks, provider.ID)
	}
	err = db.Write(ctx, func(tx *store.Tx) error {
		clients, err := tx.Read().Clients(ctx)
		if err != nil {
			return err
		}
		for _, client := range clients {
			if !client.Sandbox {
				continue
			}
			err = newAudit(db, nil).Record(ctx, tx, audit.Entry{Action: audit.ClientDeleted, Client: client.ID})
			if err != nil {
				return err
			}
		}
		return tx.DropSandbox(ctx, banks)
	})
	if err != nil {
		return err
	}
	fmt.Println("the sandbox's clients, their users and the connections to its banks are deleted; the database is a real one now")
	return nil
}

// move copies one database into another one.
func (c migrateCommand) move(ctx context.Context) (err error) {
	switch {
	case c.From == "" || c.To == "" || c.DropSandbox:
		return errors.New("--from and --to belong together, without --drop-sandbox")
	case !c.DatabaseInClear && (store.Exposed(c.From) || store.Exposed(c.To)):
		return errors.New("others may read what goes to PostgreSQL: give its address sslmode=verify-full, or allow it by --database-in-clear")
	}
	for _, address := range []string{c.From, c.To} {
		release, claimErr := store.Claim(address)
		if claimErr != nil {
			return wayOut(claimErr)
		}
		defer func() { err = errors.Join(err, release()) }()
	}
	from, err := databaseFlags{Data: c.Data, Database: c.From}.open(ctx, store.Options{Sandbox: true})
	if err != nil {
		return err
	}
	defer from.Close()
	working, err := jobs.Working(ctx, from)
	if err == nil && working {
		err = fmt.Errorf("%w: stop every `oxlin serve` of --from first", store.ErrServed)
	}
	if err != nil {
		return err
	}
	to, err := store.Open(ctx, c.To, store.Options{Sandbox: true, Filling: true})
	if err != nil {
		return err
	}
	defer to.Close()
	rows := 0
	err = transfer.Run(ctx, transfer.Options{
		From: from, To: to,
		Jobs: func(ctx context.Context) error {
			err := migrateJobs(ctx, to)
			if err != nil {
				return err
			}
			waiting, err := jobs.Transfer(ctx, from, to)
			if err == nil {
				fmt.Println("jobs that wait:", waiting)
			}
			return err
		},
		Copied:   func(table string, n int) { fmt.Printf("%s: %d copied\n", table, n) },
		Compared: func(_ string, n int) { rows += n },
	})
	if err != nil {
		return wayOut(err)
	}
	databaseFlags{Data: c.Data, Database: c.To}.keepPrivate()
	err = to.Write(ctx, func(tx *store.Tx) error {
		return newAudit(to, nil).Record(ctx, tx, audit.Entry{Action: audit.Copied, Details: audit.Details{audit.Kind: string(from.Dialect())}})
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d rows are equal in both databases. Serve the new one with the same --data, and never the old one again\n", rows)
	return nil
}
