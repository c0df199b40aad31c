package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/directory"
	"github.com/oxlin/oxlin/internal/notify"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

type clientCommands struct {
	Create       *createClient `arg:"subcommand:create" help:"Create a client and print its secret, which is never shown again."`
	List         *listClients  `arg:"subcommand:list" help:"List the clients, and warn of secrets that end within 30 days."`
	Show         *showClient   `arg:"subcommand:show" help:"Show a client and its secrets: when each was made, ends, and was last used. The secrets themselves are not kept."`
	RotateSecret *rotateSecret `arg:"subcommand:rotate-secret" help:"Give a client a new secret. The one before stays valid until its end or the next rotation."`
	Disable      *disable      `arg:"subcommand:disable" help:"Refuse a client and its users at every door, at once. What they have stays."`
	Enable       *enable       `arg:"subcommand:enable" help:"Let a disabled client and its users in again."`
	Authenticate *authenticate `arg:"subcommand:authenticate" help:"Let a client authenticate by signed assertions (private_key_jwt) or by certificates (tls_client_auth, self_signed_tls_client_auth) in place of its secret, or by its secret again."`
	Delete       *deleteClient `arg:"subcommand:delete" help:"Delete a client for ever. It is refused at every door at once; a running platform removes what it has."`

	ConfirmReturn *confirmReturn `arg:"subcommand:confirm-return" help:"Ask the client's users to confirm their return from the bank, where it sends them there itself."`
	WidgetFiles   *widgetFiles   `arg:"subcommand:widget-files" help:"Let the client's users send files of their bank in the widget."`
}

// withClients opens the database for one command about clients, with the settings that it
// changes.
func (f databaseFlags) withClients(ctx context.Context, settings []oxlin.Setting, do func(*directory.Clients) error) error {
	db, err := f.open(ctx, store.Options{Sandbox: true})
	if err != nil {
		return err
	}
	defer db.Close()
	v, err := f.vault(ctx, db) // a wrong master key is refused before the platform starts with it
	if err != nil {
		return err
	}
	return do(directory.NewClients(db, v, newAudit(db, v), time.Now, rand.Reader, settings...))
}

// newAudit returns the audit log for a command. It seals nothing: a platform does.
func newAudit(db *store.DB, v *vault.Vault) *audit.Log {
	return audit.New(audit.Options{DB: db, Vault: v, Now: time.Now, Log: slog.Default(), Actor: audit.Command})
}

type createClient struct {
	databaseFlags
	Name        string   `arg:"positional,required" help:"What people call it." placeholder:"NAME"`
	RedirectURI []string `arg:"--redirect-uri,env:OXLIN_REDIRECT_URI,separate" help:"Where its users may be sent back to; may be repeated." placeholder:"URI"`
	Licensed    bool     `arg:"--licensed,env:OXLIN_LICENSED" help:"It has a PSD2 agreement of its own."`
	Public      bool     `arg:"--public,env:OXLIN_PUBLIC" help:"It runs on its users' devices and has no secret."`
	settingFlags
	secretLifeFlags

	ConfirmReturn bool `arg:"--confirm-return,env:OXLIN_CONFIRM_RETURN" help:"Ask its users to confirm their return from the bank, where it sends them there itself."`
	WidgetFiles   bool `arg:"--widget-files,env:OXLIN_WIDGET_FILES" help:"Let its users send files of their bank in the widget."`
}

func (createClient) declares(ways []notify.Way) []oxlin.Setting { return notify.Settings(ways) }

// Run prints the new client's id and secret.
func (c createClient) Run(ctx context.Context) error {
	return c.withClients(ctx, notify.Settings(c.ways), func(clients *directory.Clients) error {
		client, secret, err := clients.Create(ctx, directory.NewClient{
			Name: c.Name, RedirectURIs: c.RedirectURI, Settings: c.values, Licensed: c.Licensed, Public: c.Public,
			ConfirmReturn: c.ConfirmReturn, WidgetFiles: c.WidgetFiles, SecretDays: c.ClientSecretDays,
		})
		if err != nil {
			return err
		}
		fmt.Printf("client_id      %s\n", client.ID)
		if !secret.IsZero() {
			printSecret(client, secret)
		}
		return nil
	})
}

