package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
)

type auditCommands struct {
	Show   *showAudit   `arg:"subcommand:show" help:"Print entries of the audit log for people, the oldest first."`
	Export *exportAudit `arg:"subcommand:export" help:"Print entries as lines of JSON; without a filter the whole log with its seals."`
	Verify *verifyAudit `arg:"subcommand:verify" help:"Check that no sealed entry was changed, removed, inserted or moved."`
}

// auditFilter selects entries.
type auditFilter struct {
	User       oxlin.UserID       `arg:"--user,env:OXLIN_USER" help:"Only entries about this user, while the user exists." placeholder:"ID"`
	Client     oxlin.ClientID     `arg:"--client,env:OXLIN_CLIENT" help:"Only entries of this client." placeholder:"ID"`
	Connection oxlin.ConnectionID `arg:"--connection,env:OXLIN_CONNECTION" help:"Only entries about this connection." placeholder:"ID"`
	Consent    int64              `arg:"--consent,env:OXLIN_CONSENT" help:"Only the life of this consent." placeholder:"ID"`
	Account    oxlin.AccountID    `arg:"--account,env:OXLIN_ACCOUNT" help:"Only entries about this account." placeholder:"ID"`
	Request    string             `arg:"--request,env:OXLIN_REQUEST" help:"Only entries that this request of ours led to." placeholder:"ID"`
	Action     string             `arg:"--action,env:OXLIN_ACTION" help:"Only this action." placeholder:"ACTION"`
	Since      string             `arg:"--since,env:OXLIN_SINCE" help:"Only entries from this day or instant on: 2026-11-29 or 2026-11-29T16:00:00Z." placeholder:"TIME"`
	Until      string             `arg:"--until,env:OXLIN_UNTIL" help:"Only entries before this day or instant." placeholder:"TIME"`
}

func (f auditFilter) filter() (audit.Filter, error) {
	since, err := instantOf("since", f.Since)
	if err != nil {
		return audit.Filter{}, err
	}
	until, err := instantOf("until", f.Until)
	if err != nil {
		return audit.Filter{}, err
	}
	if f.Action != "" && !slices.Contains(audit.Actions, audit.Action(f.Action)) {
		return audit.Filter{}, fmt.Errorf("--action: %q is none of %v", f.Action, audit.Actions)
	}
	return audit.Filter{
		User: f.User, Client: f.Client, Connection: f.Connection, Consent: f.Consent, Account: f.Account, RequestID: f.Request,
		Action: audit.Action(f.Action), Since: since, Until: until,
	}, nil
}

// instantOf reads an instant, or the beginning of a day in UTC.
func instantOf(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		at, err := time.Parse(layout, text)
		if err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--%s: want a day such as 2026-11-29, or an instant such as 2026-11-29T16:00:00Z", flag)
}

// withAudit opens the audit log for one command.
func (f databaseFlags) withAudit(ctx context.Context, do func(context.Context, *audit.Log) error) error {
	db, err := f.open(ctx, store.Options{Sandbox: true})
	if err != nil {
		return err
	}
	defer db.Close()
	v, err := f.vault(ctx, db)
	if err != nil {
		return err
	}
	return do(audit.As(ctx, audit.Command, ""), newAudit(db, v))
}

type showAudit struct {
	databaseFlags
	auditFilter
	Reason string `arg:"--reason,env:OXLIN_REASON" help:"Why you look; it is recorded." placeholder:"TEXT"`
}

// Run prints a line for each entry, and records that they were seen.
func (c showAudit) Run(ctx context.Context) error {
	filter, err := c.filter()
	if err != nil {
		return err
	}
	return c.withAudit(ctx, func(ctx context.Context, log *audit.Log) error {
		log.Note(ctx, audit.Entry{
			Action: audit.OperatorSaw, Client: filter.Client, User: filter.User, Connection: filter.Connection, Consent: filter.Consent,
			Reason: c.Reason, Details: audit.Details{audit.Page: "audit"},
		})
		err := log.Flush(ctx)
		if err != nil {
			return err
		}
		return printEntries(ctx, log, filter, os.Stdout)
	})
}

