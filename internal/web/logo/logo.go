// Package logo gives every bank a picture under an address of the platform: the picture
// that the operator supplies, else the bank's initials.
//
// It must never serve a picture that can run scripts or load anything. Start reading at
// Pictures.
package logo

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/oxlin/oxlin"
	"github.com/oxlin/oxlin/internal/web"
)

// folder is the part of an address before the provider's id.
const folder = "/logos/"

// Address returns the address of a bank's picture: the operator's own address if there
// is one, else one of the platform, whose public address is public.
func Address(public string, id oxlin.ProviderID, own string) string {
	return cmp.Or(own, strings.TrimSuffix(public, "/")+folder+url.PathEscape(string(id))+".svg")
}

// Pictures serves the pictures at /logos/{id}.svg.
type Pictures struct {
	// Files are the operator's pictures, <provider id>.png or <provider id>.svg; nil
	// without any.
	Files fs.FS
	// Name returns a bank's name.
	Name func(oxlin.ProviderID) (name string, known bool)
}

// Register mounts the pictures inside a frame.
func (p Pictures) Register(mux *http.ServeMux, frame web.Frame) {
	mux.Handle("GET "+folder+"{file}", frame.Handler(http.HandlerFunc(p.serve)))
}

// wellFormed matches the ids that a catalogue may have, now or earlier.
var wellFormed = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// policy forbids a picture everything but its own shapes, styles and embedded images. The
// sandbox holds where somebody opens the picture as a page.
const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"

func (p Pictures) serve(w http.ResponseWriter, r *http.Request) {
	id, isPicture := strings.CutSuffix(r.PathValue("file"), ".svg")
	if !isPicture || !wellFormed.MatchString(id) {
		http.NotFound(w, r)
		return
	}
	picture, err := p.picture(oxlin.ProviderID(id))
	if err != nil {
		web.LineOf(r.Context()).Fail(oxlin.CodeInternal, err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(picture)
	header := w.Header()
	header.Set("Content-Type", "image/svg+xml")
	header.Set("Cache-Control", "public, max-age=86400")
	header.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	// Other sites show the picture, whatever their isolation.
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(picture))
}

// picture returns a bank's picture as SVG.
func (p Pictures) picture(id oxlin.ProviderID) ([]byte, error) {
	if p.Files != nil {
		drawn, err := fs.ReadFile(p.Files, string(id)+".svg")
		if err == nil {
			return drawn, nil
		}
		pixels, err := fs.ReadFile(p.Files, string(id)+".png")
		if err == nil {
			return framed(pixels), nil
		}
	}
	name, known := p.Name(id)
	if !known {
		return []byte(unnamed), nil
	}
	return initialled(id, name)
}

// framed puts a picture of pixels into an SVG.
func framed(pixels []byte) []byte {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64"><image width="64" height="64" href="data:image/png;base64,%s"/></svg>`,
		base64.StdEncoding.EncodeToString(pixels))
}

// shades are dark enough for white letters.
var shades = []string{"#3b4fae", "#6a44b0", "#a33a8c", "#b03a4f", "#a04a1c", "#5c6f16", "#1f7a5a", "#1d7390"}

// initialled draws a bank's initials in a colour that depends on its id.
func initialled(id oxlin.ProviderID, name string) ([]byte, error) {
	var title, letters bytes.Buffer
	err := xml.EscapeText(&title, []byte(name))
	if err == nil {
		err = xml.EscapeText(&letters, []byte(Initials(name)))
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64" role="img"><title>%s</title>`+
		`<rect width="64" height="64" rx="12" fill="%s"/><text x="32" y="32" dy=".35em" text-anchor="middle" font-family="sans-serif" font-weight="700" font-size="22" fill="#fff">%s</text></svg>`,
		title.Bytes(), shades[Hue(id, len(shades))], letters.Bytes()), err
}

// unnamed is a bank that has left the catalogue.
const unnamed = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64" role="img"><title>Bank</title>` +
	`<rect width="64" height="64" rx="12" fill="#5b6472"/><path fill="#fff" d="M32 12 10 25v4h44v-4zM15 32h6v14h-6zm14 0h6v14h-6zm14 0h6v14h-6zM10 49h44v4H10z"/></svg>`

// Hue returns the number of a bank's colour among some, which depends on its id alone.
func Hue(id oxlin.ProviderID, among int) int {
	sum := fnv.New32a()
	sum.Write([]byte(id)) // never fails
	return int(sum.Sum32() % uint32(among))
}
