package operator

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/audit"
	"github.com/oxlin/oxlin/internal/lockout"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
)

// Role decides what an operator may do.
type Role string

// The roles. Each includes those before it.
const (
	// Read sees the state of banks and clients, and nobody's personal data.
	Read Role = "read"
	// Support sees users and their connections too, and decides about suspect answers.
	Support Role = "support"
	// Admin creates and changes clients too.
	Admin Role = "admin"
)

// Roles lists the roles, from the least.
func Roles() []Role { return []Role{Read, Support, Admin} }

// Includes reports whether a role may do all that another may do.
func (r Role) Includes(other Role) bool {
	return slices.Contains(Roles(), r) && slices.Index(Roles(), r) >= slices.Index(Roles(), other)
}

// FirstName is the name of the operator that the start's password makes.
const FirstName = "operator"

// Options configure Operators.
type Options struct {
	DB *store.DB
	// Audit records the changes of accounts.
	Audit *audit.Log
	Vault *vault.Vault
	Now   func() time.Time
	Rand  io.Reader
	// FactorOptional lets operators in who have no second factor.
	FactorOptional bool
	// FirstPassword is how long a password works that its operator has not chosen; before anything
	// else they choose another one. Zero is for sandboxes: it has no end and need not be changed.
	FirstPassword time.Duration
}

// Operators holds the accounts of the console: it adds, changes and signs them in. It is safe for concurrent use.
type Operators struct {
	options Options
	devices lockout.Devices
}

// New returns the operators of a database.
func New(options Options) *Operators {
	guard := lockout.New(options.DB, options.Vault, options.Now, options.Rand)
	return &Operators{options, lockout.Devices{Guard: guard, Cookie: "oxlin_console_device"}}
}

func (o *Operators) read() store.OperatorReader { return store.OperatorsIn(o.options.DB.Read()) }

