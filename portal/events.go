package portal

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/portal/page"
)

const eventsPath = guidesPath + "/events"

// eventRow returns the row of an event: when it happens, its content, and the
// recommended action.
func eventRow(name oxlin.EventType, when, carries, do string) page.Row {
	return page.Row{ID: string(name), Name: string(name), Cells: []string{prose(when), prose(carries), prose(do)}}
}

// events returns the table of all events in a queue.
func events() page.Table {
	columns := []string{"Event", "When", "What it carries", "What to do"}
	return page.Table{
		Title: "Events",
		Lead: prose(`A queue tells what happens to a user's connections, in order. [Subscribe](/reference#subscribe) before you start a synchronisation,
then [poll](/reference#pollQueue): each poll gives what has come since the one before. If an answer was lost, ask again with ` + "`after`" + ` and the id of the
last event that you have. The widget and ` + "`authorize_url`" + ` hand out a ` + "`queue_id`" + ` whose first event is the first of their flow.

Each event is about one channel, named by ` + "`channel_definition_id`" + `, and has the connection as it was then under ` + "`resource`" + `. What a type carries beside it
stands under the type's name in lower case. More types may come: ignore those that you do not know.

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
			ID: "synchronisation", Title: "Of a synchronisation",
			Text:    prose("`LIST_ACCOUNTS` finds out which accounts there are, `SYNC_ALL` reads them."),
			Columns: columns,
			Rows:    append(synchronisationEvents(oxlin.SyncListAccounts), synchronisationEvents(oxlin.SyncAll)...),
		}, {
			ID: "failures", Title: "Of a failure",
			Text:    prose("The [status](/docs/statuses#channel) into which a failed run has brought its channel comes as an event of the same name, before the `…_FAILED`."),
			Columns: []string{"Event", "When", "What to do"},
			Rows:    failureEvents(),
		}, {
			ID: "connection", Title: "Of a connection", Columns: columns,
			Rows: []page.Row{
				eventRow(oxlin.EventConnectionCreated, "A connection was made.", "–", "Remember its id."),
				eventRow(oxlin.EventConnectionUpdated, "A client or a user changed it outside of a synchronisation.", "–", "Read it again, if you keep a copy."),
				eventRow(oxlin.EventConnectionDeleted, "It was deleted, with its accounts and transactions.", "–", "Forget it."),
			},
		}, {
			ID: "widget", Title: "Of the widget",
			Text:    prose("Where a user is. The same comes as a message to the page around a frame, with the type as `eventName`. There may be no connection yet: then there is no `resource`."),
			Columns: columns,
			Rows: []page.Row{
				eventRow(oxlin.EventWidgetGlobal, "A flow begins or ends.", "`entry_point`; at the end `status` and `result`", "At the end, take the user back. The message `redirect_to` has the same, and `connection_id`."),
				eventRow(oxlin.EventWidgetChooseBank, "The user chooses a bank.", "`entry_point`", "Nothing."),
				eventRow(oxlin.EventWidgetLogin, "The user logs in, here or at the bank.", "`entry_point`, `provider_id`", "Nothing."),
				eventRow(oxlin.EventWidgetSynchronization, "The bank is asked, or asks.", "`entry_point`, `provider_id`", "Nothing."),
				eventRow(oxlin.EventWidgetConsent, "The user reads what they are to agree to.", "`entry_point`, `provider_id`", "Nothing."),
			},
		}},
	}
}

// synchronisationEvents returns the rows of the four events of a kind of
// synchronisation.
func synchronisationEvents(kind oxlin.SyncKind) []page.Row {
	succeeded, carries := "All accounts are known.", "`accounts`, as `GET /accounts` shows them"
	then := "Where `consent_per_account` is set, let the user choose and [send the consents](/reference#updateConsents)."
	if kind == oxlin.SyncAll {
		succeeded, carries = "Everything is read.", "`new_transactions`, a count"
		then = "[Read the transactions](/reference#getTransactions): with `start_import_date`, only the new ones."
	}
	return []page.Row{
		eventRow(kind.RunningEvent(), "A run has begun.", "–", "Wait."),
		eventRow(kind.UserInputEvent(), "The bank asks something.", "`challenge`, a form", "Show it to the user and [send the answers](/reference#answerChallenges), or send them to the widget's [user_input](/reference#userInput)."),
		eventRow(kind.SuccessEvent(), succeeded, carries, then),
		eventRow(kind.FailedEvent(), "The run has failed.", "–", "The event before says why."),
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
