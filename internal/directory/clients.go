package directory

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// Clients are the integrators' applications.
type Clients struct {
	db       *store.DB
	vault    *vault.Vault
	audit    *audit.Log
	now      func() time.Time
	random   io.Reader
	settings []oxlin.Setting
}

// NewClients makes Clients with the settings that other rooms declare.
func NewClients(db *store.DB, v *vault.Vault, log *audit.Log, now func() time.Time, random io.Reader, settings ...oxlin.Setting) *Clients {
	return &Clients{db, v, log, now, random, settings}
}

// List lists all clients, except those that are being deleted.
func (s *Clients) List(ctx context.Context) ([]oxlin.Client, error) {
	clients, err := s.db.Read().Clients(ctx)
	return slices.DeleteFunc(clients, func(c oxlin.Client) bool { return c.Deleting }), err
}

// SecretUses returns the days on which a client's secrets were last used, by oxlin.ClientSecret.Fingerprint:
// midnights in UTC. Secrets that were not used are absent.
func (s *Clients) SecretUses(ctx context.Context, id oxlin.ClientID) (map[string]time.Time, error) {
	uses, err := store.SecretUses(ctx, s.db.Read(), id)
	days := map[string]time.Time{}
	for _, use := range uses {
		days[oxlin.ClientSecret{Hash: use.Hash}.Fingerprint()] = use.Day
	}
	return days, err
}

// Get finds a client that is not being deleted.
func (s *Clients) Get(ctx context.Context, id oxlin.ClientID) (oxlin.Client, error) {
	return existing(ctx, s.db.Read(), id)
}

func existing(ctx context.Context, reader store.Reader, id oxlin.ClientID) (oxlin.Client, error) {
	c, err := reader.Client(ctx, id)
	if err == nil && c.Deleting {
		return oxlin.Client{}, oxlin.NotFound("client")
	}
	return c, err
}

// NewClient describes a client to be created.
type NewClient struct {
	// ID makes Create safe to repeat. If it is empty, a random one is chosen.
	ID oxlin.ClientID
	// Name is shown to people: 1 to 200 characters in one line.
	Name string
	// RedirectURIs are the addresses its users may return to: https, http on a
	// loopback address, or a private-use scheme (RFC 8252).
	RedirectURIs []string
	Licensed     bool
	// Settings are the values of declared settings, by their names.
	Settings map[string]oxlin.Secret
	// Public clients run on devices of their users and have no secret; they sign
	// users in with a code and PKCE only.
	Public bool
	// ConfirmReturn and WidgetFiles are those of oxlin.Client.
	ConfirmReturn, WidgetFiles bool
	// SecretDays is the number of days after which the secret is refused; 0 for no end.
	SecretDays int
}

// Create creates a client. It returns the secret only this once and stores its
// hash; the secret of a public client is zero. The error is CodeInvalidRequest for an
// invalid field, and CodeConflict for an id that exists.
func (s *Clients) Create(ctx context.Context, n NewClient) (oxlin.Client, oxlin.Secret, error) {
	c := oxlin.Client{
		ID: n.ID, Name: n.Name, RedirectURIs: n.RedirectURIs, Licensed: n.Licensed, ConfirmReturn: n.ConfirmReturn, WidgetFiles: n.WidgetFiles,
		CreatedAt: s.now(),
	}
	if c.ID == "" {
		id := make([]byte, 10)
		_, err := io.ReadFull(s.random, id)
		if err != nil {
			return oxlin.Client{}, oxlin.Secret{}, fmt.Errorf("create client: %w", err)
		}
		c.ID = oxlin.ClientID(hex.EncodeToString(id))
	}
	c, err := s.Set(c, n.Settings)
	if err != nil {
		return oxlin.Client{}, oxlin.Secret{}, err
	}
	err = s.check(c, oxlin.Client{})
	if err != nil {
		return oxlin.Client{}, oxlin.Secret{}, err
	}
	var secret oxlin.Secret
	if !n.Public {
		var kept oxlin.ClientSecret
		secret, kept, err = s.newSecret(n.SecretDays)
		if err != nil {
			return oxlin.Client{}, oxlin.Secret{}, fmt.Errorf("create client: %w", err)
		}
		c.Secrets = []oxlin.ClientSecret{kept}
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Read().Client(ctx, c.ID)
		if err == nil {
			return oxlin.Errorf(oxlin.CodeConflict, "A client with this id exists already.")
		}
		if !oxlin.IsNotFound(err) {
			return err
		}
		return s.save(ctx, tx, c, audit.ClientCreated, "")
	})
	if err != nil {
		return oxlin.Client{}, oxlin.Secret{}, fmt.Errorf("create client: %w", err)
	}
	return c, secret, nil
}

