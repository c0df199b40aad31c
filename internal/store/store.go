package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store/query"
)

//go:embed migrate/*.sql migrate/postgres/*.sql
var migrations embed.FS

// DB is an open database.
type DB struct {
	dialect Dialect
	read    *sql.DB
	reading statements // read with cached prepared statements, used by Read
	write   *sql.DB
	writer  *writer       // SQLite only
	pool    *pgxpool.Pool // PostgreSQL only
	begin   pgx.TxOptions // PostgreSQL only
	sandbox bool
	filling bool          // see Options.Filling
	piece   time.Duration // see Spent
	// path and file are SQLite's file as it was opened; file is nil on PostgreSQL.
	path string
	file os.FileInfo
	// failing is set while the last write failed because of an outage.
	failing atomic.Bool
	grants  grants
}

// Options change how a database is opened. The zero value is safe.
type Options struct {
	// Relaxed lets SQLite acknowledge a write before it is on disk (synchronous=NORMAL).
	// It is faster, but a power failure may lose the last writes.
	Relaxed bool
	// Existing refuses to create the file of an SQLite database.
	Existing bool
	// Filling opens a database for BeginFilling: others refuse it until EndFilling.
	Filling bool
	// Sandbox lets the clients of the sandbox be found. Their secrets are public, so
	// without it they do not exist for any door.
	Sandbox bool
	// Direct is the address of the PostgreSQL database past the pooler of connections to which the
	// address of Open leads; empty without a pooler.
	Direct string
	// Piece is how long one piece of a long write lasts; zero for the usual time. A test that
	// wants many pieces sets it.
	Piece time.Duration
}

// ErrAbsent is the error of Open for an SQLite file that does not exist and may not be
// created.
var ErrAbsent = errors.New("there is no database")

// Open opens "sqlite:PATH" or a "postgres://" URL. It does not migrate. Beside Options.Direct the error
// may be ErrNoPooler or ErrApart.
func Open(ctx context.Context, address string, options Options) (*DB, error) {
	err := CheckAddresses(address, options.Direct)
	if err != nil {
		return nil, err
	}
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return openSQLite(ctx, path, options)
	}
	if isPostgres(address) {
		return openPostgres(ctx, address, options)
	}
	// The error omits the address, which may contain a password.
	return nil, errors.New("database: want sqlite:PATH or postgres://HOST/NAME")
}

// openSQLite opens two pools: one connection for writing, several for reading. Several
// writers would only wait for each other until they time out.
func openSQLite(ctx context.Context, path string, options Options) (*DB, error) {
	if options.Existing {
		_, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w at %s", ErrAbsent, path)
		}
	}
	synchronous := "FULL"
	if options.Relaxed {
		synchronous = "NORMAL"
	}
	// busy_timeout comes first, so that the switch to WAL can wait for it.
	pragmas := url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(" + synchronous + ")",
		"foreign_keys(ON)", "temp_store(MEMORY)", "cache_size(-16000)",
		"secure_delete(ON)", // overwrites deleted content
		"wal_autocheckpoint(" + strconv.Itoa(mostPages) + ")",
	}}
	source := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas.Encode()
	if options.Existing {
		source += "&mode=rw"
	}
	write, err := sql.Open("sqlite", source+"&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	err = connect(ctx, write)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(err, write.Close()))
	}
	read, err := sql.Open("sqlite", source+"&_pragma=query_only(ON)")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(err, write.Close()))
	}
	read.SetMaxOpenConns(9) // one of them looks for changes of grants
	read.SetMaxIdleConns(9)
	checkpointing, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(err, write.Close(), read.Close()))
	}
	checkpointing.SetMaxOpenConns(1)
	file, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(err, write.Close(), read.Close(), checkpointing.Close()))
	}
	return &DB{
		dialect: SQLite, read: read, reading: &prepared{DB: read, known: map[string]*sql.Stmt{}}, write: write,
		sandbox: options.Sandbox, filling: options.Filling, piece: cmp.Or(options.Piece, pieceTime),
		writer: &writer{db: write, checkpoints: newCheckpoints(checkpointing)}, path: path, file: file, grants: grants{news: &sqliteNews{pool: read}},
	}, nil
}

