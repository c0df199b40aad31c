package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/directory"
)

// secretLifeFlags bound the life of clients' new secrets.
type secretLifeFlags struct {
	ClientSecretDays int `arg:"--client-secret-days,env:OXLIN_CLIENT_SECRET_DAYS" help:"After how many days a client's new secret is refused; 0 for no end. Secrets that exist keep what they have." default:"0"`
}

// check refuses a number of days that no secret may have.
func (f secretLifeFlags) check() error {
	err := directory.CheckSecretDays(f.ClientSecretDays)
	if err != nil {
		return fmt.Errorf("--client-secret-days: %s", oxlin.AsError(err).Message)
	}
	return nil
}

// printSecret prints a new secret of a client, and its end.
func printSecret(c oxlin.Client, secret oxlin.Secret) {
	fmt.Printf("client_secret  %s\n", secret.Reveal())
	if end := c.Secrets[0].EndsAt; !end.IsZero() {
		fmt.Printf("ends           %s\n", end.UTC().Format(time.RFC3339))
	}
}

// secretsOf tells the ends of a client's secrets in a list.
func secretsOf(c oxlin.Client, now time.Time) string {
	if len(c.Secrets) == 0 {
		return "none"
	}
	ends := make([]string, len(c.Secrets))
	for i, secret := range c.Secrets {
		switch {
		case secret.EndsAt.IsZero():
			ends[i] = "no end"
		case secret.Ended(now):
			ends[i] = "ended " + secret.EndsAt.UTC().Format(time.DateOnly)
		default:
			ends[i] = "until " + secret.EndsAt.UTC().Format(time.DateOnly)
		}
	}
	return strings.Join(ends, ", ")
}

// secretWarnings warns of the secrets of a client that end soon.
func secretWarnings(c oxlin.Client, now time.Time) []string {
	var warnings []string
	for _, secret := range c.SecretsEndingSoon(now) {
		warnings = append(warnings, fmt.Sprintf("the secret %s of client %s ends at %s: replace it with `oxlin client rotate-secret %s`",
			secret.Fingerprint(), c.ID, secret.EndsAt.UTC().Format(time.RFC3339), c.ID))
	}
	return warnings
}

func printWarnings(warnings []string) {
	for _, warning := range warnings {
		fmt.Fprintln(os.Stderr, "oxlin: warning:", warning)
	}
}

type showClient struct {
	databaseFlags
	ClientID oxlin.ClientID `arg:"positional,required" help:"The client." placeholder:"CLIENT_ID"`
}

// Run prints the client and a line for each of its secrets.
func (c showClient) Run(ctx context.Context) error {
	return c.withClients(ctx, nil, func(clients *directory.Clients) error {
		client, err := clients.Get(ctx, c.ClientID)
		if err != nil {
			return err
		}
		uses, err := clients.SecretUses(ctx, c.ClientID)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "client_id\t%s\nname\t%q\ncreated\t%s\nauthentication\t%s\n", client.ID, client.Name,
			client.CreatedAt.UTC().Format(time.RFC3339), client.AuthenticatesBy())
		for _, uri := range client.RedirectURIs {
			fmt.Fprintf(table, "redirect_uri\t%s\n", uri)
		}
		for _, secret := range client.Secrets {
			day := "unknown"
			if used, ok := uses[secret.Fingerprint()]; ok {
				day = used.UTC().Format(time.DateOnly)
			}
			fmt.Fprintf(table, "secret\t%s, made %s, %s, last used %s\n", secret.Fingerprint(), known(secret.MadeAt), end(secret, time.Now()), day)
		}
		err = table.Flush()
		printWarnings(secretWarnings(client, time.Now()))
		return err
	})
}

// known tells a time that may be unknown.
func known(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format(time.RFC3339)
}

// end tells the end of a secret.
func end(secret oxlin.ClientSecret, now time.Time) string {
	switch {
	case secret.EndsAt.IsZero():
		return "no end"
	case secret.Ended(now):
		return "ended " + known(secret.EndsAt)
	}
	return "ends " + known(secret.EndsAt)
}

// endingSecrets warns in the log, once a day and secret, of secrets of clients that end soon.
type endingSecrets struct {
	clients *directory.Clients
	now     func() time.Time
	log     *slog.Logger
	// told has the days of the warnings by client and secret.
	told map[string]time.Time
}

// Sweep writes the warnings. One sweep runs at a time in a process.
func (e endingSecrets) Sweep(ctx context.Context) error {
	clients, err := e.clients.List(ctx)
	if err != nil {
		return err
	}
	now := e.now()
	today := now.UTC().Truncate(24 * time.Hour)
	for _, client := range clients {
		for _, secret := range client.SecretsEndingSoon(now) {
			key := string(client.ID) + " " + string(secret.Hash)
			if e.told[key].Equal(today) {
				continue
			}
			e.told[key] = today
			e.log.Warn("a client's secret ends soon: replace it", "client", client.ID, "secret", secret.Fingerprint(), "ends_at", secret.EndsAt)
		}
	}
	return nil
}
