package page

//go:generate go tool -modfile=../../../tools/go.mod templ generate

import (
	"context"
	"fmt"
	"io"

	"github.com/a-h/templ"
)

// content is implemented by every view of this package.
type content interface {
	View
	// title returns the title of the page without the client.
	title(d drawing) string
	// body returns the content between header and footer.
	body(d drawing) templ.Component
}

// Render writes the whole page of a view. It fails only if w fails; the page is then
// incomplete.
func Render(ctx context.Context, w io.Writer, frame Frame, view View) error {
	drawn, ok := view.(content)
	if !ok {
		return fmt.Errorf("no page shows a %T", view)
	}
	err := newDrawing(frame).document(drawn).Render(ctx, w)
	if err != nil {
		return fmt.Errorf("writing the page of a %T: %w", view, err)
	}
	return nil
}

// RenderBankList writes only the list of banks. The script replaces the element
// #bank-list with it while the user types.
func RenderBankList(ctx context.Context, w io.Writer, frame Frame, banks Banks) error {
	err := newDrawing(frame).bankList(banks).Render(ctx, w)
	if err != nil {
		return fmt.Errorf("writing the list of banks: %w", err)
	}
	return nil
}
