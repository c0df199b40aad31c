package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/bank/catalogue"
)

type bankCommands struct {
	List   *listBanks   `arg:"subcommand:list" help:"List the banks of the catalogue, and what this installation lacks to reach each. Run it with the settings of serve."`
	Check  *checkBank   `arg:"subcommand:check" help:"Call each server of a bank once, with our certificate and without a token. Run it with the settings of serve."`
	Import *importBanks `arg:"subcommand:import" help:"Write the banks of an aggregator into the directory of --providers. Ids stay for ever; what was written into a file by hand stays. Run it with the settings of serve."`
}

type listBanks struct {
	bankFlags
	Lacking bool `arg:"--lacking,env:OXLIN_LACKING" help:"List only the banks that are offered to nobody."`
}

// Run prints one line for each provider.
func (c listBanks) Run(context.Context) error {
	known, err := c.known()
	if err != nil {
		return err
	}
	return writeBanks(os.Stdout, known.Providers(), c.Lacking)
}

// writeBanks prints a table of providers.
func writeBanks(w io.Writer, providers []oxlin.Provider, lacking bool) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "ID\tNAME\tCOUNTRY\tBANK CODES\tMODES\tSTATE\tLACKS\n")
	for _, p := range providers {
		if lacking && p.Offered() {
			continue
		}
		var modes []string
		for _, definition := range p.ChannelDefinitions {
			modes = append(modes, string(definition.Mode))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, strings.TrimSpace(p.Name+" "+p.BranchName), p.CountryCode,
			strings.Join(p.BankCodes, " "), strings.Join(modes, " "), stateOf(p), strings.Join(p.Lacks, "; "))
	}
	return table.Flush()
}

// stateOf returns why end users find a provider, or do not.
func stateOf(p oxlin.Provider) string {
	switch {
	case len(p.ChannelDefinitions) == 0:
		return "no interface"
	case !p.Offered():
		return "not configured"
	case p.Unavailable:
		return "unavailable"
	}
	return "offered"
}

type checkBank struct {
	bankFlags
	ID string `arg:"positional,required" placeholder:"ID" help:"The id of the bank, as oxlin bank list shows it."`
}

var errUnreached = errors.New("a server of the bank was not reached")

// Run prints one line for each server of the bank. It fails if one was not reached.
func (c checkBank) Run(ctx context.Context) error {
	known, err := c.known()
	if err != nil {
		return err
	}
	contacts, err := known.Check(ctx, oxlin.ProviderID(c.ID))
	if err != nil {
		return err
	}
	provider, _ := known.Provider(oxlin.ProviderID(c.ID))
	for _, lack := range provider.Lacks {
		fmt.Println("lacks", lack)
	}
	return writeContacts(os.Stdout, contacts)
}

func writeContacts(w io.Writer, contacts []catalogue.Contact) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "CHANNEL\tSERVER\tADDRESS\tANSWER\tTLS\tCERTIFICATE UNTIL\n")
	var failed error
	for _, one := range contacts {
		answer, until := fmt.Sprintf("HTTP %d", one.Status), ""
		if one.Err != nil {
			answer, failed = one.Err.Error(), errUnreached
		}
		if !one.Until.IsZero() {
			until = one.Until.Format(time.DateOnly)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", one.Definition, one.Name, one.Address, answer, cmp.Or(one.TLS, "-"), cmp.Or(until, "-"))
	}
	return errors.Join(table.Flush(), failed)
}

// known reads the catalogue as serve does, and calls no bank.
func (f bankFlags) known() (*catalogue.Catalogue, error) {
	return f.catalogue(catalogue.Options{TestBankURL: "http://127.0.0.1:8081", Now: time.Now, Rand: rand.Reader})
}
