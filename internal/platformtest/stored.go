package platformtest

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/store"
)

// Accounts returns the stored accounts of a user.
func (w *World) Accounts(user oxlin.UserID) []oxlin.Account {
	w.T.Helper()
	list, err := w.DB.Read().AccountsOfUser(w.T.Context(), user)
	return require(w, list, err)
}

// Transactions returns the stored transactions of a user.
func (w *World) Transactions(user oxlin.UserID) []oxlin.Transaction {
	w.T.Helper()
	list, err := w.DB.Read().Transactions(w.T.Context(), user, store.TransactionFilter{}, 0, 100_000)
	return require(w, list, err)
}

// EventLog returns the stored events of a user.
func (w *World) EventLog(user oxlin.UserID) []oxlin.Event {
	w.T.Helper()
	list, err := w.DB.Read().Events(w.T.Context(), user, 0, 1000)
	return require(w, list, err)
}

// Consents returns the stored consents of a connection.
func (w *World) Consents(connection oxlin.ConnectionID) []oxlin.Consent {
	w.T.Helper()
	list, err := w.DB.Read().Consents(w.T.Context(), connection)
	return require(w, list, err)
}

// require returns a value and fails the test if it could not be read.
func require[V any](w *World, value V, err error) V {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
	return value
}
