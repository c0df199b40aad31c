// Package page renders the widget's pages: it turns a view, which has plain values, into
// HTML in the user's language. The pages work without a script.
//
// It must never determine the next page or read data from elsewhere: the view has all
// content. Each language is one file in locales. Start reading in view.go.
package page
