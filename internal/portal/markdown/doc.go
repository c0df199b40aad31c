// Package markdown renders the guides in docs/ and the descriptions in the OpenAPI
// document as HTML.
//
// It must never pass on HTML of its source: tags are dropped. Start reading in
// markdown.go.
package markdown
