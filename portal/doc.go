// Package portal serves the pages that teach the platform, by the platform itself: what
// it is, a quickstart whose steps can be run, the reference of the API, the guides, the
// tables of events, statuses and errors, and files to take along.
//
// The pages are the same for everyone: it must never look at a token, and what the
// quickstart sends goes from the browser to the API, never through here. Start reading
// at New; the words are in quickstart.go, events.go, statuses.go and errors.go, the
// looks in page, and the guides in docs/.
package portal
