package widget

import (
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/widget/page"
)

// banksOnPage is the number of banks on a page. It bounds the size of the first page;
// users search for the other banks.
const banksOnPage = 20

// banks returns a page of the list of banks or of the results of a search.
func (w *Widget) banks(x *exchange, f *flow) page.Banks {
	query := x.request.URL.Query()
	view := page.Banks{
		Query:  strings.TrimSpace(query.Get("q")),
		Hidden: map[string]string{"session_id": x.session.id, "flow": f.ID.String()},
	}
	found := slices.DeleteFunc(w.options.Service.Providers.Search(view.Query), func(p oxlin.Provider) bool {
		return len(p.ChannelDefinitions) == 0 || len(f.requested.Countries) > 0 && !slices.Contains(f.requested.Countries, p.CountryCode)
	})
	from, _ := strconv.Atoi(query.Get("from"))
	from = max(0, min(from, len(found)))
	for _, provider := range found[from:min(from+banksOnPage, len(found))] {
		view.Banks = append(view.Banks, w.bank(provider))
	}
	if next := from + banksOnPage; next < len(found) {
		view.Next = x.self() + "&" + url.Values{"q": {view.Query}, "from": {strconv.Itoa(next)}}.Encode()
	}
	return view
}

// logo returns the address of a bank's logo; empty without one.
func (w *Widget) logo(id oxlin.ProviderID) string {
	file := string(id) + ".png"
	if w.options.Logos == nil || !fs.ValidPath(file) {
		return ""
	}
	_, err := fs.Stat(w.options.Logos, file)
	if err != nil {
		return ""
	}
	return "/widget/logos/" + file
}

func (w *Widget) serveLogo(x *exchange) error {
	file := x.request.PathValue("file")
	id, png := strings.CutSuffix(file, ".png")
	if !png || w.logo(oxlin.ProviderID(id)) == "" {
		return oxlin.Errorf(oxlin.CodeNotFound, "There is no such picture.")
	}
	x.Header().Set("Cache-Control", "public, max-age=86400")
	http.ServeFileFS(x, x.request, w.options.Logos, file)
	return nil
}