// check checks the fields of a client that an operator may set, and those of its settings
// that differ from those before.
func (s *Clients) check(c, before oxlin.Client) error {
	err := checkName(c.Name)
	if err != nil {
		return err
	}
	for _, uri := range c.RedirectURIs {
		err := checkRedirectURI(uri)
		if err != nil {
			return err
		}
	}
	err = s.checkSettings(c, before)
	if err != nil {
		return err
	}
	return c.Theme.Check()
}

// checkName refuses control characters, which a terminal or a page would interpret.
func checkName(name string) error {
	switch {
	case strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > 200:
		return oxlin.Invalid("name", "A name has 1 to 200 characters.")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, disguises):
		return oxlin.Invalid("name", "A name is one line of visible text.")
	}
	return nil
}

// disguises reports whether a character could make a name look like another one on the
// page of a consent: control characters, line ends, directions that reorder the text around them, and what is invisible. The
// joiners are part of letters and pictures.
func disguises(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) || r == '\u200b' || r == '\u2060' || r == '\ufeff' || r == '\u00ad'
}

func checkRedirectURI(uri string) error {
	parsed, err := url.Parse(uri)
	switch {
	case err != nil || !oxlin.IsText(uri) || !oxlin.IsRedirectable(uri) || parsed.Fragment != "":
		return oxlin.Invalid("redirect_uri", "%q: a redirect URI is an absolute URI without a fragment, and no script.", uri)
	case parsed.Scheme == "https" && parsed.Host == "":
		return oxlin.Invalid("redirect_uri", "%q: an https redirect URI has a host.", uri)
	case parsed.Scheme == "http" && !IsLoopback(parsed.Hostname()):
		return oxlin.Invalid("redirect_uri", "%q: a redirect URI with http is for loopback addresses only.", uri)
	}
	return nil
}

// IsLoopback reports whether a host is this machine in every network: localhost, a name
// below it (RFC 6761 §6.3), or a loopback IP address.
func IsLoopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// Rotation is how a client's secret is replaced.
type Rotation struct {
	// AtOnce ends all other secrets: one may have been stolen.
	AtOnce bool
	// Days is the number of days after which the new secret is refused; 0 for no end.
	Days int
}

// MostSecretDays is the longest life of a secret with an end.
const MostSecretDays = 3650

// CheckSecretDays refuses a life of a secret that is not from 0, for no end, to MostSecretDays.
func CheckSecretDays(days int) error {
	if days < 0 || days > MostSecretDays {
		return oxlin.Invalid("secret_days", "A secret ends after 1 to %d days, or has no end: 0.", MostSecretDays)
	}
	return nil
}

// newSecret returns a random secret, and what is kept of it.
func (s *Clients) newSecret(days int) (oxlin.Secret, oxlin.ClientSecret, error) {
	err := CheckSecretDays(days)
	if err != nil {
		return oxlin.Secret{}, oxlin.ClientSecret{}, err
	}
	secret, err := vault.NewToken(s.random)
	kept := oxlin.ClientSecret{Hash: vault.HashToken(secret), MadeAt: s.now().UTC().Truncate(time.Second)}
	if days > 0 {
		kept.EndsAt = kept.MadeAt.AddDate(0, 0, days)
	}
	return secret, kept, err
}

// RotateSecret replaces a client's secret and returns the new one, only once. The previous
// secret stays valid until its end or the next rotation, so that the client can change over. The
// error is CodeInvalidRequest for a life of the secret that CheckSecretDays refuses.
func (s *Clients) RotateSecret(ctx context.Context, id oxlin.ClientID, how Rotation) (oxlin.Secret, error) {
	secret, kept, err := s.newSecret(how.Days)
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("rotate secret: %w", err)
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		c, err := existing(ctx, tx.Read(), id)
		if err != nil {
			return err
		}
		if c.Authentication.Method != oxlin.AuthBySecret {
			return oxlin.Errorf(oxlin.CodeConflict, "The client authenticates by %s, and not by a secret.", c.Authentication.Method)
		}
		if len(c.Secrets) == 0 {
			return oxlin.Errorf(oxlin.CodeConflict, "A public client has no secret.")
		}
		gone, changed := c.Secrets[1:], ""
		if how.AtOnce {
			gone, changed = c.Secrets, "at-once"
		}
		for _, old := range gone {
			err = tx.Clients().ForgetUse(ctx, c.ID, old.Hash)
			if err != nil {
				return err
			}
		}
		c.Secrets = append([]oxlin.ClientSecret{kept}, c.Secrets[:len(c.Secrets)-len(gone)]...)
		return s.save(ctx, tx, c, audit.SecretRotated, changed)
	})
	if err != nil {
		return oxlin.Secret{}, fmt.Errorf("rotate secret: %w", err)
	}
	return secret, nil
}

