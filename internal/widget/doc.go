// Package widget serves the hosted pages in which a user connects a bank. A client
// creates a session (contract §6.1), the user goes through the pages, and the widget
// redirects the user to the client with a result (contract §6.4).
//
// The address of a page names a flow, one user's way through the widget. GET renders the
// current state, computed from the database alone (next in step.go). A form posts to the
// same address, changes the state, and the response is a redirect to that address. So
// reload, back button, two tabs and double clicks need no special treatment.
//
// The widget must never contain a bank's protocol or the HTML of a page: the use cases
// are in connect, the HTML is in page. Start reading in widget.go, then flow.go,
// step.go and forms.go.
package widget
