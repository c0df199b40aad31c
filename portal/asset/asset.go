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

//go:embed style.css portal.js quickstart.js reference.js icon.svg
var files embed.FS

// folder is where the files are on the web.
const folder = "/portal/assets/"

// types are the content types by extension.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// file is one of files, as it is served.
type file struct {
	contentType string
	content     []byte
}

// paths lead from a file's name to its address, served from there to its content.
var paths, served = fingerprint()

func fingerprint() (paths map[string]string, served map[string]file) {
	paths, served = map[string]string{}, map[string]file{}
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the compiler embedded it
	}
	for _, entry := range entries {
		name := entry.Name()
		content, err := files.ReadFile(name)
		if err != nil {
			panic(err) // the same
		}
		sum := sha256.Sum256(content)
		extension := path.Ext(name)
		address := folder + strings.TrimSuffix(name, extension) + "-" + hex.EncodeToString(sum[:8]) + extension
		paths[name] = address
		served[address] = file{types[extension], content}
	}
	return paths, served
}

// Path is the address of a file of this package, which is another one as soon as the
// content is. Other names panic.
func Path(name string) string {
	address, found := paths[name]
	if !found {
		panic("asset: there is no " + name)
	}
	return address
}

// Register serves the files at their addresses, compressed where the browser takes it.
// An address that Path does not give is not found.
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
