// Package audit keeps the audit log: who did what, from where, for which client, and how it
// ended. Entries are only appended. Once a minute they are sealed in a chain of batches, so
// that a changed, missing, inserted or moved entry is found.
//
// To record a change, call Record in the transaction of the change:
//
//	return db.WriteFor(ctx, user, func(tx *store.Tx) error {
//		err := tx.DeleteAccount(ctx, account.ID)
//		if err != nil {
//			return err
//		}
//		return log.Record(ctx, tx, audit.Entry{
//			Action: audit.AccountDeleted, Actor: audit.User, Client: client.ID, User: user,
//			Connection: account.ConnectionID, Account: account.ID,
//		})
//	})
//
// So both are stored, or neither. For a refusal, which changes nothing, call Note: it
// returns at once, and the entry is stored within a second, together with others. The id of
// the request and its address come from the context. An action of your own needs a constant
// in action.go, its place in Actions, and a row in e2e/audit_test.go that makes it happen
// over HTTP.
//
// An entry holds ids and constants. It must never hold a name, an e-mail, a label, a number
// of an account, a secret, an address of a page, or anything else that a person wrote. The
// exceptions are Source and Reason: for an entry about a user both are sealed with the
// user's key. Users are stored as pseudonyms. When a user is deleted, their key goes too:
// nobody can tell any more whose entries they are, and the chain still verifies.
//
// Start reading at Log.
package audit
