// Package asset holds the widget's style sheet and script, and serves them under
// addresses that change with their content, so that browsers keep them for ever.
//
// It must never hold anything that belongs to one user. Start reading in
// asset.go; widget.js says by which attributes of a page it works.
package asset
