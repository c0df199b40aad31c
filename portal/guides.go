package portal

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"github.com/oxlin/oxlin/docs"
	"github.com/oxlin/oxlin/portal/markdown"
	"github.com/oxlin/oxlin/portal/page"
)

// guidesPath is the folder of the guides and of the tables.
const guidesPath = "/docs"

// order is that in which the guides are read. What is not in it comes after.
var order = []string{"quickstart", "concepts", "widget", "test-bank", "operations", "architecture", "connector"}

// tables are the pages of tables beside the guides.
var tables = []page.Link{
	{Path: eventsPath, Title: "Events", Says: "What the queues and the widget tell, and what to do then."},
	{Path: statusesPath, Title: "Statuses", Says: "Of connections, channels, accounts and transactions: who acts next."},
	{Path: errorsPath, Title: "Errors", Says: "Every code: for the developer, for the user, and what to do."},
}

// guide is a text of docs/.
type guide struct {
	name string
	markdown.Text
}

func (g guide) path() string { return guidesPath + "/" + g.name }

// readGuides reads all texts, in their order.
func readGuides() ([]guide, error) {
	files, err := fs.Glob(docs.Files, "*.md")
	if err != nil {
		return nil, err
	}
	sibling := func(file string) (string, bool) {
		name, isGuide := strings.CutSuffix(file, ".md")
		return guidesPath + "/" + name, isGuide && slices.Contains(files, file)
	}
	var all []guide
	for _, file := range files {
		source, err := docs.Files.ReadFile(file)
		if err != nil {
			return nil, err
		}
		text, err := markdown.Render(source, markdown.Options{Link: sibling})
		if err != nil {
			return nil, err
		}
		all = append(all, guide{strings.TrimSuffix(file, ".md"), text})
	}
	slices.SortStableFunc(all, func(a, b guide) int { return cmp.Compare(rank(a.name), rank(b.name)) })
	return all, nil
}

func rank(name string) int {
	place := slices.Index(order, name)
	if place < 0 {
		return len(order)
	}
	return place
}

// guideLinks lead to the guides.
func (p *Portal) guideLinks() []page.Link {
	var all []page.Link
	for _, one := range p.guides {
		all = append(all, page.Link{Path: one.path(), Title: one.Title, Says: one.Lead})
	}
	return all
}

// siblings are what stands beside a guide or a table.
func (p *Portal) siblings() []page.Link { return slices.Concat(p.guideLinks(), tables) }

func (p *Portal) guide(g guide) page.Guide {
	view := page.Guide{Title: g.Title, HTML: g.HTML, Siblings: p.siblings()}
	for _, heading := range g.Headings {
		view.Headings = append(view.Headings, page.Link{Path: "#" + heading.ID, Title: heading.Text})
	}
	return view
}

func (p *Portal) table(table page.Table) page.Table {
	table.Siblings = p.siblings()
	return table
}

// prose is markdown of ours as HTML: the library fails only where its writer does, and
// memory does not.
func prose(source string) string {
	text, err := markdown.Render([]byte(source), markdown.Options{})
	if err != nil {
		panic(err)
	}
	return text.HTML
}
