package markdown

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Options adapts the HTML to the page that it becomes a part of.
type Options struct {
	// Depth is added to the level of every heading.
	Depth int
	// Prefix begins the id of every heading, so that two texts on a page have different
	// ids.
	Prefix string
	// Link returns the address for a relative link of the text, without its fragment.
	// If it returns false, the link is removed and its text kept. With nil, all
	// relative links are removed.
	Link func(address string) (string, bool)
}

// Text is a rendered text.
type Text struct {
	// Title is the text of the first heading of level one.
	Title string
	// Headings are the headings of level two, for a table of contents.
	Headings []Heading
	HTML     string
}

// Heading is a heading with its id.
type Heading struct{ ID, Text string }

// Render renders a markdown text. It fails only if the library fails.
func Render(source []byte, options Options) (Text, error) {
	engine := goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.Strikethrough),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(blocks{}, 100))),
	)
	root := engine.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext()))
	rendered := Text{}
	err := rewrite(root, source, options, &rendered)
	if err != nil {
		return Text{}, err
	}
	var page bytes.Buffer
	err = engine.Renderer().Render(&page, source, root)
	if err != nil {
		return Text{}, fmt.Errorf("markdown: %w", err)
	}
	rendered.HTML = page.String()
	return rendered, nil
}

// rewrite sets the ids and levels of headings, and the addresses of links. It collects
// title and headings in found.
func rewrite(root ast.Node, source []byte, options Options, found *Text) error {
	ids := map[string]int{}
	var removed []ast.Node
	err := ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.Heading:
			words := string(plain(n, source))
			id := options.Prefix + unique(ids, slug(words))
			n.SetAttributeString("id", []byte(id))
			switch {
			case n.Level == 1 && found.Title == "":
				found.Title = words
			case n.Level == 2:
				found.Headings = append(found.Headings, Heading{id, words})
			}
			n.Level = min(n.Level+options.Depth, 6)
		case *ast.Link:
			address, ok := options.address(string(n.Destination))
			if !ok {
				removed = append(removed, n)
			}
			n.Destination = []byte(address)
		}
		return ast.WalkContinue, nil
	})
	for _, link := range removed {
		parent := link.Parent()
		for child := link.FirstChild(); child != nil; child = link.FirstChild() {
			parent.InsertBefore(parent, link, child)
		}
		parent.RemoveChild(parent, link)
	}
	return err
}

// address returns the address of a link. It reports false if the link is removed.
func (o Options) address(link string) (string, bool) {
	if strings.Contains(link, "://") {
		return link, true
	}
	file, fragment, _ := strings.Cut(link, "#")
	if fragment != "" {
		fragment = "#" + fragment
	}
	if file == "" {
		return "#" + o.Prefix + strings.TrimPrefix(fragment, "#"), true
	}
	if path.IsAbs(file) {
		return link, true
	}
	if o.Link == nil {
		return "", false
	}
	address, ok := o.Link(file)
	return address + fragment, ok
}

// plain returns the text of a node without markup.
func plain(node ast.Node, source []byte) []byte {
	var words []byte
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		switch n := child.(type) {
		case *ast.Text:
			words = append(words, n.Segment.Value(source)...)
			if n.SoftLineBreak() {
				words = append(words, ' ')
			}
		case *ast.String:
			words = append(words, n.Value...)
		default:
			words = append(words, plain(child, source)...)
		}
	}
	return words
}

// slug returns the id of a heading. Code hosts use the same ids, so links between the
// texts work there too.
func slug(words string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_', r > 0x7f:
			return r
		}
		return -1
	}, words)
}

func unique(taken map[string]int, id string) string {
	taken[id]++
	if taken[id] == 1 {
		return id
	}
	return fmt.Sprintf("%s-%d", id, taken[id]-1)
}

// blocks renders code and tables in boxes that the keyboard can scroll on narrow
// screens.
type blocks struct{}

func (blocks) RegisterFuncs(register renderer.NodeRendererFuncRegisterer) {
	register.Register(ast.KindFencedCodeBlock, code)
	register.Register(ast.KindCodeBlock, code)
	register.Register(east.KindTable, table)
}

func code(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	_, _ = w.WriteString(`<div class="code"><pre tabindex="0"><code>`)
	for i := range node.Lines().Len() {
		line := node.Lines().At(i)
		html.DefaultWriter.RawWrite(w, line.Value(source))
	}
	_, _ = w.WriteString("</code></pre></div>\n")
	return ast.WalkSkipChildren, nil
}

func table(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString(`<div class="table" role="group" aria-label="Table" tabindex="0"><table>` + "\n")
	} else {
		_, _ = w.WriteString("</table></div>\n")
	}
	return ast.WalkContinue, nil
}
