package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/oxlin/oxlin"
)

// ImportAnswers are a user's answers about the files of a bank.
type ImportAnswers struct {
	// Mapping is how its tables are read, as JSON; empty for none.
	Mapping string
	// Account is that of files which name none; zero for none. It may be gone.
	Account oxlin.AccountID
}

// ImportAnswersOf returns a user's answers about the files of a bank, empty without any.
func ImportAnswersOf(ctx context.Context, r Reader, user oxlin.UserID, provider oxlin.ProviderID) (answers ImportAnswers, err error) {
	const find = "SELECT mapping, account_id FROM import_answers WHERE user_id = ?1 AND provider_id = ?2"
	err = r.raw.QueryRowContext(ctx, find, int64(user), string(provider)).Scan(&answers.Mapping, &answers.Account)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return answers, fmt.Errorf("find the answers about files: %w", err)
	}
	return answers, nil
}

// SaveImportAnswers stores a user's answers about the files of a bank in the place of earlier ones.
func SaveImportAnswers(ctx context.Context, tx *Tx, user oxlin.UserID, provider oxlin.ProviderID, answers ImportAnswers) error {
	const save = "INSERT INTO import_answers (user_id, provider_id, mapping, account_id) VALUES (?1, ?2, ?3, ?4)" +
		" ON CONFLICT (user_id, provider_id) DO UPDATE SET mapping = excluded.mapping, account_id = excluded.account_id"
	_, err := tx.raw.ExecContext(ctx, save, int64(user), string(provider), answers.Mapping, int64(answers.Account))
	if err != nil {
		return fmt.Errorf("save the answers about files: %w", err)
	}
	return nil
}