// List lists the operators by name.
func (o *Operators) List(ctx context.Context) ([]store.Operator, error) {
	return o.read().List(ctx)
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@-]{0,63}$`)

func checkRole(role Role) error {
	if !slices.Contains(Roles(), role) {
		return oxlin.Invalid("role", "A role is one of read, support and admin.")
	}
	return nil
}

const (
	minPassword = 12
	maxPassword = 1024
)

// CheckPassword refuses a password that an operator may not choose.
func CheckPassword(name string, password oxlin.Secret) error {
	text := password.Reveal()
	switch {
	case len([]rune(text)) < minPassword || len(text) > maxPassword:
		return oxlin.Invalid("password", "A password has at least %d characters, and at most %d bytes.", minPassword, maxPassword)
	case strings.Contains(strings.ToLower(text), name) && len(text) < minPassword+len(name):
		return oxlin.Invalid("password", "A password is more than the name.")
	}
	return nil
}

// asker is for whom passwords of operators are hashed.
var asker = vault.Asker{Known: true, Source: "operators"}

// Add creates an operator with a new password.
func (o *Operators) Add(ctx context.Context, name string, role Role) (oxlin.Secret, error) {
	name = canonical(name)
	if !validName.MatchString(name) {
		return oxlin.Secret{}, oxlin.Invalid("name", "A name has 1 to 64 letters, digits, dots, hyphens, underscores and @, and begins with a letter or a digit.")
	}
	err := checkRole(role)
	if err != nil {
		return oxlin.Secret{}, err
	}
	password, hash, err := o.newPassword(ctx)
	if err != nil {
		return oxlin.Secret{}, err
	}
	return password, o.insert(ctx, store.Operator{
		Name: name, Role: string(role), PasswordHash: hash, PasswordUntil: o.firstUntil(), CreatedAt: o.options.Now(),
	})
}

// firstUntil returns when a first password ends that is made now.
func (o *Operators) firstUntil() time.Time {
	if o.options.FirstPassword == 0 {
		return time.Time{}
	}
	return o.options.Now().Add(o.options.FirstPassword)
}

// insert stores a new operator.
func (o *Operators) insert(ctx context.Context, added store.Operator) error {
	return o.options.DB.Write(ctx, func(tx *store.Tx) error {
		err := store.OperatorsOf(tx).Insert(ctx, added)
		if err != nil {
			return err
		}
		added, err = store.OperatorsIn(tx.Read()).ByName(ctx, added.Name)
		if err != nil {
			return err
		}
		return o.record(ctx, tx, added.ID, "added,"+added.Role)
	})
}

// record adds a change of an operator's account to the audit log.
func (o *Operators) record(ctx context.Context, tx *store.Tx, id int64, changed string) error {
	return o.options.Audit.Record(ctx, tx, audit.Entry{
		Action: audit.OperatorChanged, Details: audit.Details{audit.Operates: strconv.FormatInt(id, 10), audit.Changed: changed},
	})
}

// recordOwn is record for a change that the operator of a session makes.
func (o *Operators) recordOwn(ctx context.Context, tx *store.Tx, session store.OperatorSession, changed string) error {
	id := session.Operator.ID
	return o.record(audit.As(ctx, audit.Operator(id), ""), tx, id, changed)
}

// canonical returns the form of a name in which it is stored.
func canonical(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func (o *Operators) newPassword(ctx context.Context) (password oxlin.Secret, hash string, err error) {
	password, err = vault.NewSessionID(o.options.Rand)
	if err != nil {
		return password, "", err
	}
	hash, err = o.options.Vault.HashPassword(ctx, asker, password)
	return password, hash, err
}

// change changes an operator and ends the operator's sessions. what names the change in the
// audit log.
func (o *Operators) change(ctx context.Context, name, what string, change func(tx store.OperatorTx, found store.Operator) error) error {
	return o.options.DB.Write(ctx, func(tx *store.Tx) error {
		found, err := store.OperatorsIn(tx.Read()).ByName(ctx, canonical(name))
		if err != nil {
			return err
		}
		err = change(store.OperatorsOf(tx), found)
		if err != nil {
			return err
		}
		err = store.OperatorsOf(tx).DropSessions(ctx, found.ID, nil)
		if err != nil {
			return err
		}
		return o.record(ctx, tx, found.ID, what)
	})
}

// SetRole changes what an operator may do.
func (o *Operators) SetRole(ctx context.Context, name string, role Role) error {
	err := checkRole(role)
	if err != nil {
		return err
	}
	return o.change(ctx, name, "role,"+string(role), func(tx store.OperatorTx, found store.Operator) error { return tx.SetRole(ctx, found.ID, string(role)) })
}

// SetDisabled keeps an operator out, or lets them in again.
func (o *Operators) SetDisabled(ctx context.Context, name string, disabled bool) error {
	what := "enabled"
	if disabled {
		what = "disabled"
	}
	return o.change(ctx, name, what, func(tx store.OperatorTx, found store.Operator) error {
		return tx.SetDisabled(ctx, found.ID, disabled)
	})
}

// Reset gives an operator a new first password and takes the second factor away: the next sign-in
// sets up another one.
func (o *Operators) Reset(ctx context.Context, name string) (oxlin.Secret, error) {
	password, hash, err := o.newPassword(ctx)
	if err != nil {
		return oxlin.Secret{}, err
	}
	return password, o.change(ctx, name, "reset", func(tx store.OperatorTx, found store.Operator) error {
		err := tx.SetPassword(ctx, found.ID, hash, false, o.firstUntil())
		if err != nil {
			return err
		}
		err = tx.DropPasskeys(ctx, found.ID)
		if err != nil {
			return err
		}
		return tx.SetFactor(ctx, found.ID, nil, 0, nil)
	})
}

// EnsureFirst makes the first operator, an administrator, of the password in the start's
// settings. While nobody has changed that operator's password elsewhere, a new password in
// the settings replaces it.
func (o *Operators) EnsureFirst(ctx context.Context, password oxlin.Secret) error {
	operators, err := o.List(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(operators, func(found store.Operator) bool { return found.Initial })
	if i < 0 && len(operators) > 0 {
		return nil
	}
	if i >= 0 {
		same, err := o.options.Vault.CheckPassword(ctx, asker, operators[i].PasswordHash, password)
		if err != nil {
			return err
		}
		if same {
			return o.prolong(ctx, operators[i])
		}
	}
	hash, err := o.options.Vault.HashPassword(ctx, asker, password)
	if err != nil {
		return fmt.Errorf("first operator: %w", err)
	}
	if i >= 0 {
		return o.change(ctx, operators[i].Name, "password", func(tx store.OperatorTx, found store.Operator) error {
			return tx.SetPassword(ctx, found.ID, hash, true, o.firstUntil())
		})
	}
	err = o.insert(ctx, store.Operator{
		Name: FirstName, Role: string(Admin), PasswordHash: hash, Initial: true, PasswordUntil: o.firstUntil(), CreatedAt: o.options.Now(),
	})
	if err != nil && oxlin.AsError(err).Code == oxlin.CodeConflict {
		return nil // another process was faster
	}
	return err
}

// prolong lets a first password of the start's settings end later: the operator of
// the machine has given it once more.
func (o *Operators) prolong(ctx context.Context, found store.Operator) error {
	if found.PasswordUntil.IsZero() {
		return nil
	}
	return o.options.DB.Write(ctx, func(tx *store.Tx) error {
		return store.OperatorsOf(tx).SetPassword(ctx, found.ID, found.PasswordHash, true, o.firstUntil())
	})
}

// Sweep removes ended sessions.
func (o *Operators) Sweep(ctx context.Context) error {
	now := o.options.Now()
	return o.options.DB.Write(ctx, func(tx *store.Tx) error {
		return store.OperatorsOf(tx).DropEndedSessions(ctx, now, now.Add(-idleLife))
	})
}
