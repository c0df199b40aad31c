// Package asset holds the portal's style sheet, scripts and icon, and serves them under
// addresses that change with their content, so that browsers keep them for ever.
//
// It must never hold a page. Start reading in asset.go.
package asset
