package page

import (
	"time"

	"github.com/oxlin/oxlin"
)

// Frame is what is around the content of every page.
type Frame struct {
	// Language is one of Languages.
	Language string
	// Client is the name of the application to which the data goes.
	Client string
	// HideLogo leaves our own name out; only a licensed client's pages do.
	HideLogo bool
	// Theme is the address of a style sheet with the client's colours; empty for none.
	Theme string
	// Self is the address of the page. Forms post to it.
	Self string
	// OtherBank offers to go back to the list of banks; it posts action=other_bank.
	OtherBank bool
	// Messages are posted to the windows around the page, each to all Origins
	// (contract §6.5). "*" is any origin.
	Messages []Message
	Origins  []string
}

// Message is what the integrator's page is told (contract §6.5). The step's own
// messages have an EventName alone.
type Message struct {
	EventName        string `json:"eventName"`
	RedirectURL      string `json:"redirect_url,omitempty"`
	Status           string `json:"status,omitempty"`
	Result           string `json:"result,omitempty"`
	ConnectionID     string `json:"connection_id,omitempty"`
	QueueID          string `json:"queue_id,omitempty"`
	ErrorDescription string `json:"error_description,omitempty"`
}

// View is the content of one page; the types of this file are.
type View interface{ view() }

// Bank is a provider as a user knows it.
type Bank struct {
	ID     oxlin.ProviderID
	Name   string
	Branch string
	// Logo is the address of a picture; where it is empty, initials are drawn.
	Logo string
}

// Banks lets the user choose a bank. A choice posts provider_id, a search gets q.
type Banks struct {
	Query string
	Banks []Bank
	// Next is the address of the list's next page; empty at its end.
	Next string
	// Hidden are the parameters of Self that a search has to repeat.
	Hidden map[string]string
	// Unavailable names a bank that was chosen and cannot be had at the moment.
	Unavailable string
}

// Channels lets the user choose what to connect or renew; it posts channel_definition_id.
type Channels struct {
	Bank    Bank
	Choices []ChannelChoice
}

// ChannelChoice is one of a provider's channels.
type ChannelChoice struct {
	ID           oxlin.ChannelDefinitionID
	Mode         oxlin.Mode
	AccountTypes []oxlin.AccountType
	// Used says that the connection has the channel already, in this Status.
	Used   bool
	Status oxlin.ChannelStatus
	// Until ends the consent of a REDIRECT channel; zero when there is none.
	Until time.Time
}

// Notice tells the user that they go to their bank's own site (REDIRECT). It posts
// action=authorize, or action=no_current_account.
type Notice struct {
	Bank Bank
	// Problem is the code of what went wrong at the bank a moment ago: "refused",
	// "bank_error", "provider_unavailable"; empty at first.
	Problem string
	// Renewal says that a connection gets a new consent.
	Renewal bool
	// NoCurrentAccount offers to go on by EMBEDDED.
	NoCurrentAccount bool
	// NewTab opens the bank in another tab, because the page is in a frame and banks
	// refuse to be. Progress is where the script hears that the user is back.
	NewTab   bool
	Progress string
}

// Login asks for the credentials of an EMBEDDED channel; it posts them by their ids.
type Login struct {
	Bank Bank
	// Problem is what the bank said to the credentials before: a channel status, or
	// a code of the catalogue; empty at first.
	Problem string
	// Update says that a connection has the credentials already.
	Update bool
	Fields []Field
	// Hint says with what a simulated bank is entered; empty for real banks.
	Hint string
	// Key is where the script gets the key to encrypt with.
	Key string
	// Attempt comes back with the form, so that one form counts once.
	Attempt string
}

// Field is one input of a form. Its name and id are the credential's id.
type Field struct {
	ID    oxlin.CredentialID
	Label string
	Type  oxlin.CredentialType
	// Encrypt asks the script to encrypt the value.
	Encrypt  bool
	Optional bool
	// Masked is what is stored already: left empty, it stays (contract §4.6).
	Masked string
	// Value is what was typed before, never of a secret.
	Value string
	// Problem is the key of what is wrong with it: "missing" or "form"; empty for nothing.
	Problem string
}

// Progress is how far the work with the bank is.
type Progress struct {
	// Step is "login", "accounts" or "transactions".
	Step string
	// Done of Total accounts are read; Total is 0 while it is unknown.
	Done, Total int
	// Transactions are those found so far.
	Transactions int
}

