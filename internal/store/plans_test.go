package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
	"github.com/oxlin/oxlin/internal/store/storetest"
)

// queries returns the texts of all generated queries by name.
func queries(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, file := range must[[]string](t)(filepath.Glob("query/*.sql.go")) {
		parsed := must[*ast.File](t)(parser.ParseFile(token.NewFileSet(), file, nil, 0))
		for _, declaration := range parsed.Decls {
			constant, ok := declaration.(*ast.GenDecl)
			if !ok || constant.Tok != token.CONST {
				continue
			}
			spec := constant.Specs[0].(*ast.ValueSpec)
			texts[spec.Names[0].Name] = must[string](t)(strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value))
		}
	}
	return texts
}

var numberedParameter = regexp.MustCompile(`[?$](\d+)`)

// parameters returns the highest number of a parameter.
func parameters(text string) int {
	most := 0
	for _, found := range numberedParameter.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(found[1])
		most = max(most, n)
	}
	return most
}

// planner returns a function that returns the lines in which the database tells how it runs a
// statement. SQLite's choice does not depend on the number of rows, because nothing analyses its
// tables. PostgreSQL reads a whole table only if it has no other way.
func planner(t *testing.T, db *store.DB) func(text string) ([]string, error) {
	t.Helper()
	ctx := t.Context()
	if db.Dialect() == store.SQLite {
		return func(text string) (lines []string, err error) {
			rows, err := db.SQLite().QueryContext(ctx, "EXPLAIN QUERY PLAN "+text, make([]any, parameters(text))...)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			for rows.Next() {
				var id, parent, unused int
				var detail string
				err = rows.Scan(&id, &parent, &unused, &detail)
				if err != nil {
					return nil, err
				}
				lines = append(lines, detail)
			}
			return lines, rows.Err()
		}
	}
	conn := must[*pgxpool.Conn](t)(db.Postgres().Acquire(ctx))
	t.Cleanup(conn.Release)
	return func(text string) ([]string, error) {
		_, err := conn.Exec(ctx, "DEALLOCATE ALL; SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; "+
			"PREPARE one AS "+numberedParameter.ReplaceAllString(text, "$$$1"), pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return nil, err
		}
		explain := "EXPLAIN EXECUTE one"
		if n := parameters(text); n > 0 {
			explain += "(" + strings.TrimSuffix(strings.Repeat("NULL,", n), ",") + ")"
		}
		rows, err := conn.Query(ctx, explain, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, pgx.RowTo[string])
	}
}

// wholeTable is a line of either database about a table that is read from one end to the other.
var wholeTable = regexp.MustCompile(`^SCAN (\w+)|Seq Scan on (\w+)`)

// whole lists the queries that read a whole table, with the reason.
var whole = map[string]string{
	"countChannels":             "it counts an index, and reads no row",
	"deleteClient":              "an operator deletes a client; tokens and sessions are looked for once",
	"dropAuthorizationsOfFlow":  "accesses wait for ten minutes: there are few",
	"dropConnectionsOfProvider": "the sandbox is left",
	"dropEndedOperatorSessions": "operators are few",
	"dropDeletingUsers":         "its index holds nothing else",
	"dropIdlePaces":             "the rows of some minutes; an index would cost each password a write more",
	"dropOperators":             "the sandbox is left",
	"dropSandboxClients":        "the sandbox is left",
	"dropSandboxTokens":         "the sandbox is left",
	"dropSandboxUsers":          "the sandbox is left",
	"findDeletingAccount":       "its index holds nothing else",
	"hasUsers":                  "one row of it",
	"listAccountsInDoubt":       "its index holds nothing else",
	"listClients":               "clients are few",
	"listEndedBankSteps":        "users are on their way to a bank for minutes: there are few",
	"listEndedHeldAccesses":     "accesses wait for ten minutes: there are few",
	"listOperators":             "operators are few",
	"listSigningKeys":           "keys are few",
	"usersWithoutEmailKey":      "a migration",
}

// TestNoQueryReadsAWholeTable asks both databases how they run each query. A query that reads
// a whole table gets an index, or its reason above.
func TestNoQueryReadsAWholeTable(t *testing.T) {
	texts := queries(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		explain := planner(t, db)
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			plan, err := explain(texts[name])
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, line := range plan {
				if found := wholeTable.FindString(line); found != "" && found != "SCAN CONSTANT" && whole[name] == "" {
					t.Errorf("%s: %s", name, line)
				}
			}
		}
	})
	for name := range whole {
		if texts[name] == "" {
			t.Errorf("%s has a reason, and does not exist", name)
		}
	}
}

// A list of pending rows, of some days or amounts, and a page far back, read an index and not the
// rows before.
func TestListsReadTheirIndex(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		explain := planner(t, db)
		amount, day := oxlin.Amount(1), must[oxlin.Date](t)(oxlin.ParseDate("2026-11-03"))
		for _, row := range []struct {
			index  string
			filter store.TransactionFilter
		}{
			{"transactions_counted", store.TransactionFilter{}},
			{"transactions_counted", store.TransactionFilter{MinAmount: &amount}},
			{"transactions_counted", store.TransactionFilter{Amount: &amount}},
			{"transactions_by_day", store.TransactionFilter{StartDate: day, EndDate: day}},
			{"transactions_by_day", store.TransactionFilter{StartDate: day}},
			{"transactions_pending", store.TransactionFilter{IncludedStatuses: []oxlin.TransactionStatus{oxlin.StatusPending}}},
		} {
			index, filter := row.index, row.filter
			if index == "transactions_by_day" && db.Dialect() == store.Postgres {
				continue // it chooses by the number of rows, and this table is empty
			}
			for n := range 4 {
				filter.NewestFirst = n%2 == 1
				text, _ := filter.Page(db.Dialect(), n/2)
				plan := must[[]string](t)(explain(text))
				if !slices.ContainsFunc(plan, func(line string) bool { return strings.Contains(line, index) }) ||
					slices.ContainsFunc(plan, func(line string) bool { return wholeTable.MatchString(line) && !strings.Contains(line, "page") }) {
					t.Errorf("newest first %t, after %d rows: not by %s:\n%s", filter.NewestFirst, n/2, index, strings.Join(plan, "\n"))
				}
			}
		}
	})
}