// Change changes a client's name, agreement, redirect URIs, settings (see Set), theme, the
// question about returns and the files in the widget. It takes AnyRedirectURI away, and never gives it. The error is
// CodeInvalidRequest for an invalid field.
func (s *Clients) Change(ctx context.Context, changed oxlin.Client) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		c, err := existing(ctx, tx.Read(), changed.ID)
		if err != nil {
			return err
		}
		err = s.check(changed, c)
		if err != nil {
			return err
		}
		before := c
		c.Name, c.Licensed, c.RedirectURIs, c.Theme = changed.Name, changed.Licensed, changed.RedirectURIs, changed.Theme
		c.Settings, c.AnyRedirectURI = changed.Settings, c.AnyRedirectURI && changed.AnyRedirectURI
		c.ConfirmReturn, c.WidgetFiles = changed.ConfirmReturn, changed.WidgetFiles
		return s.save(ctx, tx, c, audit.ClientChanged, differences(before, c))
	})
}

// SetDisabled refuses a client and its users at every door from now on, or lets them in
// again. Their tokens keep their expiry meanwhile.
func (s *Clients) SetDisabled(ctx context.Context, id oxlin.ClientID, disabled bool) error {
	changed := "enabled"
	if disabled {
		changed = "disabled"
	}
	return s.set(ctx, id, changed, func(c *oxlin.Client) { c.Disabled = disabled })
}

// SetConfirmReturn asks whoever returns from a bank to confirm it, or nobody any more, where
// the client itself sends its users there.
func (s *Clients) SetConfirmReturn(ctx context.Context, id oxlin.ClientID, confirm bool) error {
	return s.set(ctx, id, "confirm_return", func(c *oxlin.Client) { c.ConfirmReturn = confirm })
}

// SetWidgetFiles lets a client's users send files of their bank in the widget, or no longer.
func (s *Clients) SetWidgetFiles(ctx context.Context, id oxlin.ClientID, allowed bool) error {
	return s.set(ctx, id, "widget_files", func(c *oxlin.Client) { c.WidgetFiles = allowed })
}

// set changes a client, and records the name of what has changed. A client that is being deleted is not found.
func (s *Clients) set(ctx context.Context, id oxlin.ClientID, changed string, change func(*oxlin.Client)) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		c, err := existing(ctx, tx.Read(), id)
		if err != nil {
			return err
		}
		change(&c)
		return s.save(ctx, tx, c, audit.ClientChanged, changed)
	})
}

// EnsureSandbox creates the two clients of the sandbox if they do not exist.
// Their secrets are public, and they accept any redirect URI.
func (s *Clients) EnsureSandbox(ctx context.Context) error {
	sandbox := func(id oxlin.ClientID, name, secret string, licensed bool) oxlin.Client {
		return oxlin.Client{
			ID: id, Name: name, Secrets: []oxlin.ClientSecret{{Hash: vault.HashToken(oxlin.NewSecret(secret)), MadeAt: s.now().UTC().Truncate(time.Second)}},
			AnyRedirectURI: true, Sandbox: true, Licensed: licensed, CreatedAt: s.now(),
		}
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for _, c := range []oxlin.Client{
			sandbox("sandbox", "Sandbox", "sandbox-secret", false),
			sandbox("sandbox-licensed", "Licensed sandbox", "sandbox-licensed-secret", true),
		} {
			_, err := tx.Read().Client(ctx, c.ID)
			if oxlin.IsNotFound(err) {
				err = tx.SaveClient(ctx, c)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// save stores a client and records what changed.
func (s *Clients) save(ctx context.Context, tx *store.Tx, c oxlin.Client, action audit.Action, changed string) error {
	err := tx.SaveClient(ctx, c)
	if err != nil {
		return err
	}
	return s.audit.Record(ctx, tx, audit.Entry{Action: action, Client: c.ID, Details: audit.Details{audit.Changed: changed}})
}

// differences lists the settings in which two states of a client differ, without their values.
func differences(before, after oxlin.Client) string {
	var names []string
	for name, same := range map[string]bool{
		"name": before.Name == after.Name, "licensed": before.Licensed == after.Licensed,
		"redirect_uris": slices.Equal(before.RedirectURIs, after.RedirectURIs), "settings": reflect.DeepEqual(before.Settings, after.Settings),
		"any_redirect_uri": before.AnyRedirectURI == after.AnyRedirectURI, "theme": before.Theme == after.Theme,
		"confirm_return": before.ConfirmReturn == after.ConfirmReturn, "widget_files": before.WidgetFiles == after.WidgetFiles,
	} {
		if !same {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}
