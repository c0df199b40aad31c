package page

//go:generate go tool -modfile=../../tools/go.mod templ generate

import (
	"context"
	"fmt"
	"io"

	"github.com/a-h/templ"
)

// content is a view with its looks; every view of this package has them.
type content interface {
	View
	// title names the page in the browser's tab, without the client.
	title(d drawing) string
	// body is what stands between header and footer.
	body(d drawing) templ.Component
}

// Render writes the whole page of a view. It fails only where w does; what was
// written by then is half a page.
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

// RenderBankList writes the list of banks alone, which takes the place of the
// element #bank-list while the user types.
func RenderBankList(ctx context.Context, w io.Writer, frame Frame, banks Banks) error {
	err := newDrawing(frame).bankList(banks).Render(ctx, w)
	if err != nil {
		return fmt.Errorf("writing the list of banks: %w", err)
	}
	return nil
}
