package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
	"github.com/oxlin/oxlin/internal/connect"
	"github.com/oxlin/oxlin/internal/event"
	"github.com/oxlin/oxlin/internal/installation"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/synchro"
)

type importCommand struct {
	databaseFlags
	bankFlags
	File           existingFile `arg:"positional,required" help:"The file of statements that the bank lets its customers download." placeholder:"FILE"`
	User           int64        `arg:"--user,env:OXLIN_USER" help:"Whose accounts they are." placeholder:"ID"`
	Provider       string       `arg:"--provider,env:OXLIN_PROVIDER" help:"The bank; without it the one whose code is in the file's account numbers, else My bank's file." placeholder:"ID"`
	Connection     int64        `arg:"--connection,env:OXLIN_CONNECTION" help:"The connection, in the place of a bank." placeholder:"ID"`
	Account        string       `arg:"--account,env:OXLIN_ACCOUNT" help:"The account of a file that names none: an id, or new." placeholder:"ID"`
	Mapping        string       `arg:"--mapping,env:OXLIN_MAPPING" help:"How a CSV or QIF file is read that does not tell it, as the command prints it." placeholder:"JSON"`
	AddDifferences bool         `arg:"--add-differences,env:OXLIN_ADD_DIFFERENCES" help:"Add what differs within the days that a channel has read, too."`
}

// Run imports a file and prints a line for each of its accounts. It may run beside a platform, and
// again after an interruption.
func (c importCommand) Run(ctx context.Context) error {
	file, err := c.read()
	if err != nil {
		return err
	}
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
	v, err := c.vault(ctx, db)
	if err != nil {
		return err
	}
	banks, err := c.catalogue(catalogue.Options{
		TestBankURL: cmp.Or(c.TestbankURL, "http://127.0.0.1:8081"), Now: time.Now, Rand: rand.Reader, Log: slog.Default(),
	})
	if err != nil {
		return err
	}
	log := newAudit(db, v)
	engine := synchro.New(synchro.Options{DB: db, Vault: v, Catalogue: banks, Events: event.Log{}, Audit: log, Now: time.Now, Log: slog.Default()})
	service := connect.New(connect.Options{
		DB: db, Vault: v, Catalogue: banks, Engine: engine, Events: event.Log{}, Audit: log, Now: time.Now, Rand: rand.Reader, Log: slog.Default(),
	})
	user, err := db.Read().User(ctx, oxlin.UserID(c.User))
	if oxlin.IsNotFound(err) {
		return fmt.Errorf("there is no user %d: give the id of one with --user", c.User)
	}
	if err != nil {
		return err
	}
	client, err := db.Read().Client(ctx, user.ClientID)
	if err != nil {
		return err
	}
	caller := oxlin.Caller{Client: client, UserID: user.ID}
	done, err := c.importInto(audit.As(ctx, audit.Command, ""), service, banks.Providers(), caller, file)
	if err != nil {
		return explained(err, os.Stdout)
	}
	return writeImported(os.Stdout, done)
}

// read reads the file and the answers to what it leaves open.
func (c importCommand) read() (file connect.NewImport, err error) {
	if c.Provider != "" && c.Connection != 0 {
		return file, errors.New("--provider goes without --connection")
	}
	file.AddDifferences, file.NewAccount = c.AddDifferences, c.Account == "new"
	if c.Account != "" && !file.NewAccount {
		var ok bool
		file.Account, ok = oxlin.ParseID[oxlin.AccountID](c.Account)
		if !ok {
			return file, fmt.Errorf("--account %s: want an id, or new", c.Account)
		}
	}
	if c.Mapping != "" {
		err = json.Unmarshal([]byte(c.Mapping), &file.Mapping)
		if err != nil {
			return file, fmt.Errorf("--mapping: %w", err)
		}
	}
	open, err := os.Open(string(c.File))
	if err != nil {
		return file, err
	}
	defer open.Close()
	file.Content, err = io.ReadAll(io.LimitReader(open, connect.MostFileBytes+1))
	return file, err
}

func (c importCommand) importInto(ctx context.Context, service *connect.Service, banks []oxlin.Provider, caller oxlin.Caller, file connect.NewImport) (connect.Imported, error) {
	if c.Connection != 0 {
		return service.Imports.IntoConnection(ctx, caller, oxlin.ConnectionID(c.Connection), file)
	}
	provider := oxlin.ProviderID(c.Provider)
	if at := slices.IndexFunc(banks, func(p oxlin.Provider) bool { return p.Files }); provider == "" && at >= 0 {
		provider = banks[at].ID
	}
	return service.Imports.AtProvider(ctx, caller, provider, file)
}

// explained prints the question that a file leaves open, and tells how to answer it.
func explained(err error, out io.Writer) error {
	var account *connect.AccountQuestion
	var how *connect.MappingQuestion
	switch {
	case errors.As(err, &account):
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprint(table, "ACCOUNT\tNAME\tNUMBER\n")
		for _, a := range account.Accounts {
			fmt.Fprintf(table, "%s\t%s\t%s\n", a.ID, cmp.Or(a.Name, string(a.Type)), cmp.Or(a.IBAN, a.Number, a.MaskedNumber))
		}
		return errors.Join(table.Flush(), errors.New("the file does not tell its account: give one of these with --account, or --account new"))
	case errors.As(err, &how):
		for _, row := range how.Sample {
			fmt.Fprintln(out, strings.Join(row, " | "))
		}
		mapping, marshalErr := json.Marshal(how.Mapping)
		if marshalErr != nil {
			return marshalErr
		}
		fmt.Fprintf(out, "%s\n", mapping)
		return fmt.Errorf("the file can be read in several ways: complete this mapping (%v) and give it with --mapping", how.Unsure)
	}
	return err
}

// writeImported prints a line for each account.
func writeImported(out io.Writer, done connect.Imported) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "CONNECTION\tACCOUNT\tNEW\tCHANGED\tKNOWN\tDIFFERENT\tUNREADABLE\n")
	for _, a := range done.Accounts {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%d\n", a.Account.ConnectionID, a.Account.ID, a.Added, a.Changed, a.Known, a.Different, a.Unreadable)
	}
	for _, a := range done.Accounts {
		for _, d := range a.Differences {
			fmt.Fprintf(table, "account %s differs on %s\t%s %s\t%s\n", a.Account.ID, d.Date, d.Amount, d.Currency, d.Label)
		}
	}
	return table.Flush()
}
