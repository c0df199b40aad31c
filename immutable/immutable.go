// Package immutable serves files of ours under addresses that change with their
// content, so that browsers keep them for ever (RFC 8246).
//
// It must never hold anything that belongs to one user. Start reading at New.
package immutable

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// types are the content types by extension.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// Files are the files of one folder on the web.
type Files struct {
	folder string
	// paths lead from a file's name to its address, served from there to its content.
	paths  map[string]string
	served map[string]file
}

// file is one file, as it is served.
type file struct {
	contentType string
	content     []byte
}

// New reads embedded files, which are served below a folder like "/widget/assets/". It
// panics where they cannot be read, or are of a kind that no page has.
func New(folder string, files fs.FS) *Files {
	f := &Files{folder: folder, paths: map[string]string{}, served: map[string]file{}}
	names, err := fs.Glob(files, "*")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err)
		}
		extension := path.Ext(name)
		if types[extension] == "" {
			panic("immutable: no page has a " + name)
		}
		sum := sha256.Sum256(content)
		address := folder + strings.TrimSuffix(name, extension) + "-" + hex.EncodeToString(sum[:8]) + extension
		f.paths[name] = address
		f.served[address] = file{types[extension], content}
	}
	return f
}

// Path is the address of a file, which is another one as soon as the content is. Other
// names panic.
func (f *Files) Path(name string) string {
	address, found := f.paths[name]
	if !found {
		panic("immutable: there is no " + name)
	}
	return address
}

// Register serves the files at their addresses, compressed where the browser takes it.
// An address that Path does not give is not found, also that of an older release: a
// page that was drawn by it works without its script, and looks plain.
func (f *Files) Register(mux *http.ServeMux) {
	mux.Handle("GET "+f.folder+"{file}", gzhttp.GzipHandler(http.HandlerFunc(f.serve)))
}

func (f *Files) serve(w http.ResponseWriter, r *http.Request) {
	file, found := f.served[r.URL.Path]
	if !found {
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", file.contentType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(file.content) // the browser has gone when it fails
}
