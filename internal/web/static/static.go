// Package static serves embedded files under addresses that contain a hash of
// their content, so that browsers cache them for ever (RFC 8246).
//
// It must never hold anything that belongs to one user. Start reading at New.
package static

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"github.com/oxlin/oxlin/internal/web"
)

// types are the content types by extension.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// Files holds the files of one folder.
type Files struct {
	folder string
	// paths maps a file's name to its address; served maps an address to its content.
	paths  map[string]string
	served map[string]file
}

// file is the answer for one address.
type file struct {
	contentType string
	content     []byte
}

// New reads embedded files and serves them below a folder such as "/widget/assets/".
// It panics if a file cannot be read or its extension has no content type.
func New(folder string, sources ...fs.FS) *Files {
	f := &Files{folder: folder, paths: map[string]string{}, served: map[string]file{}}
	for _, files := range sources {
		f.add(files)
	}
	return f
}

func (f *Files) add(files fs.FS) {
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
			panic("static: no content type for " + name)
		}
		sum := sha256.Sum256(content)
		address := f.folder + strings.TrimSuffix(name, extension) + "-" + hex.EncodeToString(sum[:8]) + extension
		f.paths[name] = address
		f.served[address] = file{types[extension], content}
	}
}

// Path returns the address of a file. The address changes with the content. Path
// panics if there is no such file.
func (f *Files) Path(name string) string {
	address, found := f.paths[name]
	if !found {
		panic("static: there is no file " + name)
	}
	return address
}

// Register serves the files inside a room's frame, compressed if the browser accepts it.
// Other addresses in the folder are not found, including those of an older release: its
// open pages go on without their script and style.
func (f *Files) Register(mux *http.ServeMux, frame web.Frame) {
	mux.Handle("GET "+f.folder+"{file}", gzhttp.GzipHandler(frame.Handler(http.HandlerFunc(f.serve))))
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
