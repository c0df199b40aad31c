package page

import "github.com/oxlin/oxlin/internal/portal/openapi"

// Frame holds the data for the parts that all pages share.
type Frame struct {
	// Path is the page's path; the navigation marks its entry.
	Path string
	// Platform is the address of the platform, without a slash at the end.
	Platform string
	// Sandbox is set if the banks are simulated and example clients exist.
	Sandbox bool
}

// Home is the home page.
type Home struct {
	Guides []Link
}

// Link leads to another page.
type Link struct{ Path, Title, Description string }

// Quickstart is the page with eight steps that can be run.
type Quickstart struct {
	Steps []Step
	// Clients are the clients whose secrets may be shown. Only a sandbox has some.
	Clients []Client
	// Values are the inputs and results of the steps, in the order in which they become
	// known.
	Values []Value
	// Scopes are all scopes of the API.
	Scopes openapi.Ordered[string]
}

// Client is a ready client of the sandbox.
type Client struct{ ID, Secret, Description string }

// Value is an input or result that requests name as {name}.
type Value struct {
	Name string
	// Description describes the value. Given is set if the reader provides it.
	Description string
	Given       bool
}

// Step is a step of the quickstart. Its texts are HTML.
type Step struct {
	ID, Title string
	Text      string
	Requests  []Request
	// Widget is set if this step opens the widget.
	Widget bool
	// After is the text below the requests.
	After string
}

// Request is a call that the reader can edit and send. {name} in its texts is replaced
// by a value.
type Request struct {
	ID, Title       string
	Method, Address string
	// Headers have the form "name: value".
	Headers []string
	// Fields are the form fields of the body, "name=value". JSON is the body if there
	// are no fields.
	Fields []string
	JSON   string
	Keeps  []Keep
}

// Keep names a value to keep from a response. From is a path in its body ("body.0.id"),
// or "location" for the last segment of that header.
type Keep struct{ Name, From string }

// Reference is the API reference.
type Reference struct{ Document *openapi.Document }

// Guide is a text of docs/. Its HTML comes from the markdown.
type Guide struct {
	Title, HTML string
	Headings    []Link
	Siblings    []Link
}

// Guides is the list of all guides and tables.
type Guides struct{ Guides, Tables []Link }

// Table is a page of tables. Its texts are HTML.
type Table struct {
	Title, Lead string
	Parts       []Part
	Siblings    []Link
}

// Part is one table of such a page.
type Part struct {
	ID, Title, Text string
	// Columns are the table's headings. The first column has the names.
	Columns []string
	Rows    []Row
}

// Row is the row of one name.
type Row struct {
	// ID is the row's anchor.
	ID, Name string
	// Badge is shown beside the name, for example an HTTP status.
	Badge string
	// Cells are the HTML of the other columns.
	Cells []string
}

// Failed is the page for a failure of the portal itself.
type Failed struct{ RequestID string }

// Missing is the page for an unknown address.
type Missing struct{ Guides []Link }
