package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

// Grant is an access token with everything that decides what it allows.
type Grant struct {
	Token
	// User has the id and the accepted version of the terms, and nothing else. It is zero if the token
	// is the client's own, or if its user is deleted.
	User oxlin.User
}

func grant(row query.FindGrantRow) Grant {
	return Grant{
		Token: token(query.FindTokenRow{OauthToken: row.OauthToken, Client: row.Client}),
		User:  oxlin.User{ID: row.KnownUser, ClientID: row.Client.ID, TermsVersion: row.TermsVersion},
	}
}

// Grant returns an unexpired access token with its client and user by its hash. An answer that
// was found before comes from memory, unless a commit may have changed it: on SQLite any commit
// before the call, on PostgreSQL any commit of this process and every other one that is older
// than a second. The answers share their client's lists and settings, which nobody may change.
func (db *DB) Grant(ctx context.Context, hash []byte, now time.Time) (Grant, error) {
	var key grantKey
	copy(key[:], hash)
	known, epoch, current := db.grants.find(ctx, key, now)
	if known != nil {
		return *known, nil
	}
	found, err := readGrant(ctx, db.Read(), hash, now)
	if err == nil && current {
		db.grants.keep(key, found, epoch)
	}
	return found, err
}

// Client returns a client as Grant does: from memory, unless a commit may have changed it.
func (db *DB) Client(ctx context.Context, id oxlin.ClientID) (oxlin.Client, error) {
	known, epoch, current := db.grants.findClient(ctx, id)
	if known != nil {
		return *known, nil
	}
	found, err := db.Read().Client(ctx, id)
	if err == nil && current {
		db.grants.keepClient(found, epoch)
	}
	return found, err
}

// readGrant reads a grant from the database.
func readGrant(ctx context.Context, r Reader, hash []byte, now time.Time) (Grant, error) {
	row, err := r.q.FindGrant(ctx, query.FindGrantParams{Hash: hash, Now: query.At(now)})
	if err == nil && row.Client.Sandbox && !r.sandbox {
		return Grant{}, oxlin.NotFound("token")
	}
	return found(row, err, "token", grant)
}

// mostGrants bounds the memory of a process for grants: a few hundred bytes each, beside the clients.
const mostGrants = 8192

// grantKey is the SHA-256 of a token.
type grantKey [sha256.Size]byte

// grants keeps the grants and clients that were found, until a commit may change them.
type grants struct {
	news grantNews

	mutex sync.Mutex
	known map[grantKey]*Grant
	// clients are as many as exist.
	clients map[oxlin.ClientID]oxlin.Client
	// epoch counts the changes: what was read before the last one is not kept.
	epoch uint64
}

// grantNews reports what other transactions have changed.
type grantNews interface {
	// since returns the changes since the last call. If current is false, changes may be
	// missing, and nothing that is kept may be used.
	since(ctx context.Context) (changes []grantChange, current bool)
	close() error
}

// find returns a grant that is kept and certainly current, or nil. A grant that is read after it may
// be kept if current is set.
func (g *grants) find(ctx context.Context, key grantKey, now time.Time) (known *Grant, epoch uint64, current bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if !g.refresh(ctx) {
		return nil, g.epoch, false
	}
	known = g.known[key]
	if known != nil && !known.ExpiresAt.After(now) {
		delete(g.known, key)
		known = nil
	}
	return known, g.epoch, true
}

// findClient is find for a client.
func (g *grants) findClient(ctx context.Context, id oxlin.ClientID) (known *oxlin.Client, epoch uint64, current bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if !g.refresh(ctx) {
		return nil, g.epoch, false
	}
	client, ok := g.clients[id]
	if !ok {
		return nil, g.epoch, true
	}
	return &client, g.epoch, true
}

// refresh forgets what others have changed, for a caller with the lock. It reports whether what
// is kept then is current.
func (g *grants) refresh(ctx context.Context) bool {
	changes, current := g.news.since(ctx)
	if !current {
		g.clear()
		return false
	}
	g.forget(changes)
	return true
}

// keep keeps a grant that was read in an epoch, unless a change has ended the epoch.
func (g *grants) keep(key grantKey, found Grant, epoch uint64) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.epoch != epoch {
		return
	}
	shared, ok := g.clients[found.Client.ID]
	if ok {
		found.Client = shared
	}
	for other := range g.known {
		if len(g.known) < mostGrants {
			break
		}
		delete(g.known, other)
	}
	if g.known == nil {
		g.known = map[grantKey]*Grant{}
	}
	g.known[key] = &found
	g.share(found.Client)
}

// keepClient is keep for a client.
func (g *grants) keepClient(found oxlin.Client, epoch uint64) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.epoch == epoch {
		g.share(found)
	}
}

// share keeps a client for all of its grants, for a caller with the lock.
func (g *grants) share(client oxlin.Client) {
	if g.clients == nil {
		g.clients = map[oxlin.ClientID]oxlin.Client{}
	}
	g.clients[client.ID] = client
}

// changed forgets the grants that changes concern.
func (g *grants) changed(changes []grantChange) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.forget(changes)
}

// forget is changed for a caller with the lock.
func (g *grants) forget(changes []grantChange) {
	if len(changes) == 0 {
		return
	}
	g.epoch++
	for _, change := range changes {
		if change == everyGrant {
			g.clear()
			return
		}
		delete(g.clients, change.client)
	}
	for key, known := range g.known {
		for _, change := range changes {
			if change.concerns(known) {
				delete(g.known, key)
				break
			}
		}
	}
}