// connect opens the first connection. While another process creates the file or closes
// it last, SQLite returns "locked" immediately, regardless of busy_timeout.
func connect(ctx context.Context, db *sql.DB) error {
	for try := 0; ; try++ {
		err := db.PingContext(ctx)
		if try == 100 || !isBusy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// idleInTransaction is the setting of PostgreSQL that ends the transaction of a process that is
// frozen in its middle, before another process continues its work and waits for its locks.
const (
	idleInTransaction = "idle_in_transaction_session_timeout"
	idleTime          = "7s"
)

// oneLine is an error of pgx, which has a line for each address that it tried.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e oneLine) Unwrap() error { return e.error }

// openPostgres opens two pools. What needs a session of its own goes past a pooler, which gives a
// session to another caller after each transaction: the job engine with its notifications, locks,
// signs of life, the news of grants, and migrations. Everything else goes through it.
func openPostgres(ctx context.Context, address string, options Options) (*DB, error) {
	config, err := pgxpool.ParseConfig(cmp.Or(options.Direct, address))
	if err != nil {
		// The cause is omitted because it contains the address with its password.
		return nil, errors.New("database: the postgres:// address is not valid")
	}
	if params := config.ConnConfig.RuntimeParams; params[idleInTransaction] == "" {
		params[idleInTransaction] = idleTime
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	// The store has its own connections. The pool closes connections in the background,
	// which would break the rollback of a cancelled transaction.
	opened := &DB{
		dialect: Postgres, pool: pool,
		sandbox: options.Sandbox, filling: options.Filling, piece: cmp.Or(options.Piece, pieceTime),
	}
	pooled := config.ConnConfig
	if options.Direct != "" {
		pooled, err = pooledConfig(address)
		if err != nil {
			pool.Close()
			return nil, err
		}
		opened.begin.BeginQuery = "BEGIN; SET LOCAL " + idleInTransaction + " = '" + idleTime + "'"
	}
	db := stdlib.OpenDB(*pooled)
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	err = checkEncoding(ctx, db)
	if err == nil && options.Direct != "" {
		err = checkSameDatabase(ctx, pool, db)
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open PostgreSQL: %w", errors.Join(oneLine{err}, db.Close()))
	}
	opened.read, opened.reading, opened.write = db, db, db
	opened.grants.news = &postgresNews{config: config.ConnConfig, grants: &opened.grants, begun: time.Now()}
	return opened, nil
}

// pooledConfig is the configuration of connections through a pooler: it may refuse settings at
// their start, and a statement that one transaction prepares may be unknown to the next.
func pooledConfig(address string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("database: the postgres:// address is not valid")
	}
	if !strings.Contains(address, "default_query_exec_mode") {
		config.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	return config, nil
}

// Exposed reports whether somebody between this machine and the database at an address could
// read or change what goes over the connection: it may be without TLS, or with a server whose
// certificate nobody looks at.
func Exposed(address string) bool {
	config, err := pgx.ParseConfig(address)
	if err != nil || address == "" {
		return false // a file, or no address: the environment's server is not meant
	}
	exposed := func(host string, secured *tls.Config) bool {
		network, _ := pgconn.NetworkAddress(host, config.Port)
		ip := net.ParseIP(host)
		switch {
		case network == "unix", host == "localhost", ip != nil && ip.IsLoopback():
			return false
		}
		return secured == nil || secured.InsecureSkipVerify && secured.VerifyPeerCertificate == nil
	}
	if exposed(config.Host, config.TLSConfig) {
		return true
	}
	return slices.ContainsFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool { return exposed(f.Host, f.TLSConfig) })
}

// checkEncoding refuses a PostgreSQL database that cannot store every text.
func checkEncoding(ctx context.Context, db *sql.DB) error {
	var encoding string
	err := db.QueryRowContext(ctx, "SHOW server_encoding").Scan(&encoding)
	if err == nil && encoding != "UTF8" {
		err = fmt.Errorf("the database has the encoding %s, which cannot store every name: "+
			"create it with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0", encoding)
	}
	return err
}

// postgresConns bounds the connections of one process to PostgreSQL, in addition to
// those of the job engine.
const postgresConns = 16

// Close closes all connections.
func (db *DB) Close() error {
	err := db.grants.close()
	if db.writer != nil {
		err = errors.Join(err, db.writer.checkpoints.close())
	}
	err = errors.Join(err, db.write.Close())
	if db.read != db.write {
		err = errors.Join(err, db.read.Close())
	}
	if db.pool != nil {
		db.pool.Close()
	}
	return err
}

// Ping checks that the database responds.
func (db *DB) Ping(ctx context.Context) error { return db.read.PingContext(ctx) }

// Dialect returns the kind of the database.
func (db *DB) Dialect() Dialect { return db.dialect }

// SQLite returns the writing pool, for the job engine; nil on PostgreSQL.
func (db *DB) SQLite() *sql.DB {
	if db.dialect == SQLite {
		return db.write
	}
	return nil
}

// Postgres returns the pool that only the job engine uses; nil on SQLite.
func (db *DB) Postgres() *pgxpool.Pool { return db.pool }

// Migrate applies all pending migrations. If several processes call it at once, one
// migrates and the others wait. The error is ErrNewer for a database that a newer version
// has migrated.
func (db *DB) Migrate(ctx context.Context) error {
	provider, err := db.migrations()
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	err = db.filled(ctx)
	if err != nil {
		return err
	}
	applied, err := db.schema(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if applied > newest(provider) {
		return ErrNewer
	}
	_, err = provider.Up(ctx)
	// On PostgreSQL, a lock prevents concurrent migrations. On SQLite, another process
	// may apply a migration first, so it tries again, at most once for each migration.
	for range provider.ListSources() {
		if err == nil || db.dialect == Postgres {
			break
		}
		_, err = provider.Up(ctx)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Migrated reports whether no migration is pending.
func (db *DB) Migrated(ctx context.Context) (bool, error) {
	provider, err := db.migrations()
	if err != nil {
		return false, fmt.Errorf("look at migrations: %w", err)
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return false, fmt.Errorf("look at migrations: %w", err)
	}
	return !pending, nil
}

// The errors of CheckSchema.
var (
	// ErrNewer: a newer version has migrated the database. This version does not know
	// what its tables mean.
	ErrNewer = errors.New("the database has the tables of a newer version")
	// ErrOlder: migrations are pending.
	ErrOlder = errors.New("the database has the tables of an older version")
	// ErrEmpty: the database has no tables of the platform.
	ErrEmpty = errors.New("the database has no tables yet")
)

// CheckSchema compares the tables with those of this version, and changes nothing.
func (db *DB) CheckSchema(ctx context.Context) error {
	provider, err := db.migrations()
	if err != nil {
		return fmt.Errorf("look at migrations: %w", err)
	}
	err = db.filled(ctx)
	if err != nil {
		return err
	}
	applied, err := db.schema(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("look at migrations: %w", err)
	case applied == 0:
		return ErrEmpty
	case applied < newest(provider):
		return ErrOlder
	case applied > newest(provider):
		return ErrNewer
	}
	pending, err := provider.HasPending(ctx)
	if err == nil && pending {
		err = ErrOlder
	}
	return err
}

func newest(provider *goose.Provider) int64 {
	sources := provider.ListSources()
	return sources[len(sources)-1].Version
}

// schema returns the newest migration that was applied, 0 without any. The library would
// create its table for the answer.
func (db *DB) schema(ctx context.Context) (version int64, err error) {
	exists, err := db.hasTable(ctx, "goose_db_version")
	if err != nil || !exists {
		return 0, err
	}
	err = db.read.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&version)
	return version, err
}

func (db *DB) hasTable(ctx context.Context, name string) (bool, error) {
	exists := "SELECT count(*) FROM sqlite_master WHERE name = ?1"
	if db.dialect == Postgres {
		exists = "SELECT count(to_regclass($1))"
	}
	var tables int
	err := db.read.QueryRowContext(ctx, exists, name).Scan(&tables)
	return tables > 0, err
}

func (db *DB) migrations() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrate")
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	// Migrations are numbered while they are written, and not all land in that order: a database
	// of a commit between two of them lacks one with a smaller number than its newest.
	options := []goose.ProviderOption{goose.WithGoMigrations(db.emailKeys()), goose.WithAllowOutofOrder(true)}
	if db.dialect == Postgres {
		dialect = goose.DialectPostgres
		files = postgresFiles{files}
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	direct := db.write
	if db.dialect == Postgres {
		direct = stdlib.OpenDBFromPool(db.pool) // closed with the pool
	}
	return goose.NewProvider(dialect, direct, files, options...)
}

// executor runs SQL, on committed data or inside a transaction.
type executor struct {
	q       *query.Queries
	raw     statements
	dialect Dialect
	sandbox bool
	// changed collects the changes of grants in a transaction; nil outside.
	changed *[]grantChange
}

func (db *DB) executor(s statements) executor {
	if db.dialect == Postgres {
		s = numbered{s}
	}
	return executor{q: query.New(s), raw: s, dialect: db.dialect, sandbox: db.sandbox}
}

// Reader reads committed data, or what a transaction sees.
type Reader struct{ executor }

// Read returns a reader outside of any transaction.
func (db *DB) Read() Reader { return Reader{db.executor(db.reading)} }

// Tx is a transaction that may write. Its Read reads; Audit, Auth, Pace and Widget write the
// rows of those rooms.
type Tx struct {
	executor
	sqlite   *sql.Tx
	postgres pgx.Tx
	// deletesData is set if the transaction deletes data on a user's request.
	deletesData bool
	// erased counts the transactions of accounts that were deleted; hides is set if more are left
	// for Erase.
	erased int
	hides  bool
	// begun is when the caller's turn began; piece is how long it may last, see Spent.
	begun time.Time
	piece time.Duration
	// freshAuditKeys are the users whose key of the audit log this transaction has made.
	freshAuditKeys map[oxlin.UserID]bool
}

// pieceTime is how long one piece of a long write may keep others waiting.
const pieceTime = 10 * time.Millisecond

// Spent reports whether the transaction has lasted long enough: a write that others should not
// wait for ends it, and continues in another one.
func Spent(tx *Tx) bool { return time.Since(tx.begun) >= tx.piece }

// Read returns a reader that sees what the transaction has written.
func (tx *Tx) Read() Reader { return Reader{tx.executor} }

// SQLite returns the driver's transaction, for the job engine; nil on PostgreSQL.
func (tx *Tx) SQLite() *sql.Tx { return tx.sqlite }

// Postgres returns the driver's transaction, for the job engine; nil on SQLite.
func (tx *Tx) Postgres() pgx.Tx { return tx.postgres }

// transact is Write without a look at outages.
func (db *DB) transact(ctx context.Context, f func(tx *Tx) error) error {
	if db.dialect == Postgres {
		return db.writePostgres(ctx, f)
	}
	return db.writer.write(ctx, func(c *common) error {
		ours := &Tx{executor: db.executor(unbroken{c.tx, &db.writer.kept}), sqlite: c.tx, begun: time.Now(), piece: db.piece}
		err := f(ours)
		if err == nil && ours.deletesData {
			c.deletesData = true
		}
		return err
	})
}

// writePostgres begins the transaction on the pgx connection below database/sql. The
// job engine needs a pgx transaction and the queries need a database/sql connection;
// both use the same connection.
func (db *DB) writePostgres(ctx context.Context, f func(tx *Tx) error) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer conn.Close()
	var native pgx.Tx
	err = conn.Raw(func(driver any) error {
		var err error
		native, err = driver.(*stdlib.Conn).Conn().BeginTx(ctx, db.begin)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	// A rollback after the commit does nothing. After a failure or a panic it must run
	// even if ctx is done.
	defer func() {
		rollback, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = native.Rollback(rollback)
	}()
	ours := &Tx{executor: db.executor(conn), postgres: native, begun: time.Now(), piece: db.piece}
	var changes []grantChange
	ours.changed = &changes
	err = f(ours)
	if err != nil && ctx.Err() != nil {
		// pgx closed the connection, so err alone would not name the cause.
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if err != nil {
		return err
	}
	err = native.Commit(ctx)
	db.grants.changed(changes) // also after a failure, which may have committed
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// WriteFor is Write for the data of one user. It locks the user's row first, so that
// writes for one user run one after the other: they cannot deadlock, and their numbers
// become visible in order. A deleted user is CodeNotFound.
func (db *DB) WriteFor(ctx context.Context, user oxlin.UserID, f func(tx *Tx) error) error {
	return db.Write(ctx, func(tx *Tx) error {
		_, err := tx.q.LockUser(ctx, user)
		if errors.Is(err, sql.ErrNoRows) {
			return oxlin.NotFound("user")
		}
		if err != nil {
			return fmt.Errorf("lock user: %w", err)
		}
		return f(tx)
	})
}

// found converts a row to a domain value, and the absence of a row to CodeNotFound.
func found[Row, Noun any](row Row, err error, noun string, make func(Row) Noun) (Noun, error) {
	if errors.Is(err, sql.ErrNoRows) {
		var none Noun
		return none, oxlin.NotFound(noun)
	}
	if err != nil {
		var none Noun
		return none, fmt.Errorf("find %s: %w", noun, err)
	}
	return make(row), nil
}

// each converts rows to domain values.
func each[Row, Noun any](rows []Row, err error, noun string, make func(Row) Noun) ([]Noun, error) {
	if err != nil {
		return nil, fmt.Errorf("list %ss: %w", noun, err)
	}
	nouns := []Noun{}
	for _, row := range rows {
		nouns = append(nouns, make(row))
	}
	return nouns, nil
}
