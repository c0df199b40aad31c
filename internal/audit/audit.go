package audit

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/vault"
	"github.com/oxlin/oxlin/internal/web"
)

// Entry describes an action for Record and Note.
type Entry struct {
	Action Action
	// Outcome is Done if it is empty.
	Outcome Outcome
	// Actor is that of the context if it is empty: see As.
	Actor  Actor
	Client oxlin.ClientID
	// User is the user that the entry is about. Their pseudonym is stored, and their client
	// if Client is empty.
	User       oxlin.UserID
	Connection oxlin.ConnectionID
	// Consent is the id of a consent, and Account that of an account.
	Consent int64
	Account oxlin.AccountID
	// Source is the address that the action comes from, and RequestID the id of the request.
	// If they are empty, they are those of the context: see WithOrigin.
	Source    string
	RequestID string
	// Reason is an operator's text about a change. If it is empty, it is that of the context.
	Reason  string
	Details Details
	// At is the moment of recording if it is zero.
	At time.Time
}

// Options configure a Log.
type Options struct {
	DB    *store.DB
	Vault *vault.Vault
	Now   func() time.Time
	Log   *slog.Logger
	// Actor acts where no other actor is named; Platform if it is empty.
	Actor Actor
	// Retention is how long entries are kept; zero is for ever.
	Retention time.Duration
}

// Log is the audit log. A nil *Log records nothing, for tests of a room without one.
// It is safe for concurrent use.
type Log struct {
	options Options
	keys    keys
	queue   queue
}

// New returns the audit log of a database.
func New(options Options) *Log {
	return &Log{options: options, queue: queue{wake: make(chan struct{}, 1)}}
}

func (l *Log) reader() store.AuditReader { return store.AuditOf(l.options.DB.Read()) }

// Record appends entries in the transaction of the change that they are about.
func (l *Log) Record(ctx context.Context, tx *store.Tx, entries ...Entry) error {
	if l == nil || len(entries) == 0 {
		return nil
	}
	at := l.options.Now()
	rows := make([]store.AuditEntry, 0, len(entries))
	for _, e := range entries {
		row, err := l.row(ctx, tx, l.from(ctx, e), at)
		if err != nil {
			return fmt.Errorf("audit %s: %w", e.Action, err)
		}
		rows = append(rows, row)
	}
	return tx.Audit().Insert(ctx, rows)
}

// Origin is where an action comes from.
type Origin struct {
	// RequestID is the id of the request that the action began with, and Source its address.
	RequestID, Source string
}

type originKey struct{}

// WithOrigin returns a context whose entries come from an origin, for work that outlives its
// request. Without it the origin is the request that a web.Frame serves.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns the origin of what a context is for.
func OriginOf(ctx context.Context) Origin {
	o, ok := ctx.Value(originKey{}).(Origin)
	if ok {
		return o
	}
	line := web.LineOf(ctx)
	return Origin{line.RequestID, line.From()}
}

type actorKey struct{}

type acting struct {
	actor  Actor
	reason string
}

// As returns a context in which an actor acts for a reason, which may be empty. Without it
// the platform acts.
func As(ctx context.Context, actor Actor, reason string) context.Context {
	return context.WithValue(ctx, actorKey{}, acting{actor, reason})
}

// from completes an entry from its context.
func (l *Log) from(ctx context.Context, e Entry) Entry {
	origin := OriginOf(ctx)
	e.RequestID, e.Source = cmp.Or(e.RequestID, origin.RequestID), cmp.Or(e.Source, origin.Source)
	e.Outcome = cmp.Or(e.Outcome, Done)
	as, _ := ctx.Value(actorKey{}).(acting)
	e.Actor = cmp.Or(e.Actor, as.actor, l.options.Actor, Platform)
	e.Reason = cmp.Or(e.Reason, as.reason)
	return e
}

// harmless matches ids, constants and numbers. Names with a space, e-mails, and what could
// confuse a reader of the log do not match.
var harmless = regexp.MustCompile(`^[A-Za-z0-9._:,/=+-]{1,200}$`)

// members returns the details as they are stored.
func (d Details) members() map[string]string {
	members := map[string]string{}
	for name, value := range d {
		if value == "" {
			continue // unknown
		}
		if !harmless.MatchString(value) {
			value = "?"
		}
		members[string(name)] = value
	}
	return members
}

