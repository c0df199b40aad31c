package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/oxlin/oxlin/internal/store"
)

// table is a copy of the transactions' table without its constraints and indexes.
const table = "bench_transactions"

// raw is a database without the store's code.
type raw struct {
	// batch is how many rows go into a statement.
	batch     int
	parameter func(n int) string
	query     func(ctx context.Context, text string) ([][]any, []string, error)
	// insert runs a statement for each list of arguments, all in one transaction.
	insert func(ctx context.Context, text func(rows int) string, batches [][]any, columns int) error
	run    func(ctx context.Context, text string) error
}

// bulkInsert copies all transactions that were synchronised to another table of the
// same database, through the same driver, as fast as it goes: rows a second.
func bulkInsert(ctx context.Context, address string) (float64, error) {
	db, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	database := sqlite(db)
	if db.Dialect() == store.Postgres {
		database = postgres(db)
	}
	rows, columns, err := database.query(ctx, "SELECT * FROM transactions ORDER BY id")
	if err != nil {
		return 0, err
	}
	err = database.run(ctx, "CREATE TABLE "+table+" AS SELECT * FROM transactions WHERE id = 0")
	if err != nil {
		return 0, err
	}
	var batches [][]any
	for start := 0; start < len(rows); start += database.batch {
		var arguments []any
		for _, row := range rows[start:min(start+database.batch, len(rows))] {
			arguments = append(arguments, row...)
		}
		batches = append(batches, arguments)
	}
	statement := func(count int) string {
		var text strings.Builder
		fmt.Fprintf(&text, "INSERT INTO %s (%s) VALUES ", table, strings.Join(columns, ", "))
		for n := range count * len(columns) {
			switch {
			case n == 0:
				text.WriteString("(")
			case n%len(columns) == 0:
				text.WriteString("), (")
			default:
				text.WriteString(", ")
			}
			text.WriteString(database.parameter(n + 1))
		}
		text.WriteString(")")
		return text.String()
	}
	begun := time.Now()
	err = database.insert(ctx, statement, batches, len(columns))
	if err != nil {
		return 0, err
	}
	elapsed := time.Since(begun)
	return float64(len(rows)) / elapsed.Seconds(), database.run(ctx, "DROP TABLE "+table)
}

func sqlite(db *store.DB) raw {
	pool := db.SQLite()
	return raw{
		batch:     25, // the driver looks for parameters one by one
		parameter: func(int) string { return "?" },
		run: func(ctx context.Context, text string) error {
			_, err := pool.ExecContext(ctx, text)
			return err
		},
		query: func(ctx context.Context, text string) ([][]any, []string, error) {
			rows, err := pool.QueryContext(ctx, text)
			if err != nil {
				return nil, nil, err
			}
			defer rows.Close()
			columns, err := rows.Columns()
			if err != nil {
				return nil, nil, err
			}
			var all [][]any
			for rows.Next() {
				row, into := make([]any, len(columns)), make([]any, len(columns))
				for i := range row {
					into[i] = &row[i]
				}
				err := rows.Scan(into...)
				if err != nil {
					return nil, nil, err
				}
				all = append(all, row)
			}
			return all, columns, rows.Err()
		},
		insert: func(ctx context.Context, text func(int) string, batches [][]any, columns int) error {
			tx, err := pool.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer func() { _ = tx.Rollback() }()
			for _, arguments := range batches {
				_, err := tx.ExecContext(ctx, text(len(arguments)/columns), arguments...)
				if err != nil {
					return err
				}
			}
			return tx.Commit()
		},
	}
}

func postgres(db *store.DB) raw {
	pool := db.Postgres()
	return raw{
		batch:     500, // fewer round trips; 65,535 parameters are the most
		parameter: func(n int) string { return fmt.Sprintf("$%d", n) },
		run: func(ctx context.Context, text string) error {
			_, err := pool.Exec(ctx, text)
			return err
		},
		query: func(ctx context.Context, text string) ([][]any, []string, error) {
			rows, err := pool.Query(ctx, text)
			if err != nil {
				return nil, nil, err
			}
			defer rows.Close()
			var columns []string
			for _, field := range rows.FieldDescriptions() {
				columns = append(columns, field.Name)
			}
			var all [][]any
			for rows.Next() {
				row, err := rows.Values()
				if err != nil {
					return nil, nil, err
				}
				all = append(all, row)
			}
			return all, columns, rows.Err()
		},
		insert: func(ctx context.Context, text func(int) string, batches [][]any, columns int) error {
			tx, err := pool.Begin(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
			for _, arguments := range batches {
				_, err := tx.Exec(ctx, text(len(arguments)/columns), arguments...)
				if err != nil {
					return err
				}
			}
			return tx.Commit(ctx)
		},
	}
}
