package asset

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

//go:embed style.css widget.js
var files embed.FS

// folder is where the files are on the web.
const folder = "/widget/assets/"

// file is one of files, as it is served.
type file struct {
	contentType string
	content     []byte
}

// paths lead from a file's name to its address, served from there to its content.
var paths, served = fingerprint()

func fingerprint() (paths map[string]string, served map[string]file) {
	paths, served = map[string]string{}, map[string]file{}
	types := map[string]string{
		"style.css": "text/css; charset=utf-8",
		"widget.js": "text/javascript; charset=utf-8",
	}
	for name, contentType := range types {
		content, err := files.ReadFile(name)
		if err != nil {
			panic(err) // the compiler embedded it
		}
		sum := sha256.Sum256(content)
		extension := path.Ext(name)
		address := folder + strings.TrimSuffix(name, extension) + "-" + hex.EncodeToString(sum[:8]) + extension
		paths[name] = address
		served[address] = file{contentType, content}
	}
	return paths, served
}

// Path is the address of "style.css" or "widget.js", which is another one as soon as
// the content is. Other names panic.
func Path(name string) string {
	address, found := paths[name]
	if !found {
		panic("asset: there is no " + name)
	}
	return address
}

// Register serves the files at their addresses, compressed where the browser takes it.
// An address that Path does not give is not found, also that of an older release: a
// page that was drawn by it works without its script, and looks plain.
func Register(mux *http.ServeMux) {
	mux.Handle("GET "+folder+"{file}", gzhttp.GzipHandler(http.HandlerFunc(serve)))
}

func serve(w http.ResponseWriter, r *http.Request) {
	file, found := served[r.URL.Path]
	if !found {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", file.contentType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Write(file.content)
}
