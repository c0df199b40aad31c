package synchro

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/vault"
)

// The names under which the vault seals. They are stored: they are part of every
// sealed value, which opens under the same names only. So they stay as they are, even
// if a table or a column gets another name.
const (
	accessTable, accessColumn         = "channels", "access"
	revocationTable, revocationColumn = "revocations", "access" // in a job, not in a table
	keyTable, keyColumn               = "keys", "private_key"
	credentialTable, credentialColumn = "credentials", "value"
	questionTable                     = "questions"
	stateColumn, answersColumn        = "state", "answers"
	stageTable, stageColumn           = "staged_pages", "body"
	rawTable, rawColumn               = "transactions", "raw"
	unreadableTable                   = "unreadable_records"
	syncTable, positionColumn         = "synchronisations", "position" // in the progress
	toldColumn                        = "told"                         // in the progress
)

func accessPlace(id oxlin.ChannelID) vault.Place {
	return vault.Place{Table: accessTable, Column: accessColumn, Row: id.String()}
}

func revocationPlace(id oxlin.ProviderID) vault.Place {
	return vault.Place{Table: revocationTable, Column: revocationColumn, Row: string(id)}
}

// KeyPlace is where the private keys of a user are sealed. A key has no id before it
// is stored, so its place is the user.
func KeyPlace(id oxlin.UserID) vault.Place {
	return vault.Place{Table: keyTable, Column: keyColumn, Row: id.String()}
}

func credentialPlace(id oxlin.ChannelID, credential oxlin.CredentialID) vault.Place {
	return vault.Place{Table: credentialTable, Column: credentialColumn, Row: id.String() + "/" + string(credential)}
}

func questionPlace(id oxlin.SyncID, column string) vault.Place {
	return vault.Place{Table: questionTable, Column: column, Row: id.String()}
}

func stagePlace(id oxlin.SyncID) vault.Place {
	return vault.Place{Table: stageTable, Column: stageColumn, Row: id.String()}
}

func positionPlace(id oxlin.SyncID) vault.Place {
	return vault.Place{Table: syncTable, Column: positionColumn, Row: id.String()}
}

// toldPlace is where balances wait that a list has told. A listing hands them to the synchronisation that
// follows it, so the place is their channel.
func toldPlace(id oxlin.ChannelID) vault.Place {
	return vault.Place{Table: syncTable, Column: toldColumn, Row: id.String()}
}

func rawPlace(id oxlin.AccountID) vault.Place {
	return vault.Place{Table: rawTable, Column: rawColumn, Row: id.String()}
}

func unreadablePlace(id oxlin.AccountID) vault.Place {
	return vault.Place{Table: unreadableTable, Column: rawColumn, Row: id.String()}
}
