package transfer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin/internal/store"
)

// table is a table of the platform. Both databases have the same tables and columns.
type table struct {
	name    string
	columns []column
	// key are the columns of the primary key.
	key []string
	// parents are the tables whose rows have to be there before.
	parents []string
	// sequence is set if the database counts the ids.
	sequence bool
}

type column struct {
	name string
	kind string // the type in SQLite's migrations
}

func names(tables []table) (all []string) {
	for _, t := range tables {
		all = append(all, t.name)
	}
	return all
}

// schema returns the tables, parents first. It asks a fresh SQLite database, which has those of
// both.
func schema(ctx context.Context) (_ []table, err error) {
	folder, err := os.MkdirTemp("", "oxlin-schema-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(folder, "empty.db"), store.Options{Relaxed: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.Migrate(ctx)
	if err != nil {
		return nil, err
	}
	found, err := list(ctx, db.SQLite(), `SELECT name, CAST(instr(sql, 'AUTOINCREMENT') > 0 AS INTEGER) FROM sqlite_master
		WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version' ORDER BY name`,
		func(rows *sql.Rows) (t table, err error) { return t, rows.Scan(&t.name, &t.sequence) })
	if err != nil {
		return nil, err
	}
	for i := range found {
		err = found[i].describe(ctx, db.SQLite())
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", found[i].name, err)
		}
	}
	return sorted(found)
}

func (t *table) describe(ctx context.Context, db *sql.DB) (err error) {
	t.columns, err = list(ctx, db, "SELECT name, type FROM pragma_table_info("+quoted(t.name)+") ORDER BY cid",
		func(rows *sql.Rows) (c column, err error) { return c, rows.Scan(&c.name, &c.kind) })
	if err != nil {
		return err
	}
	text := func(rows *sql.Rows) (name string, err error) { return name, rows.Scan(&name) }
	t.key, err = list(ctx, db, "SELECT name FROM pragma_table_info("+quoted(t.name)+") WHERE pk > 0 ORDER BY pk", text)
	if err != nil {
		return err
	}
	if len(t.key) == 0 {
		return errors.New("a table without a primary key has no order")
	}
	t.parents, err = list(ctx, db, `SELECT DISTINCT "table" FROM pragma_foreign_key_list(`+quoted(t.name)+") ORDER BY 1", text)
	return err
}

func quoted(name string) string { return "'" + name + "'" }

// list reads all rows of a query.
func list[T any](ctx context.Context, db *sql.DB, query string, scan func(*sql.Rows) (T, error)) (all []T, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// sorted puts each table after those that its rows refer to.
func sorted(tables []table) ([]table, error) {
	var order []table
	placed := map[string]bool{}
	for len(order) < len(tables) {
		before := len(order)
		for _, t := range tables {
			missing := func(parent string) bool { return parent != t.name && !placed[parent] }
			if !placed[t.name] && !slices.ContainsFunc(t.parents, missing) {
				order = append(order, t)
				placed[t.name] = true
			}
		}
		if len(order) == before {
			return nil, errors.New("tables refer to each other in a circle")
		}
	}
	return order, nil
}

// keys returns the columns of the key, each with a suffix. Texts are in the order of their bytes.
func (t table) keys(dialect store.Dialect, suffix string) string {
	var parts []string
	for _, name := range t.key {
		i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
		if dialect == store.Postgres && t.columns[i].kind == "TEXT" {
			name += ` COLLATE "C"`
		}
		parts = append(parts, name+suffix)
	}
	return strings.Join(parts, ", ")
}

// read returns the rows in the order of their keys, those after a key if one is given.
func (t table) read(ctx context.Context, from side, after []any) (*sql.Rows, error) {
	var columns, present []string
	for _, c := range t.columns {
		columns = append(columns, c.name)
		if c.kind == "BLOB" {
			present = append(present, c.name+" IS NOT NULL")
		}
	}
	query := "SELECT " + strings.Join(slices.Concat(columns, present), ", ") + " FROM " + t.name
	if after != nil {
		query += " WHERE (" + t.keys(from.dialect, "") + ") > (" + parameters(from.dialect, 0, len(after)) + ")"
	}
	return from.QueryContext(ctx, query+" ORDER BY "+t.keys(from.dialect, ""), after...)
}

// scan reads a row of read. SQLite stores no booleans of their own, and its driver reads an empty
// blob as it reads none.
func (t table) scan(rows *sql.Rows) ([]any, error) {
	row := make([]any, len(t.columns), 2*len(t.columns))
	for _, c := range t.columns {
		if c.kind == "BLOB" {
			row = append(row, nil)
		}
	}
	err := rows.Scan(pointers(row)...)
	if err != nil {
		return nil, err
	}
	present := row[len(t.columns):]
	for i, c := range t.columns {
		switch c.kind {
		case "BOOLEAN":
			row[i] = truth(row[i])
		case "BLOB":
			if text, _ := row[i].([]byte); text == nil && truth(present[0]) == true {
				row[i] = []byte{}
			}
			present = present[1:]
		}
	}
	return row[:len(t.columns)], nil
}

// truth returns a boolean of either database; NULL stays as it is.
func truth(value any) any {
	number, ok := value.(int64)
	if ok {
		return number != 0
	}
	return value
}

func pointers(values []any) []any {
	all := make([]any, len(values))
	for i := range values {
		all[i] = &values[i]
	}
	return all
}

// insert returns the statement that inserts a number of rows.
func (t table) insert(dialect store.Dialect, rows int) string {
	var text strings.Builder
	text.WriteString("INSERT INTO " + t.name + " (")
	for i, c := range t.columns {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(c.name)
	}
	text.WriteString(") VALUES ")
	for n := range rows {
		if n > 0 {
			text.WriteString(", ")
		}
		text.WriteString("(" + parameters(dialect, n*len(t.columns), len(t.columns)) + ")")
	}
	return text.String()
}

// parameters returns a number of placeholders that follow the first ones.
func parameters(dialect store.Dialect, first, count int) string {
	sign := "?"
	if dialect == store.Postgres {
		sign = "$"
	}
	parts := make([]string, count)
	for i := range parts {
		parts[i] = sign + strconv.Itoa(first+i+1)
	}
	return strings.Join(parts, ", ")
}

// lastID returns the last id that the database has given to a row of the table, 0 if it has given
// none.
func (t table) lastID(ctx context.Context, db side) (last int64, err error) {
	if db.dialect == store.SQLite {
		err = db.QueryRowContext(ctx, "SELECT seq FROM sqlite_sequence WHERE name = ?1", t.name).Scan(&last)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, nil
		}
		return last, err
	}
	var sequence string
	err = db.QueryRowContext(ctx, "SELECT pg_get_serial_sequence($1, $2)", t.name, t.key[0]).Scan(&sequence)
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM "+sequence).Scan(&last)
	return last, err
}

func (t table) setLastID(ctx context.Context, db side, last int64) error {
	if db.dialect == store.Postgres {
		_, err := db.ExecContext(ctx, "SELECT setval(pg_get_serial_sequence($1, $2), $3)", t.name, t.key[0], last)
		return err
	}
	_, err := db.ExecContext(ctx, "DELETE FROM sqlite_sequence WHERE name = ?1", t.name)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", t.name, last)
	return err
}
