package portal

import (
	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/portal/page"
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
		Lead: prose(`A status says how the last synchronisation went, and by that who acts next. Show users the sentence of the widget, or send
them there: [edit_credentials](/reference#editCredentials) knows what each status needs.`),
		Parts: []page.Part{connectionStatuses(), channelStatuses(), accountStatuses(), transactionStatuses()},
	}
}

func connectionStatuses() page.Part {
	const group = "connection"
	return page.Part{
		ID: group, Title: "Of a connection",
		Text:    prose("The channels together. While it is `RUNNING`, ask again after 2, 4, 8 seconds, or read a [queue](/docs/events)."),
		Columns: []string{"Status", "What it means", "What to do"},
		Rows: []page.Row{
			status(group, oxlin.ConnectionNone, "Never synchronised.", "Add a channel, by the widget or the API."),
			status(group, oxlin.ConnectionRunning, "A channel is being synchronised.", "Wait; answer if an event asks a challenge."),
			status(group, oxlin.ConnectionSuccess, "In order: what you read is complete.", "Nothing. Where a consent is awaited, send it."),
			status(group, oxlin.ConnectionPartialSuccess, "One channel failed beside another that did not.", "Look at the channels. What was read is there."),
			status(group, oxlin.ConnectionFailed, "No channel is in order.", "Look at the channels: they say what to do."),
			status(group, oxlin.ConnectionClosed, "Not synchronised any more.", "Nothing."),
		},
	}
}

func channelStatuses() page.Part {
	const group = "channel"
	credentials := "gives their credentials again: the widget's [edit_credentials](/reference#editCredentials), or [PUT channels](/reference#updateChannel)."
	again := "Synchronise again while the user is present, and let them answer: the widget's [edit_credentials](/reference#editCredentials), or [synchronize](/reference#synchronizeConnection) with `PSU-IP-Address`."
	return page.Part{
		ID: group, Title: "Of a channel",
		Text:    prose("One way into the bank. The last column is a login at the [test bank](/docs/test-bank#scenarios) that ends there; the password is `dev`."),
		Columns: []string{"Status", "What it means", "What to do", "Try it"},
		Rows: []page.Row{
			status(group, oxlin.ChannelEmpty, "Never used, or emptied.", "Nothing; the user may add it.", "any channel that you do not use"),
			status(group, oxlin.ChannelNever, "Usable, and without data yet.", "Wait; or send the [consents](/reference#updateConsents) that it waits for.", "`consent_per_account=true`"),
			status(group, oxlin.ChannelRunning, "Being synchronised.", "Wait, or answer the challenge.", "`dev+slow`"),
			status(group, oxlin.ChannelSuccess, "In order.", "Nothing.", "`dev`"),
			status(group, oxlin.ChannelAuthFailed, "The bank does not know these credentials.", "The user "+credentials, "`dev`, and another password"),
			status(group, oxlin.ChannelTooManyAttempts, "The bank has locked the access after too many attempts.", "The user unlocks it at the bank, then "+credentials, "`dev+locked`"),
			status(group, oxlin.ChannelPasswordChangeRequired, "The bank wants a new password.", "The user changes it at the bank, then "+credentials, "`dev+password_change`"),
			status(group, oxlin.ChannelTokenExpired, "The bank's consent is over, or was withdrawn.", "The user renews it: the widget's [edit_credentials](/reference#editCredentials), or [authorize_url](/reference#createAuthorizeUrl) with `connection_id`.", "`dev+consent_expired`, REDIRECT"),
			status(group, oxlin.ChannelChallengeRequired, "The bank asked something while the user was away.", again, "`dev+sms-30`, and half an hour later synchronise without the user"),
			status(group, oxlin.ChannelChallengeTimedOut, "Nobody answered in time.", again, "`dev+sms`, and do not answer"),
			status(group, oxlin.ChannelChallengeFailed, "The bank has seen enough wrong answers.", again, "`dev+sms_wrong`, and three codes"),
			status(group, oxlin.ChannelChallengeCancelled, "The user cancelled.", again, "`dev+sms`, and cancel"),
			status(group, oxlin.ChannelUserActionRequired, "Something waits for the user on the bank's own site: terms, a message.", "The user logs in there. Then synchronise.", "`dev+action_required`"),
			status(group, oxlin.ChannelFailed, "A technical failure, of the bank or ours.", "Nothing: it is tried again by itself, ever less often, at least once a day.", "`dev+down`"),
		},
	}
}

func accountStatuses() page.Part {
	const group = "account"
	return page.Part{
		ID: group, Title: "Of an account",
		Columns: []string{"Status", "What it means", "What to do"},
		Rows: []page.Row{
			status(group, oxlin.AccountActive, "Synchronised.", "Nothing."),
			status(group, oxlin.AccountManual, "Made through the API; belongs to no bank.", "Keep it up to date yourself."),
			status(group, oxlin.AccountError, "Could not be read in the last synchronisation; the others could.", "Nothing: the next one tries again."),
			status(group, oxlin.AccountNotFound, "The bank does not show it any more.", "Nothing: it comes back if the bank shows it again. Delete it if the user has closed it."),
			status(group, oxlin.AccountClosed, "Archived by you; not synchronised.", "Set it `ACTIVE` to have it [synchronised again](/reference#changeAccount)."),
			status(group, oxlin.AccountSuspended, "A professional account that nobody has validated yet.", "Send the user to [professional-account](/reference#professionalAccount)."),
			status(group, oxlin.AccountPendingConsent, "Waits for the user's decision; shows neither balance nor transactions. What the user declines in the widget is not shown at all.", "Ask the user: [manage_accounts](/reference#manageAccounts), or [PUT consents](/reference#updateConsents)."),
		},
	}
}

func transactionStatuses() page.Part {
	const group = "transaction"
	return page.Part{
		ID: group, Title: "Of a transaction",
		Columns: []string{"Status", "What it means", "What to do"},
		Rows: []page.Row{
			status(group, oxlin.StatusBooked, "Final: the money has moved.", "Count it."),
			status(group, oxlin.StatusPending, "Announced by the bank; it may change, be booked or vanish. Its id stays the same.", "Show it apart, and do not count it yet."),
			status(group, oxlin.StatusExpired, "Was pending, and the bank dropped it.", "Forget it."),
			status(group, oxlin.StatusRejected, "The bank refused it.", "Do not count it."),
			status(group, oxlin.StatusCancelled, "Cancelled before it was booked.", "Do not count it."),
			status(group, oxlin.StatusRefunded, "Given back.", "Do not count it; the refund is a transaction of its own where the bank shows one."),
			status(group, oxlin.StatusOther, "A state that only the bank understands.", "Show it apart."),
		},
	}
}