type listClients struct{ databaseFlags }

// Run prints a line for each client.
func (c listClients) Run(ctx context.Context) error {
	db, err := c.open(ctx, store.Options{Sandbox: true})
	if err != nil {
		return err
	}
	defer db.Close()
	clients, err := db.Read().Clients(ctx)
	if err != nil {
		return err
	}
	table, now := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0), time.Now()
	fmt.Fprint(table, "CLIENT_ID\tNAME\tSTATE\tAGREEMENT\tAUTHENTICATION\tSECRETS\tRETURNS\tFILES\tREDIRECT URIS\n")
	var warnings []string
	for _, client := range clients {
		agreement, state, returns, files, targets := "ours", "enabled", "at once", "off", strings.Join(client.RedirectURIs, " ")
		if client.ConfirmReturn {
			returns = "confirmed"
		}
		if client.WidgetFiles {
			files = "on"
		}
		switch {
		case client.Deleting:
			state = "deleting"
		case client.Disabled:
			state = "disabled"
		}
		if client.Licensed {
			agreement = "own"
		}
		if client.AnyRedirectURI {
			targets = "any"
		}
		fmt.Fprintf(table, "%s\t%q\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", client.ID, client.Name, state, agreement, client.AuthenticatesBy(), secretsOf(client, now), returns, files, targets)
		warnings = append(warnings, secretWarnings(client, now)...)
	}
	err = table.Flush()
	printWarnings(warnings)
	return err
}

type rotateSecret struct {
	databaseFlags
	ClientID oxlin.ClientID `arg:"positional,required" help:"The client." placeholder:"CLIENT_ID"`
	AtOnce   bool           `arg:"--at-once,env:OXLIN_AT_ONCE" help:"End all other secrets now: one may have been stolen."`
	secretLifeFlags
}

// Run prints the new secret.
func (c rotateSecret) Run(ctx context.Context) error {
	return c.withClients(ctx, nil, func(clients *directory.Clients) error {
		secret, err := clients.RotateSecret(ctx, c.ClientID, directory.Rotation{AtOnce: c.AtOnce, Days: c.ClientSecretDays})
		if err != nil {
			return err
		}
		client, err := clients.Get(ctx, c.ClientID)
		if err != nil {
			return err
		}
		printSecret(client, secret)
		return nil
	})
}

type disable struct {
	databaseFlags
	ClientID oxlin.ClientID `arg:"positional,required" help:"The client." placeholder:"CLIENT_ID"`
}

// Run disables the client.
func (c disable) Run(ctx context.Context) error {
	return c.withClients(ctx, nil, func(clients *directory.Clients) error { return clients.SetDisabled(ctx, c.ClientID, true) })
}

type enable struct {
	databaseFlags
	ClientID oxlin.ClientID `arg:"positional,required" help:"The client." placeholder:"CLIENT_ID"`
}

// Run ends what disable began.
func (c enable) Run(ctx context.Context) error {
	return c.withClients(ctx, nil, func(clients *directory.Clients) error { return clients.SetDisabled(ctx, c.ClientID, false) })
}

