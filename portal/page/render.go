package page

//go:generate go tool -modfile=../../tools/go.mod templ generate

import (
	"bytes"
	"context"
	"fmt"

	"github.com/a-h/templ"
)

// View is what a page shows between its header and its footer: one of the structs of
// this package.
type View interface {
	// title names the page in the browser's tab.
	title() string
	// body is the page's main element.
	body(frame Frame) templ.Component
}

// Render makes the whole page of a view.
func Render(frame Frame, view View) ([]byte, error) {
	var page bytes.Buffer
	err := document(frame, view).Render(context.Background(), &page)
	if err != nil {
		return nil, fmt.Errorf("the page %s: %w", frame.Path, err)
	}
	return page.Bytes(), nil
}
