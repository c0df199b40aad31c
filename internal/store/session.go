package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Session is a connection to PostgreSQL that serves one purpose, and that ends with the process.
type Session struct{ conn *pgx.Conn }

// Session opens a connection to PostgreSQL.
func (db *DB) Session(ctx context.Context) (*Session, error) {
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig.Copy())
	if err != nil {
		return nil, err
	}
	return &Session{conn}, nil
}

// Closed reports whether the connection is lost.
func (s *Session) Closed() bool { return s.conn.IsClosed() }

// Exec runs a statement.
func (s *Session) Exec(ctx context.Context, statement string, args ...any) error {
	_, err := s.conn.Exec(ctx, statement, args...)
	return err
}

// TryLock reports whether the session got an advisory lock, which it then holds to its end.
func (s *Session) TryLock(ctx context.Context, first, second int32) (locked bool, err error) {
	err = s.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1::int, $2::int)", first, second).Scan(&locked)
	return locked, err
}

// Close closes the connection.
func (s *Session) Close(ctx context.Context) error { return s.conn.Close(ctx) }
