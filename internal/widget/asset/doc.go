// Package asset serves the widget's style sheet and script under addresses that depend on
// their content, so that browsers can cache them without expiry.
//
// It must never contain the data of a user. Start reading in asset.go; widget.js lists
// the attributes that activate it, fragment.js and approval.js belong to one page each.
package asset
