package markdown_test

import (
	"strings"
	"testing"

	"github.com/oxlin/oxlin/internal/portal/markdown"
)

func TestRender(t *testing.T) {
	siblings := func(file string) (string, bool) {
		name, isText := strings.CutSuffix(file, ".md")
		return "/docs/" + name, isText
	}
	for name, c := range map[string]struct {
		source  string
		options markdown.Options
		want    string
	}{
		"headings have the ids that code hosts give them": {
			"## The `queue`, and how", markdown.Options{}, `<h2 id="the-queue-and-how">The <code>queue</code>, and how</h2>`,
		},
		"two headings of the same words have two ids": {
			"## A\n## A", markdown.Options{}, "<h2 id=\"a\">A</h2>\n<h2 id=\"a-1\">A</h2>",
		},
		"a text inside another page goes down and has a prefix": {
			"## A\n[up](#a)", markdown.Options{Depth: 1, Prefix: "about-"}, "<h3 id=\"about-a\">A</h3>\n<p><a href=\"#about-a\">up</a></p>",
		},
		"a link to a sibling leads to its page": {
			"[bank](test-bank.md#dates)", markdown.Options{Link: siblings}, `<p><a href="/docs/test-bank#dates">bank</a></p>`,
		},
		"a link to what is not served keeps its words": {
			"see [the *code*](../api/api.go) there", markdown.Options{Link: siblings}, `<p>see the <em>code</em> there</p>`,
		},
		"addresses of ours and of the web stay": {
			"[a](/reference#x) [b](https://a.example/b)", markdown.Options{},
			`<p><a href="/reference#x">a</a> <a href="https://a.example/b">b</a></p>`,
		},
		"HTML of the source does not get through": {
			"<script>alert(1)</script>", markdown.Options{}, "<!-- raw HTML omitted -->",
		},
		"code is escaped, and scrolls by keyboard": {
			"```sh\necho <b>\n```", markdown.Options{}, "<div class=\"code\"><pre tabindex=\"0\"><code>echo &lt;b&gt;\n</code></pre></div>",
		},
		"a script behind a link is taken away": {
			"[a](javascript:alert(1))", markdown.Options{}, "<p>a</p>",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := markdown.Render([]byte(c.source), c.options)
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(text.HTML) != c.want {
				t.Errorf("got\n%s\nwant\n%s", text.HTML, c.want)
			}
		})
	}
}

func TestTablesAreWhole(t *testing.T) {
	for _, source := range []string{"| a |\n|---|\n| b |\n", "| a |\n|---|\n"} {
		text, err := markdown.Render([]byte(source), markdown.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range []string{"table", "tbody", "thead", "div"} {
			opened, closed := strings.Count(text.HTML, "<"+tag), strings.Count(text.HTML, "</"+tag)
			if opened != closed {
				t.Errorf("%d <%s> and %d of its ends in\n%s", opened, tag, closed, text.HTML)
			}
		}
	}
}

func TestTheTitleAndTheContents(t *testing.T) {
	text, err := markdown.Render([]byte("# The *bank*\n\n## One\n\n### Not this\n\n## Two\n"), markdown.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if text.Title != "The bank" || len(text.Headings) != 2 || text.Headings[1] != (markdown.Heading{ID: "two", Text: "Two"}) {
		t.Errorf("got %q and %v", text.Title, text.Headings)
	}
}
