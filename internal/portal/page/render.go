package page

//go:generate go tool -modfile=../../../tools/go.mod templ generate

import (
	"bytes"
	"context"
	"fmt"

	"github.com/a-h/templ"
)

// View is the content of a page: one of the structs of this package.
type View interface {
	// title returns the page's title for the browser's tab.
	title() string
	// body returns the page's main element.
	body(frame Frame) templ.Component
}

// Render renders the whole page of a view.
func Render(frame Frame, view View) ([]byte, error) {
	var page bytes.Buffer
	err := document(frame, view).Render(context.Background(), &page)
	if err != nil {
		return nil, fmt.Errorf("the page %s: %w", frame.Path, err)
	}
	return page.Bytes(), nil
}
