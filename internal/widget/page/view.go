package page

import (
	"time"

	"github.com/oxlin/oxlin"
)

// Frame has the data around the content of every page.
type Frame struct {
	// Language is one of Languages.
	Language string
	// Client is the name of the application that receives the data.
	Client string
	// HideLogo hides the platform's name, for licensed clients.
	HideLogo bool
	// Theme is the address of the client's style sheet; empty without one.
	Theme string
	// Self is the address of the page. Forms post to it.
	Self string
	// Watch is the address of the stream that tells when another page is due, because another
	// tab of the flow has brought it about; empty without one.
	Watch string
	// OtherBank shows the button back to the list of banks; it posts action=other_bank.
	OtherBank bool
	// HaveFile shows the button to send a file of the bank; it posts action=have_file.
	HaveFile bool
	// Messages are posted to the windows around the page, each to all Origins
	// (contract §6.5). "*" is any origin.
	Messages []Message
	Origins  []string
	// Warnings are for the integrator; the script writes them to the browser's console.
	Warnings []string
}

// Message is a message to the client's page (contract §6.5). The messages of a step have
// only an EventName.
type Message struct {
	EventName        string `json:"eventName"`
	RedirectURL      string `json:"redirect_url,omitempty"`
	Status           string `json:"status,omitempty"`
	Result           string `json:"result,omitempty"`
	ConnectionID     string `json:"connection_id,omitempty"`
	QueueID          string `json:"queue_id,omitempty"`
	ErrorDescription string `json:"error_description,omitempty"`
}

// View is the content of one page. Only the types in this file implement it.
type View interface{ view() }

// Bank is the visible data of a provider.
type Bank struct {
	ID     oxlin.ProviderID
	Name   string
	Branch string
	// Logo is the address of an image; if it is empty, initials are shown.
	Logo string
}

// Banks lets the user choose a bank. A choice posts provider_id; a search sends q by GET.
type Banks struct {
	Query string
	Banks []Bank
	// Next is the address of the list's next page; empty on the last page.
	Next string
	// Hidden are the parameters of Self that a search must repeat.
	Hidden map[string]string
	// Unavailable is the name of a chosen bank that is currently unavailable.
	Unavailable string
}

// Channels lets the user choose the channel to connect or renew; it posts channel_definition_id.
type Channels struct {
	Bank    Bank
	Choices []ChannelChoice
	Earlier []Earlier
}

// ChannelChoice is one of a provider's channels.
type ChannelChoice struct {
	ID           oxlin.ChannelDefinitionID
	Mode         oxlin.Mode
	AccountTypes []oxlin.AccountType
	// Used is set if the connection already has the channel, with this Status.
	Used   bool
	Status oxlin.ChannelStatus
	// Until is the end of a REDIRECT channel's consent; zero without consent.
	Until time.Time
}

// Earlier is a connection that the user already has to the bank of the page; the page posts
// action=renew with its connection_id.
type Earlier struct {
	ID   oxlin.ConnectionID
	Name string
	// Accounts are masked numbers, by which users tell several connections apart.
	Accounts []string
	// States are those of its channels in use.
	States []ChannelChoice
}

// Notice announces the redirect to the bank's site (REDIRECT). It posts
// action=authorize, or action=no_current_account.
type Notice struct {
	Bank Bank
	// Problem is the code of the last failure at the bank, for example "refused",
	// "bank_error" or "provider_unavailable"; empty on the first attempt.
	Problem string
	// Renewal is set if an existing connection gets a new consent.
	Renewal bool
	// NoCurrentAccount shows the button to continue with EMBEDDED.
	NoCurrentAccount bool
	// NewTab opens the bank in another tab if the page is in a frame, because banks do not
	// allow frames. Progress is the address of the stream that reports the return.
	NewTab   bool
	Progress string
	Earlier  []Earlier
}

// Login asks for the credentials of an EMBEDDED channel; it posts them by their ids.
type Login struct {
	Bank Bank
	// Problem is the reason why the last login failed: a channel status or a code of the
	// catalogue; empty on the first attempt.
	Problem string
	// Update is set if the connection already has credentials.
	Update bool
	Fields []Field
	// Hint shows the test credentials of a simulated bank; empty for real banks.
	Hint string
	// Key is the address of the key for encryption.
	Key string
	// Attempt is posted with the form, so that each form is handled once.
	Attempt string
	Earlier []Earlier
}

