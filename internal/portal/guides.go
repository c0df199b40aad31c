package portal

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"github.com/oxlin/oxlin/docs"
	"github.com/oxlin/oxlin/internal/portal/markdown"
	"github.com/oxlin/oxlin/internal/portal/page"
)

// guidesPath is the parent address of the guides and tables.
const guidesPath = "/docs"

// known lists the guides in reading order, with a description each. The portal shows
// every text of docs, but not docs/decisions, which is for readers of the code. A test
// compares this list with the folder.
var known = []struct{ name, title, description string }{
	{"quickstart", "Quickstart in a shell", "A sandbox on your machine, and the eight steps by hand."},
	{"concepts", "", "The terms of the domain, and how they relate."},
	{"tokens", "", "The four grants, refreshing, the sign-in page, and errors."},
	{"widget", "", "The pages on which your user connects a bank: parameters, results, messages."},
	{"returns", "", "Journeys without the widget: bind the return from the bank to the browser that left."},
	{"files", "", "Statements that a user has downloaded: formats, accounts, and what a file adds beside a channel."},
	{"test-bank", "", "Logins for every failure, and files with accounts of your own."},
	{"operations", "", "Running the platform: flags, keys, health, backups, and what to do after a failure."},
	{"stolen-copy", "Stolen copies", "What somebody with a copy of the database can read, with and without the master key."},
	{"security", "", "OWASP ASVS and the security of OAuth, requirement by requirement, the threat model, and what an operator must do."},
	{"reliability", "", "What the platform promises in crashes, outages and beside banks that hang, with the tests that hold it to it."},
	{"performance", "", "What each request costs, beside a program that does the same work, and which targets are met."},
	{"scale", "", "Many processes on one PostgreSQL, a pooler of connections, and what a day of a million synchronisations costs."},
	{"architecture", "", "The way of one transaction through the packages, and the reasons for the design."},
	{"identity", "", "How a movement of money keeps its id, what cannot be decided, and how often that goes wrong."},
	{"connector", "", "How to add a bank to the platform."},
	{"home", "", "From nothing to your own bank, through an aggregator that lets private persons read their own accounts."},
	{"open-banking-uk", "", "A bank of the United Kingdom as one file of data: registration, and every difference between banks."},
	{"contract", "Contract", "The reference of the API and the widget, section by section, with the source of each fact."},
	{"banks", "Interfaces of banks", "How the interfaces of banks behave, and what the law requires of a platform."},
}

// tables are the pages of tables, listed after the guides.
var tables = []page.Link{
	{Path: eventsPath, Title: "Events", Description: "All events of the queues and the widget, and what to do after each."},
	{Path: statusesPath, Title: "Statuses", Description: "Statuses of connections, channels, accounts and transactions, and who acts next."},
	{Path: errorsPath, Title: "Errors", Description: "Every error code, with its text for users and what to do."},
}

// guide is a text of docs/.
type guide struct {
	name, description string
	markdown.Text
}

func (g guide) path() string { return guidesPath + "/" + g.name }

// readGuides reads and renders all guides, in reading order.
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
		one := guide{name: strings.TrimSuffix(file, ".md"), Text: text}
		if i := rank(one.name); i < len(known) {
			one.Title, one.description = cmp.Or(known[i].title, one.Title), known[i].description
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b guide) int { return cmp.Compare(rank(a.name), rank(b.name)) })
	return all, nil
}

// rank returns a guide's position in the reading order.
func rank(name string) int {
	for i, one := range known {
		if one.name == name {
			return i
		}
	}
	return len(known)
}

// guideLinks returns links to the guides.
func (p *Portal) guideLinks() []page.Link {
	var all []page.Link
	for _, one := range p.guides {
		all = append(all, page.Link{Path: one.path(), Title: one.Title, Description: one.description})
	}
	return all
}

// siblings returns the links beside a guide or a table.
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

// prose renders markdown that is part of the program. Rendering fails only if the
// writer fails, and a buffer in memory does not.
func prose(source string) string {
	text, err := markdown.Render([]byte(source), markdown.Options{})
	if err != nil {
		panic(err)
	}
	return text.HTML
}
