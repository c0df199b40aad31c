// Package widget serves the hosted pages in which a user connects a bank: a
// session comes in (contract §6.1), the user goes through the pages, and the
// integrator gets them back with a result (contract §6.4).
//
// A page's address stands for one flow, a user's way through the widget. GET shows
// what is so, as a function of the database (next in step.go); a form posts to the
// same address, changes what is so, and is answered with a redirect to it. Reload,
// back button, two tabs and double clicks need no care beyond that.
//
// The widget must never know how a bank is spoken to, nor how a page looks: use
// cases are synchro's, looks are page's. Start reading in widget.go, then flow.go
// and step.go.
package widget
