package page

import "github.com/oxlin/oxlin/portal/openapi"

// Frame is what all pages have in common.
type Frame struct {
	// Path is the page's own, so that the navigation can say where one is.
	Path string
	// Platform is the address of the platform, without a slash at the end.
	Platform string
	// Sandbox says that the banks are simulated and the ready clients exist.
	Sandbox bool
}

// Home is the first page.
type Home struct {
	Guides []Link
}

// Link leads to another page.
type Link struct{ Path, Title, Says string }

// Quickstart is the page on which eight steps can be run.
type Quickstart struct {
	Steps []Step
	// Clients are those whose secrets may be shown; outside the sandbox there are none.
	Clients []Client
	// Values are what steps need and keep, in the order in which they become known.
	Values []Value
	// Scopes are all that there are.
	Scopes openapi.Ordered[string]
}

// Client is a ready application of the sandbox.
type Client struct{ ID, Secret, Says string }

// Value is something that one step keeps for another: {name} in a request.
type Value struct {
	Name string
	// Says what it is. Given is what the user brings, not a step.
	Says  string
	Given bool
}

// Step is one of the quickstart's. Its texts are HTML.
type Step struct {
	ID, Title string
	Text      string
	Requests  []Request
	// Widget says that this step opens the widget.
	Widget bool
	// After is what is said below the requests.
	After string
}

// Request is a call that can be edited and made. {name} in its texts stands for a value.
type Request struct {
	ID, Title       string
	Method, Address string
	// Headers are "name: value".
	Headers []string
	// Fields are the body, as "name=value"; JSON is the body where there are none.
	Fields []string
	JSON   string
	Keeps  []Keep
}

// Keep says what is kept of an answer. From is a path into its body ("body.0.id"), or
// "location", whose last segment counts.
type Keep struct{ Name, From string }

// Reference is the API, operation by operation.
type Reference struct{ Document *openapi.Document }

// Guide is a text of docs/. Its HTML comes from the markdown.
type Guide struct {
	Title, HTML string
	Headings    []Link
	Siblings    []Link
}

// Guides is the list of all texts.
type Guides struct{ Guides, Tables []Link }

// Table is a page of tables. Its texts are HTML.
type Table struct {
	Title, Lead string
	Parts       []Part
	Siblings    []Link
}

// Part is one table.
type Part struct {
	ID, Title, Text string
	// Columns are its headings, the first that of the names.
	Columns []string
	Rows    []Row
}

// Row is about one name.
type Row struct {
	// ID is the row's anchor.
	ID, Name string
	// Badge, where it is not empty, stands beside the name: an HTTP status.
	Badge string
	// Cells are HTML, one for each further column.
	Cells []string
}

// Failed is the page for a failure of the portal itself.
type Failed struct{ RequestID string }

// Missing is the page for an address that leads nowhere.
type Missing struct{ Guides []Link }