// Leaving takes the user to their bank at once: Target is its address.
type Leaving struct {
	Bank   Bank
	Target string
}

// Loading is shown while we work with the bank.
type Loading struct {
	Bank     Bank
	Progress Progress
	// Events is where the script hears of progress; without one the page asks again
	// by itself every two seconds.
	Events string
}

// Challenge shows what the bank asks; it posts the answers by their ids, and
// the OK button's id with "true" or, for cancel, "false".
type Challenge struct {
	Bank Bank
	// Notes are what the bank tells, in its own words.
	Notes []Note
	// Fields are what is to be answered; none where OK alone is the answer.
	Fields []Field
	// OK is the id of the button, and Label what the bank calls it.
	OK    oxlin.CredentialID
	Label string
	// Hint is as in Login.
	Hint string
	// Seconds are left to answer.
	Seconds int
	// Key is where the script gets the key to encrypt with; empty where nothing is.
	Key string
	// Question comes back with the form, so that an answer goes to its own question.
	Question string
}

// Note is something that the bank says.
type Note struct {
	Text  string
	Error bool
}

// AccountLine is an account in a list.
type AccountLine struct {
	ID   oxlin.AccountID
	Name string
	// Number is masked but for its last characters.
	Number string
	Type   oxlin.AccountType
	Usage  oxlin.Usage
	// Chosen says that the user shares it, or that the form comes with it ticked.
	Chosen bool
}

// Consent asks for the consent to all accounts; it posts action=consent or action=cancel.
type Consent struct {
	Bank     Bank
	Accounts []AccountLine
	// Until ends the consent; zero where it lasts until it is withdrawn.
	Until time.Time
	// Header and Body are a licensed client's own text in place of ours; Body's
	// paragraphs are its lines.
	Header, Body string
	Renewal      bool
}

// Accounts lets the user choose accounts one by one; it posts account=ID for each.
type Accounts struct {
	Bank     Bank
	Accounts []AccountLine
	Until    time.Time
	// Manage says that the choice was made before and is changed now.
	Manage bool
	// Shared says that some of the accounts were read before: of one that is no longer
	// chosen everything is deleted.
	Shared       bool
	Header, Body string
	// Problem is "none" when no account was chosen.
	Problem string
}

// Offer proposes the bank's other channel; it posts action=add_channel or action=finish.
type Offer struct {
	Bank         Bank
	AccountTypes []oxlin.AccountType
	// Seconds until the page goes on by itself as with finish; 0 for never.
	Seconds int
}

// Terms asks to accept our terms; it posts action=accept_terms with terms=accepted,
// or action=cancel.
type Terms struct {
	Version string
	// Missing says that the box was not ticked.
	Missing bool
	// Text is the address of the terms in full.
	Text string
}

// TermsText is the terms in full.
type TermsText struct{ Version string }

// Professional asks whether professional accounts are to be handled; it posts
// action=validate or action=refuse.
type Professional struct{ Accounts []AccountLine }

// Failed says what went wrong and what helps; it posts action=retry or action=leave.
type Failed struct {
	Bank Bank
	// Reason is a channel status or a code of the catalogue.
	Reason string
	// Retry says that trying again makes sense.
	Retry bool
}

// Done is the end. It goes on to Target by itself, after Seconds; where Target is
// empty, the user may close the page.
type Done struct {
	// Status is success, error or cancelled; Result refines it (contract §11).
	Status, Result string
	Target         string
	Seconds        int
}

// BackFromBank stands in the tab that was opened for the bank: the user goes on
// where they came from.
type BackFromBank struct{ Status string }

// Unusable says that the page cannot be shown: an address without a valid session,
// or one that is wrong. Reason is a code of the catalogue.
type Unusable struct {
	Reason    string
	RequestID string
	// Detail is for the integrator's developers, in English.
	Detail string
}

func (Banks) view()        {}
func (Channels) view()     {}
func (Notice) view()       {}
func (Login) view()        {}
func (Leaving) view()      {}
func (Loading) view()      {}
func (Challenge) view()    {}
func (Consent) view()      {}
func (Accounts) view()     {}
func (Offer) view()        {}
func (Terms) view()        {}
func (TermsText) view()    {}
func (Professional) view() {}
func (Failed) view()       {}
func (Done) view()         {}
func (BackFromBank) view() {}
func (Unusable) view()     {}
