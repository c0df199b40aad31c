package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/installation"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
)

type rederiveCommand struct {
	databaseFlags
	bankFlags
	Connection int64 `arg:"--connection,env:OXLIN_CONNECTION" help:"Only this connection." placeholder:"ID"`
	DryRun     bool  `arg:"--dry-run,env:OXLIN_DRY_RUN" help:"Show what would change, and change nothing."`
}

// Run reads the rows of one connection, or of all, anew and prints what changed. It may run
// beside a platform, and again after an interruption.
func (c rederiveCommand) Run(ctx context.Context) error {
	db, err := c.open(ctx, store.Options{Sandbox: c.Sandbox})
	if err != nil {
		return err
	}
	defer db.Close()
	now, err := db.Installation(ctx)
	if err != nil {
		return err
	}
	err = installation.Fits(now, c.Sandbox)
	if err != nil {
		return wayOut(err)
	}
	engine, err := c.engine(ctx, db)
	if err != nil {
		return err
	}
	return c.rederive(ctx, db, engine, os.Stdout)
}

// engine returns an engine that sends its events to nobody: they are in the queues alone.
func (c rederiveCommand) engine(ctx context.Context, db *store.DB) (*synchro.Engine, error) {
	v, err := c.vault(ctx, db)
	if err != nil {
		return nil, err
	}
	banks, err := c.catalogue(catalogue.Options{
		TestBankURL: cmp.Or(c.TestbankURL, "http://127.0.0.1:8081"), Now: time.Now, Rand: rand.Reader, Log: slog.Default(),
	})
	if err != nil {
		return nil, err
	}
	return synchro.New(synchro.Options{
		DB: db, Vault: v, Catalogue: banks, Events: event.Log{}, Audit: newAudit(db, v), Now: time.Now, Log: slog.Default(),
	}), nil
}

// rederive prints a line for each connection with rows.
func (c rederiveCommand) rederive(ctx context.Context, db *store.DB, engine *synchro.Engine, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "CONNECTION\tROWS\tCHANGED\tNEW\tMEMBERS\n")
	left := 0
	one := func(id oxlin.ConnectionID) error {
		found, err := engine.Rederive(ctx, id, c.DryRun)
		switch {
		case ctx.Err() != nil || c.Connection != 0 && err != nil:
			return err
		case oxlin.IsNotFound(err): // deleted meanwhile
		case err != nil:
			left++
			fmt.Fprintf(os.Stderr, "connection %s: %v\n", id, err)
		case found.Rows+found.New > 0:
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\n", id, found.Rows, found.Changed, found.New, members(found.Members))
		}
		return nil
	}
	err := c.each(ctx, db, one)
	if err != nil {
		return err
	}
	err = table.Flush()
	if err != nil {
		return err
	}
	if left > 0 {
		return fmt.Errorf("%d connections are as they were", left)
	}
	return nil
}

// each calls a function for the connection of the flag, or for all.
func (c rederiveCommand) each(ctx context.Context, db *store.DB, do func(oxlin.ConnectionID) error) error {
	if c.Connection != 0 {
		return do(oxlin.ConnectionID(c.Connection))
	}
	const some = 200
	var first oxlin.ConnectionID
	for {
		ids, err := db.Read().DerivedBefore(ctx, math.MaxInt, first, some)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			err := do(id)
			if err != nil {
				return err
			}
		}
		first = ids[len(ids)-1] + 1
	}
}

// members lists the changed members with their counts, the most frequent first.
func members(counts map[string]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(names, ", ")
}
