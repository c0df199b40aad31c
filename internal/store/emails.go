package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"unicode"

	"github.com/pressly/goose/v3"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/oxlin/oxlin"
)

// EmailKey returns the canonical form of an e-mail, by which users are found (contract
// §12.13): in NFC, without a difference of case and without invisible characters.
func EmailKey(email string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, email)
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(visible)))
}

// emailKeys is the migration that gives the users of older versions their keys. Of two
// users of a client with one key, the one whose e-mail is canonical gets it, else the older.
func (db *DB) emailKeys() *goose.Migration {
	return goose.NewGoMigration(31, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		run := db.executor(tx).raw
		users, err := emailsOf(ctx, run)
		if err != nil {
			return fmt.Errorf("e-mails: %w", err)
		}
		taken := map[[2]string]bool{}
		for _, canonical := range []bool{true, false} {
			for _, u := range users {
				key := EmailKey(u.email)
				if (key == u.email) != canonical || taken[[2]string{u.client, key}] {
					continue
				}
				taken[[2]string{u.client, key}] = true
				_, err := run.ExecContext(ctx, "UPDATE users SET email_key = ?1 WHERE id = ?2", key, u.id)
				if err != nil {
					return fmt.Errorf("key of an e-mail: %w", err)
				}
			}
		}
		return nil
	}}, nil)
}

type emailOf struct {
	id            oxlin.UserID
	client, email string
}

func emailsOf(ctx context.Context, run statements) ([]emailOf, error) {
	rows, err := run.QueryContext(ctx, "SELECT id, client_id, email FROM users ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []emailOf
	for rows.Next() {
		var u emailOf
		err := rows.Scan(&u.id, &u.client, &u.email)
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, rows.Err()
}

// UsersByExactEmail lists users whose e-mail another user of the client has in another
// spelling: they are found by the exact e-mail alone. It lists the first few by id.
func (r Reader) UsersByExactEmail(ctx context.Context, most int) ([]oxlin.UserID, error) {
	ids, err := r.q.UsersWithoutEmailKey(ctx, int64(most))
	return each(ids, err, "user", func(id oxlin.UserID) oxlin.UserID { return id })
}
