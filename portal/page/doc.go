// Package page draws the portal's pages: views become HTML.
//
// What the pages say of the platform comes in with the views, or from the OpenAPI
// document; it must never be looked up here. Everything can be read without JavaScript:
// the scripts only make the quickstart run and the reference searchable. Start reading
// in view.go.
package page