// Field is one input of a form. Its name and id are the credential's id.
type Field struct {
	ID    oxlin.CredentialID
	Label string
	Type  oxlin.CredentialType
	// Encrypt asks the script to encrypt the value.
	Encrypt  bool
	Optional bool
	// Masked is the masked stored value, which remains if the field is left empty
	// (contract §4.6).
	Masked string
	// Value is the previous input; always empty for secrets.
	Value string
	// Problem is the key of the error: "missing" or "form"; empty without one.
	Problem string
}

// Progress is the progress of a synchronisation.
type Progress struct {
	// Step is "login", "accounts" or "transactions".
	Step string
	// Done of Total accounts have been read; Total is 0 while it is unknown.
	Done, Total int
	// Transactions is the number of new transactions so far.
	Transactions int
}

// File asks for a file of the bank. It posts the file as file in a form of parts, with sending,
// and the answers to its questions by their names.
type File struct {
	Bank Bank
	// Problem is the key of what was wrong with the last file; empty without one.
	Problem string
	// Asks is the key of what the last file left open, "mapping" or "account"; empty without it.
	Asks string
	// Sample are rows of a table whose reading is asked about.
	Sample    [][]string
	Questions []FileQuestion
	Data      []oxlin.DataKind
	// Sending is posted with the form, so that each form is handled once, and Mapping the reading of a
	// table as far as it is decided.
	Sending, Mapping string
	// Connect shows the button back to the bank's own access; it posts action=no_file.
	Connect bool
}

// FileQuestion is a choice about a file.
type FileQuestion struct {
	// Name is that of the input, Kind "column", "order", "decimal", "sign" or "account".
	Name, Kind string
	// Column is the number of a column, from 1, and Title its name in the file.
	Column  int
	Title   string
	Options []FileOption
}

// FileOption is an answer. Its text is that of the page for its Value, or Text.
type FileOption struct {
	Value, Text string
	Chosen      bool
}

// Leaving redirects the user to their bank at the address Target. It has a link to Self, for
// users whose bank opens in another application.
type Leaving struct {
	Bank   Bank
	Target string
}

// Loading is shown during a synchronisation.
type Loading struct {
	Bank     Bank
	Progress Progress
	// Events is the address of the stream of progress. Without a script, the page reloads
	// every two seconds.
	Events string
	// Late: the bank takes long, and the user may leave. If they have Consented, the
	// synchronisation continues without them.
	Late, Consented bool
}

// Challenge shows the bank's question; it posts the answers by their ids, and
// the OK button's id with "true" or, for cancel, "false".
type Challenge struct {
	Bank Bank
	// Notes are the bank's messages.
	Notes []Note
	// Fields are the questions; empty if the button OK is the only answer.
	Fields []Field
	// OK is the id of the button, and Label the bank's text for it.
	OK    oxlin.CredentialID
	Label string
	// Hint is the same as in Login.
	Hint string
	// Seconds is the remaining time for the answer.
	Seconds int
	// Key is the address of the key for encryption; empty without encrypted fields.
	Key string
	// Question is posted with the form, so that an answer matches its question.
	Question string
}

// Note is a message of the bank.
type Note struct {
	Text  string
	Error bool
	// Image is a picture of the bank as a data: URL; empty without one.
	Image string
}

// AccountLine is an account in a list.
type AccountLine struct {
	ID   oxlin.AccountID
	Name string
	// Number is masked except for its last characters.
	Number string
	Type   oxlin.AccountType
	Usage  oxlin.Usage
	// Chosen is set if the account is shared or preselected.
	Chosen bool
}

// Agreement holds the conditions of a consent to the accounts of one channel.
type Agreement struct {
	Mode oxlin.Mode
	Data []oxlin.DataKind
	// Until is the end of the consent; zero if it is valid until withdrawn.
	Until time.Time
}

// Consent asks for the consent to all accounts; it posts action=consent or action=cancel.
type Consent struct {
	Bank     Bank
	Accounts []AccountLine
	Agreement
	// Header and Body are a licensed client's text, which replaces the standard one. Each
	// line of Body is a paragraph.
	Header, Body string
	Renewal      bool
}

