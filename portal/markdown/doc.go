// Package markdown makes HTML of the guides in docs/ and of the descriptions in the
// OpenAPI document.
//
// It must never let HTML of its source through: tags are dropped. Start reading in
// markdown.go.
package markdown
