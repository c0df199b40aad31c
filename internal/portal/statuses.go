package portal

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/portal/page"
)

const statusesPath = guidesPath + "/statuses"

// status returns the row of a status: its meaning, the recommended action, and logins
// at the test bank that end in it.
func status[S ~string](group string, name S, means, do string, tries ...string) page.Row {
	row := page.Row{ID: group + "-" + string(name), Name: string(name), Cells: []string{prose(means), prose(do)}}
	for _, try := range tries {
		row.Cells = append(row.Cells, prose(try))
	}
	return row
}

// statuses returns the tables of all statuses in the API.
func statuses() page.Table {
	return page.Table{
		Title: "Statuses",
		Lead: prose(`A status is the result of the last synchronisation. It determines who acts next. Show users the text of the widget, or send
them to the widget: [edit_credentials](/reference#editCredentials) handles each status.`),
		Parts: []page.Part{connectionStatuses(), channelStatuses(), accountStatuses(), transactionStatuses()},
	}
}

func connectionStatuses() page.Part {
	const group = "connection"
	return page.Part{
		ID: group, Title: "Connections",
		Text:    prose("The status of a connection summarises its channels. While it is `RUNNING`, read it again after 2, 4, 8 seconds, or read a [queue](/docs/events)."),
		Columns: []string{"Status", "Meaning", "What to do"},
		Rows: []page.Row{
			status(group, oxlin.ConnectionNone, "Never synchronised.", "Add a channel with the widget or the API."),
			status(group, oxlin.ConnectionRunning, "A channel is being synchronised.", "Wait. If an event has a challenge, answer it."),
			status(group, oxlin.ConnectionSuccess, "No channel failed: the data is complete.", "Nothing. If a consent is still missing, send it."),
			status(group, oxlin.ConnectionPartialSuccess, "One channel failed, another one succeeded.", "Read the channels' statuses. The data of the successful channel is there."),
			status(group, oxlin.ConnectionFailed, "Every used channel failed.", "Read the channels' statuses."),
			status(group, oxlin.ConnectionClosed, "No longer synchronised.", "Nothing."),
		},
	}
}

func channelStatuses() page.Part {
	const group = "channel"
	credentials := "enters their credentials again: with the widget's [edit_credentials](/reference#editCredentials), or [PUT channels](/reference#updateChannel)."
	again := "Synchronise again while the user is present, and let them answer: with the widget's [edit_credentials](/reference#editCredentials), or [synchronize](/reference#synchronizeConnection) with `PSU-IP-Address`."
	return page.Part{
		ID: group, Title: "Channels",
		Text:    prose("A channel is one interface of a bank. The last column has a login at the [test bank](/docs/test-bank#scenarios) that results in the status; the password is `dev`."),
		Columns: []string{"Status", "Meaning", "What to do", "Try it"},
		Rows: []page.Row{
			status(group, oxlin.ChannelEmpty, "Never used, or its access was removed.", "Nothing. The user may add it.", "any channel that you do not use"),
			status(group, oxlin.ChannelNever, "Connected, without data yet.", "Wait, or send the missing [consents](/reference#updateConsents).", "`consent_per_account=true`"),
			status(group, oxlin.ChannelRunning, "A synchronisation is running.", "Wait, or answer the challenge.", "`dev+slow`"),
			status(group, oxlin.ChannelSuccess, "The last synchronisation succeeded.", "Nothing.", "`dev`"),
			status(group, oxlin.ChannelAuthFailed, "The bank refused the credentials.", "The user "+credentials, "`dev`, and another password"),
			status(group, oxlin.ChannelTooManyAttempts, "The bank has locked the access after too many attempts.", "The user unlocks it at the bank, then "+credentials, "`dev+locked`"),
			status(group, oxlin.ChannelPasswordChangeRequired, "The bank requires a new password.", "The user changes it at the bank, then "+credentials, "`dev+password_change`"),
			status(group, oxlin.ChannelTokenExpired, "The bank's consent has expired or was withdrawn.", "The user renews it: with the widget's [edit_credentials](/reference#editCredentials), or [authorize_url](/reference#createAuthorizeUrl) with `connection_id`.", "`dev+consent_expired`, REDIRECT"),
			status(group, oxlin.ChannelChallengeRequired, "The bank asked a question while the user was absent.", again, "`dev+sms-30`, and half an hour later synchronise without the user"),
			status(group, oxlin.ChannelChallengeTimedOut, "The question was not answered in time.", again, "`dev+sms`, and do not answer"),
			status(group, oxlin.ChannelChallengeFailed, "The bank refused too many wrong answers.", again, "`dev+sms_wrong`, and three codes"),
			status(group, oxlin.ChannelChallengeCancelled, "The user cancelled the question.", again, "`dev+sms`, and cancel"),
			status(group, oxlin.ChannelUserActionRequired, "The bank's own site requires an action of the user, for example to accept terms.", "The user logs in at the bank. Then synchronise.", "`dev+action_required`"),
			status(group, oxlin.ChannelFailed, "A technical failure of the bank or the platform.", "Nothing: the platform tries again with growing pauses, at least once a day.", "`dev+down`"),
		},
	}
}

func accountStatuses() page.Part {
	const group = "account"
	return page.Part{
		ID: group, Title: "Accounts",
		Columns: []string{"Status", "Meaning", "What to do"},
		Rows: []page.Row{
			status(group, oxlin.AccountActive, "Synchronised.", "Nothing."),
			status(group, oxlin.AccountManual, "Created through the API; belongs to no bank.", "Keep it up to date yourself."),
			status(group, oxlin.AccountError, "Could not be read in the last synchronisation. Other accounts were read.", "Nothing: the next synchronisation tries again."),
			status(group, oxlin.AccountNotFound, "The bank no longer shows it.", "Nothing: it becomes `ACTIVE` if the bank shows it again. Delete it if the user has closed it at the bank."),
			status(group, oxlin.AccountClosed, "Archived by you; not synchronised.", "Set it `ACTIVE` to have it [synchronised again](/reference#changeAccount)."),
			status(group, oxlin.AccountSuspended, "A professional account that has not been validated yet.", "Send the user to [professional-account](/reference#professionalAccount)."),
			status(group, oxlin.AccountPendingConsent, "Waits for the user's consent. It shows neither balance nor transactions. The API does not show accounts that the user declines in the widget.", "Ask the user: [manage_accounts](/reference#manageAccounts), or [PUT consents](/reference#updateConsents)."),
		},
	}
}

func transactionStatuses() page.Part {
	const group = "transaction"
	return page.Part{
		ID: group, Title: "Transactions",
		Columns: []string{"Status", "Meaning", "What to do"},
		Rows: []page.Row{
			status(group, oxlin.StatusBooked, "Final: the money has moved.", "Count it."),
			status(group, oxlin.StatusPending, "Announced by the bank. It may change, be booked or disappear. Its id stays the same.", "Show it separately, and do not count it yet."),
			status(group, oxlin.StatusExpired, "Was pending, and the bank no longer shows it.", "Do not count it."),
			status(group, oxlin.StatusRejected, "The bank refused it.", "Do not count it."),
			status(group, oxlin.StatusCancelled, "The bank dropped it after it was booked: three complete readings on three days lack it.", "Do not count it."),
			status(group, oxlin.StatusRefunded, "Refunded.", "Do not count it. If the bank shows the refund, it is a separate transaction."),
			status(group, oxlin.StatusOther, "A status of the bank that the platform does not know.", "Show it separately."),
		},
	}
}
