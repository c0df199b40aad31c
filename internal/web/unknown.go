package web

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// ByAccept answers people with page and software with data.
func ByAccept(page, data http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		if WantsPage(r) {
			page.ServeHTTP(w, r)
			return
		}
		data.ServeHTTP(w, r)
	})
}

// WantsPage reports whether a request prefers HTML, as browsers do when a person opens
// an address. Software that accepts everything, or prefers JSON, gets no page.
func WantsPage(r *http.Request) bool {
	accepted := strings.Join(r.Header.Values("Accept"), ",")
	html := quality(accepted, "text/html")
	return html > 0 && html >= quality(accepted, "application/json")
}

// quality returns the weight that Accept gives to a media type by name (RFC 9110
// §12.5.1), or zero if Accept does not name it.
func quality(accept, wanted string) float64 {
	for part := range strings.SplitSeq(accept, ",") {
		media, parameters, err := mime.ParseMediaType(part)
		if err != nil || media != wanted {
			continue
		}
		weight, given := parameters["q"]
		if !given {
			return 1
		}
		q, err := strconv.ParseFloat(weight, 64)
		if err != nil {
			return 0
		}
		return q
	}
	return 0
}
