// Package page draws the widget's pages: a view comes in, plain values that say
// what is so, and HTML in the user's language goes out, complete without a script.
//
// It must never decide what comes next, nor ask anybody anything: what a page shows
// is in its view. A language is one file in locales. Start reading in view.go.
package page