// Accounts lets the user select individual accounts; it posts account=ID for each.
type Accounts struct {
	Bank     Bank
	Accounts []AccountLine
	// Agreements are those of the channels whose accounts the page shows.
	Agreements []Agreement
	// Manage is set if the user changes an earlier selection.
	Manage bool
	// Shared is set if some accounts are already shared. The data of an account that is no
	// longer selected is deleted.
	Shared       bool
	Header, Body string
	// Problem is "none" if no account was selected.
	Problem string
}

// Offer offers the bank's other channel; it posts action=add_channel or action=finish.
type Offer struct {
	Bank         Bank
	AccountTypes []oxlin.AccountType
	// Seconds is the delay before the page posts finish automatically; 0 for never.
	Seconds int
}

// Terms asks the user to accept the terms; it posts action=accept_terms with terms=accepted,
// or action=cancel.
type Terms struct {
	Version string
	// Missing is set if the box was not checked.
	Missing bool
	// Text is the address of the full terms.
	Text string
}

// TermsText shows the full terms.
type TermsText struct{ Version string }

// Professional asks whether professional accounts may be read; it posts
// action=validate or action=refuse.
type Professional struct{ Accounts []AccountLine }

// Failed shows a failure and its remedy; it posts action=retry or action=leave.
type Failed struct {
	Bank Bank
	// Reason is a channel status or a code of the catalogue.
	Reason string
	// Retry shows the button for another attempt.
	Retry bool
}

// Done is the last page. It redirects to Target after Seconds; if Target is empty, the
// user may close the page.
type Done struct {
	// Status is success, error or cancelled; Result refines it (contract §11).
	Status, Result string
	Target         string
	Seconds        int
	// File is set if the success is that of a file.
	File bool
}

// BackFromBank is shown in the tab that was opened for the bank, and in another browser than
// the one that left. The user continues in the original tab.
type BackFromBank struct {
	Status string
	// Elsewhere is set in another browser.
	Elsewhere bool
}

// ConfirmReturn asks whoever came back from the bank in another browser than the one that
// left; it posts action=confirm_return or action=refuse_return.
type ConfirmReturn struct {
	Bank Bank
	// BegunAt and Device are those of the browser that left; Device, as web.DeviceOf writes it,
	// is empty if unknown. Here is the device of this browser.
	BegunAt      time.Time
	Device, Here string
	// Until is the end of the time to answer.
	Until time.Time
}

// ReturnAnswered is shown after the answer to ConfirmReturn.
type ReturnAnswered struct {
	Bank Bank
	// Status is that of the result, and Unconfirmed the reason for which the access went back to
	// the bank.
	Status, Unconfirmed string
	// Target is where the browser goes on, at once after a yes. If it is empty, the user goes on
	// in the browser that left.
	Target string
}

// AskElsewhere leads from a frame to ConfirmReturn, which no page may frame, at the address
// Target.
type AskElsewhere struct{ Target string }

// Interrupted is shown while the platform cannot finish what the user came with. It loads
// its address again after Seconds.
type Interrupted struct{ Seconds int }

// Approval is shown while the user approves in the bank's app. It loads its address again after
// Seconds, and posts action=cancel.
type Approval struct {
	Bank    Bank
	Notes   []Note
	Until   time.Time
	Seconds int
}

// Fragment reads the fragment of its address, by a script of its own.
type Fragment struct{}

// Unusable is shown for an invalid address or session. Reason is a code of the
// catalogue.
type Unusable struct {
	Reason    string
	RequestID string
	// Detail is for the client's developers, in English.
	Detail string
}

func (Banks) view()          {}
func (Channels) view()       {}
func (Notice) view()         {}
func (Login) view()          {}
func (File) view()           {}
func (Leaving) view()        {}
func (Loading) view()        {}
func (Challenge) view()      {}
func (Consent) view()        {}
func (Accounts) view()       {}
func (Offer) view()          {}
func (Terms) view()          {}
func (TermsText) view()      {}
func (Professional) view()   {}
func (Failed) view()         {}
func (Done) view()           {}
func (BackFromBank) view()   {}
func (Interrupted) view()    {}
func (Approval) view()       {}
func (Fragment) view()       {}
func (ConfirmReturn) view()  {}
func (ReturnAnswered) view() {}
func (AskElsewhere) view()   {}
func (Unusable) view()       {}