func printEntries(ctx context.Context, log *audit.Log, filter audit.Filter, out io.Writer) error {
	const page = 500
	for {
		lines, err := log.Find(ctx, filter, page)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, line := range lines {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", line.At.UTC().Format("2006-01-02 15:04:05"), line.Action, line.Outcome, line.Actor, facts(line))
			filter.After = line.ID
		}
		err = table.Flush()
		if err != nil || len(lines) < page {
			return err
		}
	}
}

// facts lists the facts of an entry that it has.
func facts(l audit.Line) string {
	var facts []string
	add := func(name, value string) {
		if value != "" && value != "0" {
			facts = append(facts, name+"="+value)
		}
	}
	add("client", string(l.Client))
	add("user", l.User.String())
	if l.User == 0 {
		add("subject", l.Subject)
	}
	add("connection", l.Connection.String())
	add("consent", strconv.FormatInt(l.Consent, 10))
	add("account", l.Account.String())
	add("request", l.RequestID)
	add("source", l.Source)
	for _, name := range slices.Sorted(maps.Keys(l.Details)) {
		add(name, l.Details[name])
	}
	if l.Reason != "" {
		add("reason", strconv.Quote(l.Reason))
	}
	return strings.Join(facts, " ")
}

type exportAudit struct {
	databaseFlags
	auditFilter
}

// Run prints the lines, and records the export.
func (c exportAudit) Run(ctx context.Context) error {
	filter, err := c.filter()
	if err != nil {
		return err
	}
	return c.withAudit(ctx, func(ctx context.Context, log *audit.Log) error {
		_, err := log.Export(ctx, os.Stdout, filter)
		return err
	})
}

type verifyAudit struct {
	databaseFlags
	File existingFile `arg:"--file,env:OXLIN_FILE" help:"Check an export of the whole log in place of the database." placeholder:"FILE"`
	Head string       `arg:"--head,env:OXLIN_HEAD" help:"A batch that was noted before, by this command or in the platform's log: the chain must lead through it." placeholder:"BATCH:HASH"`
}

// Run prints what was found in order, and fails with the first fault.
func (c verifyAudit) Run(ctx context.Context) error {
	anchor, err := anchorOf(c.Head)
	if err != nil {
		return err
	}
	return c.withAudit(ctx, func(ctx context.Context, log *audit.Log) error {
		verify := func() (audit.Verified, error) { return log.Verify(ctx, anchor) }
		if c.File != "" {
			file, err := os.Open(string(c.File))
			if err != nil {
				return err
			}
			defer file.Close()
			verify = func() (audit.Verified, error) { return log.VerifyFile(file, anchor) }
		}
		found, err := verify()
		if err != nil {
			return err
		}
		fmt.Printf("in order: %d batches with %d entries; of %d batches the retention is over\n", found.Batches, found.Entries, found.Dropped)
		if found.Unsealed > 0 {
			fmt.Printf("not sealed yet: %d entries\n", found.Unsealed)
		}
		fmt.Printf("head %d:%s\n", found.Batches, found.Head)
		return nil
	})
}

func anchorOf(text string) (audit.Anchor, error) {
	if text == "" {
		return audit.Anchor{}, nil
	}
	batch, hash, ok := strings.Cut(text, ":")
	number, err := strconv.ParseInt(batch, 10, 64)
	decoded, hashErr := hex.DecodeString(hash)
	if !ok || err != nil || hashErr != nil || number < 1 {
		return audit.Anchor{}, errors.New("--head: want BATCH:HASH, as `oxlin audit verify` prints it")
	}
	return audit.Anchor{Batch: number, Hash: decoded}, nil
}
