// Package page renders the portal's pages from views.
//
// It must never look up facts about the platform: they come with the views, or from the
// OpenAPI document. Every page can be read without JavaScript. The scripts only run the
// quickstart and search the reference. Start reading in view.go.
package page
