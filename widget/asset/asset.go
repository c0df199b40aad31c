package asset

import (
	"embed"
	"net/http"

	"github.com/oxlin/oxlin/immutable"
)

//go:embed style.css widget.js
var embedded embed.FS

var files = immutable.New("/widget/assets/", embedded)

// Path is the address of "style.css" or "widget.js". Other names panic.
func Path(name string) string { return files.Path(name) }

// Register serves the files at their addresses.
func Register(mux *http.ServeMux) { files.Register(mux) }
