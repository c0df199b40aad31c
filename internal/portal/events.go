package portal

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/portal/page"
)

const eventsPath = guidesPath + "/events"

// eventRow returns the row of an event: when it happens, its content, and the
// recommended action.
func eventRow(name oxlin.EventType, when, carries, do string) page.Row {
	return page.Row{ID: string(name), Name: string(name), Cells: []string{prose(when), prose(carries), prose(do)}}
}

// events returns the table of all events in a queue.
func events() page.Table {
	columns := []string{"Event", "When", "Data", "What to do"}
	return page.Table{
		Title: "Events",
		Lead: prose(`A queue contains the events of a user's connections, in order. [Subscribe](/reference#subscribe) before you start a synchronisation,
then [poll](/reference#pollQueue): each poll returns the events since the poll before. If a response was lost, poll again with ` + "`after`" + ` and the id of the
last event that you have. The widget and ` + "`authorize_url`" + ` return a ` + "`queue_id`" + ` whose first event is the first of their flow.

Each event is about one channel, named by ` + "`channel_definition_id`" + `, and has the connection at the time of the event under ` + "`resource`" + `. The data of a type is
under the type's name in lower case. New types may be added: ignore types that you do not know.

` + "```" + `
LIST_ACCOUNTS_RUNNING
   └─ LIST_ACCOUNTS_USER_INPUT_REQUESTED     as often as the bank asks
LIST_ACCOUNTS_SUCCESS ─ or ─ AUTH_FAILED, …  then LIST_ACCOUNTS_FAILED
   (the user consents)
SYNC_ALL_RUNNING
   └─ SYNC_ALL_USER_INPUT_REQUESTED
SYNC_ALL_SUCCESS      ─ or ─ TOKEN_EXPIRED, … then SYNC_ALL_FAILED
` + "```" + `
`),
		Parts: []page.Part{{
			ID: "synchronisation", Title: "Synchronisations",
			Text:    prose("`LIST_ACCOUNTS` reads the list of accounts, `SYNC_ALL` their balances and transactions."),
			Columns: columns,
			Rows:    append(synchronisationEvents(oxlin.SyncListAccounts), synchronisationEvents(oxlin.SyncAll)...),
		}, {
			ID: "failures", Title: "Failures",
			Text:    prose("After a failed run, an event is named after the new [status](/docs/statuses#channel) of the channel. It comes before the `…_FAILED`."),
			Columns: []string{"Event", "When", "What to do"},
			Rows:    failureEvents(),
		}, {
			ID: "connection", Title: "Connections", Columns: columns,
			Rows: []page.Row{
				eventRow(oxlin.EventConnectionCreated, "A connection was created.", "–", "Store its id."),
				eventRow(oxlin.EventConnectionUpdated, "A client or a user changed the connection outside a synchronisation, a file was imported, or a new version of the platform read its stored records anew.", "then `changed_transactions`, `new_transactions`", "Read it again, if you keep a copy; then also the transactions with a new `last_update_date`."),
				eventRow(oxlin.EventConnectionDeleted, "The connection was deleted, with its accounts and transactions.", "–", "Delete your copy."),
			},
		}, {
			ID: "widget", Title: "Widget",
			Text:    prose("The step that the user has reached. In a frame, the page around it also receives the event as a message, with the type as `eventName`. Before there is a connection, the event has no `resource`."),
			Columns: columns,
			Rows: []page.Row{
				eventRow(oxlin.EventWidgetGlobal, "A flow begins or ends.", "`entry_point`; at the end `status` and `result`", "At the end, let the user continue in your application. The message `redirect_to` has the same data, and `connection_id`."),
				eventRow(oxlin.EventWidgetChooseBank, "The user chooses a bank.", "`entry_point`", "Nothing."),
				eventRow(oxlin.EventWidgetLogin, "The user logs in, in the widget or at the bank.", "`entry_point`, `provider_id`", "Nothing."),
				eventRow(oxlin.EventWidgetSynchronization, "The bank is read, or asks the user something.", "`entry_point`, `provider_id`", "Nothing."),
				eventRow(oxlin.EventWidgetConsent, "The user is asked for the consent.", "`entry_point`, `provider_id`", "Nothing."),
			},
		}},
	}
}

// synchronisationEvents returns the rows of the four events of a kind of
// synchronisation.
func synchronisationEvents(kind oxlin.SyncKind) []page.Row {
	succeeded, carries := "The list of accounts is complete.", "`accounts`, as in `GET /accounts`"
	then := "If `consent_per_account` is set, let the user choose and [send the consents](/reference#updateConsents)."
	if kind == oxlin.SyncAll {
		succeeded, carries = "All accounts have been read.", "`new_transactions`, `cancelled_transactions` and `restored_transactions`, numbers; `incomplete_accounts`, if any"
		then = "[Read the transactions](/reference#getTransactions): with `start_import_date` only the new ones. If the bank has dropped some or shows dropped ones again, read those with `included_statuses=CANCELLED`."
	}
	return []page.Row{
		eventRow(kind.RunningEvent(), "A run has begun.", "–", "Wait."),
		eventRow(kind.UserInputEvent(), "The bank asks the user something.", "`challenge`, a form", "Show it to the user and [send the answers](/reference#answerChallenges), or send them to the widget's [user_input](/reference#userInput)."),
		eventRow(kind.SuccessEvent(), succeeded, carries, then),
		eventRow(kind.FailedEvent(), "The run has failed.", "–", "Read the reason in the event before."),
	}
}

// failureEvents returns the rows of the channel statuses in which a failed run may end.
func failureEvents() []page.Row {
	var rows []page.Row
	for _, row := range channelStatuses().Rows {
		name := oxlin.ChannelStatus(row.Name)
		if name.NeedsUser() || name == oxlin.ChannelFailed {
			rows = append(rows, page.Row{ID: row.Name, Name: row.Name, Cells: row.Cells[:2]})
		}
	}
	return rows
}