// clear forgets all grants, for a caller with the lock.
func (g *grants) clear() {
	g.epoch++
	clear(g.known)
	clear(g.clients)
}

// grantChange names the grants that a write has changed: those of a client, a user or a family
// of tokens.
type grantChange struct {
	client oxlin.ClientID
	user   oxlin.UserID
	family string
}

// everyGrant is the change that concerns all grants.
var everyGrant = grantChange{}

func (c grantChange) concerns(known *Grant) bool {
	return c.client != "" && c.client == known.Client.ID || c.user != 0 && c.user == known.UserID || c.family != "" && c.family == known.Family
}

// longestChange bounds the text of a change. PostgreSQL refuses notifications of 8,000 bytes.
const longestChange = 1000

// String returns the text by which other processes learn of the change.
func (c grantChange) String() string {
	text := "all"
	switch {
	case c.client != "":
		text = "client " + string(c.client)
	case c.user != 0:
		text = "user " + c.user.String()
	case c.family != "":
		text = "family " + c.family
	}
	if len(text) > longestChange {
		return "all"
	}
	return text
}

// readChange reads the text of a change. What it does not understand concerns all grants.
func readChange(text string) grantChange {
	kind, name, _ := strings.Cut(text, " ")
	switch kind {
	case "client":
		return grantChange{client: oxlin.ClientID(name)}
	case "user":
		id, _ := oxlin.ParseID[oxlin.UserID](name)
		return grantChange{user: id}
	case "family":
		return grantChange{family: name}
	}
	return everyGrant
}

// tellChange tells all processes of a change, when the transaction commits.
var tellChange = map[Dialect]string{
	SQLite:   "INSERT INTO grant_changes (subject) VALUES (?1)",
	Postgres: "SELECT pg_notify('" + grantChannel + "', ?1)",
}

// trimChanges keeps the newest changes. A process that has missed others finds a gap.
const trimChanges = "DELETE FROM grant_changes WHERE n <= (SELECT max(n) FROM grant_changes) - 1000"

// changeGrants has to be called by every write that changes what access tokens allow.
func changeGrants(ctx context.Context, e executor, change grantChange) error {
	_, err := e.raw.ExecContext(ctx, tellChange[e.dialect], change.String())
	if err == nil && e.dialect == SQLite {
		_, err = e.raw.ExecContext(ctx, trimChanges)
	}
	if err != nil {
		return fmt.Errorf("tell of changed grants: %w", err)
	}
	if e.changed != nil {
		*e.changed = append(*e.changed, change)
	}
	return nil
}

// sqliteNews reads the changes in an SQLite file, whichever process has made them. It asks before
// each use of a grant, on one connection of its own: SQLite's data_version is another one after
// each commit of another connection.
type sqliteNews struct {
	pool           *sql.DB
	conn           *sql.Conn
	version, after *sql.Stmt

	// seen is the data_version of the last look, and last the newest change that was read.
	seen, last int64
	closed     bool
}

func (n *sqliteNews) since(ctx context.Context) ([]grantChange, bool) {
	ctx = context.WithoutCancel(ctx) // the look takes microseconds, and serves later callers too
	err := n.open(ctx)
	if err != nil {
		return nil, false
	}
	changes, err := n.look(ctx)
	if err != nil {
		_ = n.end()
		return nil, false
	}
	return changes, true
}

// open opens the connection. Everything that happened before is unknown, so nothing may be kept
// from before.
func (n *sqliteNews) open(ctx context.Context) error {
	if n.conn != nil {
		return nil
	}
	if n.closed {
		return sql.ErrConnDone
	}
	conn, err := n.pool.Conn(ctx)
	if err != nil {
		return err
	}
	n.conn = conn
	n.version, err = conn.PrepareContext(ctx, "PRAGMA data_version")
	if err == nil {
		n.after, err = conn.PrepareContext(ctx, "SELECT n, subject FROM grant_changes WHERE n > ?1 ORDER BY n")
	}
	// The version comes first: a commit between the two is looked at again.
	if err == nil {
		err = n.version.QueryRowContext(ctx).Scan(&n.seen)
	}
	if err == nil {
		err = conn.QueryRowContext(ctx, "SELECT coalesce(max(n), 0) FROM grant_changes").Scan(&n.last)
	}
	if err != nil {
		return errors.Join(err, n.end())
	}
	return nil
}

func (n *sqliteNews) look(ctx context.Context) (changes []grantChange, err error) {
	var version int64
	err = n.version.QueryRowContext(ctx).Scan(&version)
	if err != nil || version == n.seen {
		return nil, err
	}
	rows, err := n.after.QueryContext(ctx, n.last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for last := n.last; rows.Next(); last = n.last {
		var subject string
		err = rows.Scan(&n.last, &subject)
		if err != nil {
			return nil, err
		}
		if n.last != last+1 {
			changes = append(changes, everyGrant) // some were trimmed before this look
		}
		changes = append(changes, readChange(subject))
	}
	n.seen = version
	return changes, rows.Err()
}

func (n *sqliteNews) end() error {
	if n.conn == nil {
		return nil
	}
	conn, statements := n.conn, []*sql.Stmt{n.version, n.after}
	n.conn, n.version, n.after = nil, nil, nil
	var errs []error
	for _, statement := range statements {
		if statement != nil {
			errs = append(errs, statement.Close())
		}
	}
	return errors.Join(append(errs, conn.Close())...)
}

func (n *sqliteNews) close() error {
	n.closed = true
	return n.end()
}

// close ends the look-out for changes.
func (g *grants) close() error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.clear()
	return g.news.close()
}
