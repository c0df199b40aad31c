// Package portal serves the pages that explain the platform to developers: the home
// page, a quickstart whose steps can be run, the API reference, the guides, the tables
// of events, statuses and errors, and files to download.
//
// The pages are the same for everyone. The package must never read a token: the
// quickstart's requests go from the browser to the API, never through this package.
// Start reading at New. The texts are in quickstart.go, events.go, statuses.go and
// errors.go, the guides in docs/, and the templates in page.
package portal
