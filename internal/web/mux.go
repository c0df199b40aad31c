package web

import (
	"net/http"
	"reflect"
)

// Mux serves a mux whose handlers have frames of their own. The frame f is for the answers
// of the mux itself: redirects from addresses that are not clean, such as //docs/../docs.
func (f Frame) Mux(mux *http.ServeMux) http.Handler {
	own := f.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler, _ := mux.Handler(r); reflect.TypeOf(handler) == redirect {
			own.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// redirect is the type of the handlers that a mux makes.
var redirect = reflect.TypeOf(http.RedirectHandler("", http.StatusFound))
