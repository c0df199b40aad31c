package website

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"github.com/oxlin/oxlin/internal/bank/notation"
)

// page is one page of the site: goquery's selection of all of it.
type page struct {
	*goquery.Selection
	address *url.URL
	status  int
	// policy is how much of the address the page tells those to which it leads.
	policy string
}

// refused reports whether the page came with the status of a refusal.
func (p *page) refused() bool {
	return p.status == http.StatusUnauthorized || p.status == http.StatusForbidden
}

func (p *page) has(selector string) bool { return p.Find(selector).Length() > 0 }

// text returns the visible text of the first element that a selector finds.
func (p *page) text(selector string) string { return textOf(p.Find(selector).First()) }

// textOf returns the text, with each run of spaces replaced by one.
func textOf(s *goquery.Selection) string {
	return strings.Join(strings.Fields(notation.Shown(s.Text())), " ")
}

// texts returns the texts of the elements of a selection that have one.
func texts(s *goquery.Selection) []string {
	all := s.Map(func(_ int, one *goquery.Selection) string { return textOf(one) })
	return slices.DeleteFunc(all, func(text string) bool { return text == "" })
}

// link returns the address of a link, or of a button that loads more; empty without one.
func (p *page) link(s *goquery.Selection) string {
	href := strings.TrimSpace(s.AttrOr("href", s.AttrOr("data-src", "")))
	target, err := p.address.Parse(href)
	if href == "" || err != nil {
		return ""
	}
	if sameHost(target, p.address) {
		return target.RequestURI()
	}
	return target.String() // refused when it is followed
}

// facts returns the terms and descriptions of a list.
func (p *page) facts(selector string) facts {
	all := facts{}
	p.Find(selector).Find("dt").Each(func(_ int, term *goquery.Selection) {
		all[factName(textOf(term))] = textOf(term.NextFiltered("dd"))
	})
	return all
}

// record is the stored form of a raw record.
type record struct {
	HTML string `json:"html"`
}

// parse reads elements of a raw record within a frame of HTML, because a row of a table
// is no element outside of a table.
func parse(before, html, after string) *goquery.Selection {
	document, err := goquery.NewDocumentFromReader(strings.NewReader(before + html + after))
	if err != nil {
		return &goquery.Selection{}
	}
	return document.Selection
}

// raw returns elements as the bank wrote them.
func raw(elements ...*goquery.Selection) json.RawMessage {
	var html strings.Builder
	for _, element := range elements {
		text, err := goquery.OuterHtml(element)
		if err == nil {
			html.WriteString(text)
		}
	}
	text, err := json.Marshal(record{html.String()})
	if err != nil {
		panic(err) // text always marshals
	}
	return text
}

// form is a filled form that can be submitted.
type form struct {
	Address string     `json:"address"`
	Get     bool       `json:"get,omitempty"`
	Fields  url.Values `json:"fields"`
	// From is the form's page.
	From referrer `json:"from,omitzero"`
}

// form reads a form with its current values, including hidden fields, as if the button
// with the given value were pressed; an empty value means the first button.
func (p *page) form(selector, button string) (form, error) {
	found := p.Find(selector).First()
	if found.Length() == 0 {
		if p.refused() {
			return form{}, refusal(p.status)
		}
		return form{}, nonsense("the form %s is not there", selector)
	}
	f := form{From: p.referrer(), Fields: url.Values{}, Get: !strings.EqualFold(found.AttrOr("method", "get"), "post")}
	target, err := p.address.Parse(found.AttrOr("action", ""))
	if err != nil || !sameHost(target, p.address) {
		return form{}, nonsense("the form %s leads away from the bank", selector)
	}
	f.Address = target.RequestURI()
	if slices.Contains(strings.Fields(strings.ToLower(found.AttrOr("rel", ""))), "noreferrer") {
		f.From.Policy = policyNone
	}
	found.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		switch strings.ToLower(input.AttrOr("type", "text")) {
		case "checkbox", "radio", "submit", "button", "image", "file":
		default:
			f.Fields.Add(input.AttrOr("name", ""), input.AttrOr("value", ""))
		}
	})
	pressed := found.Find("button, input[type=submit]").FilterFunction(func(_ int, b *goquery.Selection) bool {
		return button == "" || b.AttrOr("value", "") == button
	}).First()
	if name := pressed.AttrOr("name", ""); name != "" {
		f.Fields.Set(name, pressed.AttrOr("value", ""))
	}
	return f, nil
}

// with returns a copy with a field filled.
func (f form) with(name, value string) form {
	fields := url.Values{}
	for key, values := range f.Fields {
		fields[key] = values
	}
	fields.Set(name, value)
	f.Fields = fields
	return f
}