type authenticate struct {
	databaseFlags
	ClientID    oxlin.ClientID `arg:"positional,required" help:"The client." placeholder:"CLIENT_ID"`
	Keys        existingFile   `arg:"--jwks,env:OXLIN_JWKS" help:"File with the JSON Web Key Set of the client's public keys." placeholder:"FILE"`
	KeysURI     string         `arg:"--jwks-uri,env:OXLIN_JWKS_URI" help:"Where the client publishes such a set; it is read again when keys change." placeholder:"URL"`
	SelfSigned  bool           `arg:"--self-signed,env:OXLIN_SELF_SIGNED" help:"The keys have certificates (x5c), and the client shows one of them when it connects (self_signed_tls_client_auth)."`
	SubjectDN   string         `arg:"--subject-dn,env:OXLIN_SUBJECT_DN" help:"The client shows a certificate of --client-ca with this subject (tls_client_auth), such as CN=app,O=Example,C=FR (RFC 4514)." placeholder:"NAME"`
	SANDNS      string         `arg:"--san-dns,env:OXLIN_SAN_DNS" help:"The same with this DNS name among its subject alternative names." placeholder:"NAME"`
	SANURI      string         `arg:"--san-uri,env:OXLIN_SAN_URI" help:"The same with this URI." placeholder:"URI"`
	SANIP       string         `arg:"--san-ip,env:OXLIN_SAN_IP" help:"The same with this IP address." placeholder:"ADDRESS"`
	SANEmail    string         `arg:"--san-email,env:OXLIN_SAN_EMAIL" help:"The same with this e-mail address." placeholder:"ADDRESS"`
	BoundTokens bool           `arg:"--bound-tokens,env:OXLIN_BOUND_TOKENS" help:"Bind its tokens to the certificate of the connection that asks for them; those of a client with certificates always are."`
	BySecret    bool           `arg:"--by-secret,env:OXLIN_BY_SECRET" help:"Forget keys and subject: the secrets work again. A public client has this with --bound-tokens."`
}

// Run registers the keys or the subject, or forgets them.
func (c authenticate) Run(ctx context.Context) error {
	by := oxlin.ClientAuthentication{
		Method: oxlin.AuthByPrivateKey, KeysURI: c.KeysURI, BoundTokens: c.BoundTokens,
		Subject: oxlin.CertificateSubject{DN: c.SubjectDN, DNS: c.SANDNS, URI: c.SANURI, IP: c.SANIP, Email: c.SANEmail},
	}
	if c.Keys != "" {
		var err error
		by.Keys, err = os.ReadFile(string(c.Keys))
		if err != nil {
			return err
		}
	}
	switch {
	case c.BySecret:
		by.Method = oxlin.AuthBySecret
	case c.SelfSigned:
		by.Method = oxlin.AuthBySelfSignedTLS
	case by.Subject != oxlin.CertificateSubject{}:
		by.Method = oxlin.AuthByTLS
	}
	return c.withClients(ctx, nil, func(clients *directory.Clients) error { return clients.SetAuthentication(ctx, c.ClientID, by) })
}

type deleteClient struct {
	databaseFlags
	ClientID  oxlin.ClientID `arg:"positional,required" help:"The client." placeholder:"CLIENT_ID"`
	WithUsers bool           `arg:"--with-users,env:OXLIN_WITH_USERS" help:"Delete its users too, with their connections, whose accesses are handed back to the banks."`
}

// Run begins the deletion. The workers of the platform have what it takes to end it: the
// connections to the banks.
func (c deleteClient) Run(ctx context.Context) error {
	return c.withClients(ctx, nil, func(clients *directory.Clients) error {
		err := clients.Delete(ctx, c.ClientID, c.WithUsers)
		if err != nil && oxlin.AsError(err).Code == oxlin.CodeConflict && !c.WithUsers {
			return fmt.Errorf("%s (--with-users, or oxlin client disable)", oxlin.AsError(err).Message)
		}
		if err != nil {
			return err
		}
		fmt.Println("the client is deleted: the running platform removes its users, connections and tokens within minutes")
		return nil
	})
}

type confirmReturn struct {
	databaseFlags
	ClientID oxlin.ClientID `arg:"positional,required" help:"The client." placeholder:"CLIENT_ID"`
	Off      bool           `arg:"--off,env:OXLIN_OFF" help:"Ask no more."`
}

// Run turns the question on or off.
func (c confirmReturn) Run(ctx context.Context) error {
	return c.withClients(ctx, nil, func(clients *directory.Clients) error { return clients.SetConfirmReturn(ctx, c.ClientID, !c.Off) })
}

type widgetFiles struct {
	databaseFlags
	ClientID oxlin.ClientID `arg:"positional,required" help:"The client." placeholder:"CLIENT_ID"`
	Off      bool           `arg:"--off,env:OXLIN_OFF" help:"Let them no longer."`
}

// Run turns the files in the widget on or off.
func (c widgetFiles) Run(ctx context.Context) error {
	return c.withClients(ctx, nil, func(clients *directory.Clients) error { return clients.SetWidgetFiles(ctx, c.ClientID, !c.Off) })
}