// row returns the row of an entry. What could tell who the user is is sealed with their key.
func (l *Log) row(ctx context.Context, tx *store.Tx, e Entry, at time.Time) (store.AuditEntry, error) {
	if !known[e.Action] {
		return store.AuditEntry{}, fmt.Errorf("%q is no action", e.Action)
	}
	if !e.At.IsZero() {
		at = e.At
	}
	row := store.AuditEntry{
		At: at, Action: string(e.Action), Outcome: string(e.Outcome), Actor: string(e.Actor), Client: e.Client,
		Connection: e.Connection, Consent: e.Consent, Account: e.Account, RequestID: e.RequestID,
	}
	for _, text := range []*string{(*string)(&row.Client), &row.RequestID, &row.Actor} {
		if *text != "" && !harmless.MatchString(*text) {
			*text = "?"
		}
	}
	members := e.Details.members()
	if e.User == 0 {
		addOpen(members, e.Source, e.Reason)
	} else {
		k, err := l.keyOf(ctx, tx, e.User)
		switch {
		case oxlin.IsNotFound(err):
			// The user has been deleted since. Nobody shall find out whose entry it is.
			row.Subject = hex.EncodeToString(random(subjectSize))
		case err != nil:
			return store.AuditEntry{}, err
		default:
			row.Subject, row.Client = k.subject(), cmp.Or(row.Client, k.client)
			err = k.hide(members, e.Source, e.Reason)
			if err != nil {
				return store.AuditEntry{}, err
			}
		}
		if e.Action == UserDeleted {
			l.keys.forget(e.User)
		}
	}
	details, err := json.Marshal(members)
	if err != nil {
		return store.AuditEntry{}, err
	}
	row.Details = string(details)
	return row, nil
}

// The members of details that are not a Detail.
const (
	sourceMember = "source"
	reasonMember = "reason"
	// sealedMember holds the other two, for an entry about a user.
	sealedMember = "sealed"
)

func addOpen(members map[string]string, source, reason string) {
	if source != "" {
		members[sourceMember] = source
	}
	if reason != "" {
		members[reasonMember] = reason
	}
}

// keyPlace names where the key of a user is stored.
func keyPlace(user oxlin.UserID) vault.Place {
	return vault.Place{Table: "audit_keys", Column: "value", Row: user.String()}
}

// keyOf returns the key of a user. A user without one gets it.
func (l *Log) keyOf(ctx context.Context, tx *store.Tx, user oxlin.UserID) (key, error) {
	k, ok := l.keys.get(user, l.options.Now())
	if ok {
		return k, nil
	}
	stored, err := tx.Audit().Key(ctx, user, func() (store.AuditKey, error) {
		k := key{secret: random(sha256.Size)}
		sealed, err := l.options.Vault.Seal(k.secret, keyPlace(user))
		return store.AuditKey{Subject: k.subject(), Value: sealed}, err
	})
	if err != nil {
		return key{}, err
	}
	opened, err := l.openKey(stored, user)
	if err == nil && !stored.Fresh {
		l.keys.put(user, opened, l.options.Now())
	}
	return opened, err
}

func (l *Log) openKey(stored store.AuditKey, user oxlin.UserID) (key, error) {
	secret, err := l.options.Vault.Open(stored.Value, keyPlace(user))
	return key{secret, stored.Client}, err
}

func random(n int) []byte {
	bytes := make([]byte, n)
	_, _ = rand.Read(bytes) // never fails
	return bytes
}

// key connects a user with their pseudonym.
type key struct {
	secret []byte
	// client is the user's.
	client oxlin.ClientID
}

// subjectSize is the size of a pseudonym in bytes.
const subjectSize = 16

func (k key) derive(purpose string) []byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// subject returns the pseudonym. The words are stored by their hash and never change.
func (k key) subject() string {
	return hex.EncodeToString(k.derive("oxlin audit subject")[:subjectSize])
}

// keys remembers the keys of the users that are active.
type keys struct {
	mutex sync.Mutex
	known map[oxlin.UserID]rememberedKey
}

type rememberedKey struct {
	key
	until time.Time
}

const (
	// keyMemory is how long a key is remembered: a node does not hear of users that another
	// node deletes.
	keyMemory = 10 * time.Minute
	mostKeys  = 10_000
)

func (k *keys) get(user oxlin.UserID, now time.Time) (key, bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	found, ok := k.known[user]
	return found.key, ok && now.Before(found.until)
}

func (k *keys) put(user oxlin.UserID, value key, now time.Time) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.known == nil || len(k.known) >= mostKeys {
		k.known = map[oxlin.UserID]rememberedKey{}
	}
	k.known[user] = rememberedKey{value, now.Add(keyMemory)}
}

func (k *keys) forget(user oxlin.UserID) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	delete(k.known, user)
}
